//! What `apt-get indextargets --no-release-info` prints: every index that is
//! configured, fetched or not, under the name it would have.

use std::collections::BTreeSet;

use crate::model::Architecture;

use super::UnknownLine;
use super::stanza::{fields, stanzas};

/// One configured package index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name in the lists folder, without the ending of a compression.
    pub filename: String,
    /// Its name in the Release file.
    pub meta_key: String,
    /// The repository.
    pub repository: RepositoryKey,
    /// Absent for a flat repository.
    pub architecture: Option<Architecture>,
    /// apt itself does not mind when it is missing.
    pub optional: bool,
    /// It may come without a valid signature (`[allow-insecure=yes]`).
    pub allows_insecure: bool,
}

/// What tells one configured repository from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepositoryKey {
    uri: String,
    suite: String,
}

/// Reads all stanzas.
pub fn parse(text: &str) -> Result<Vec<Target>, UnknownLine> {
    stanzas(text)
        .map(|stanza| target(stanza).ok_or_else(|| UnknownLine::new(stanza)))
        .collect()
}

fn target(stanza: &str) -> Option<Target> {
    let value = |wanted: &str| {
        fields(stanza)
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    };
    Some(Target {
        filename: value("Filename")?.to_owned(),
        meta_key: value("MetaKey")?.to_owned(),
        repository: RepositoryKey::new(value("Repo-URI")?, value("Release")?),
        architecture: value("Architecture")
            .map(|text| Architecture::try_from(text.to_owned()))
            .transpose()
            .ok()?,
        optional: value("Optional") == Some("yes"),
        allows_insecure: value("Allow-Insecure") == Some("true"),
    })
}

impl Target {
    /// Where the Release file of its repository lies if `name` is `InRelease`
    /// or `Release`.
    #[must_use]
    pub fn beside(&self, name: &str) -> Option<String> {
        let key = self.meta_key.replace('/', "_");
        let folder = self.filename.strip_suffix(&key)?;
        Some(format!("{folder}{name}"))
    }
}

/// The repositories that apt does not trust, of `URI<tab>SUITE<tab>yes|no`
/// lines. One that was never fetched has no line.
pub fn untrusted(text: &str) -> Result<BTreeSet<RepositoryKey>, UnknownLine> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [uri, suite, trusted] = fields.as_slice() else {
            return Err(UnknownLine::new(line));
        };
        if *trusted == "no" {
            found.insert(RepositoryKey::new(uri, suite));
        }
    }
    Ok(found)
}

impl RepositoryKey {
    /// From a repository's URI, which may hold credentials, and its suite as configured.
    #[must_use]
    pub fn new(uri: &str, suite: &str) -> Self {
        Self {
            uri: without_credentials(uri.trim_end_matches('/')),
            suite: suite.to_owned(),
        }
    }
}

impl std::fmt::Display for RepositoryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.uri, self.suite)
    }
}

/// `scheme://user:password@host/path` without the part that is nobody's business.
fn without_credentials(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.to_owned();
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWELVE: &str = include_str!("../../../../tests/fixtures/apt/12/indextargets.txt");
    const BOX: &str = include_str!("../../../../tests/fixtures/apt/12/box/indextargets.txt");

    #[test]
    fn an_index_knows_its_release_file() {
        let targets = parse(TWELVE).expect("known");
        let first = targets.first().expect("one");
        assert_eq!(
            first.beside("InRelease").as_deref(),
            Some("/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease")
        );
        assert_eq!(
            first.repository.to_string(),
            "http://deb.debian.org/debian bookworm"
        );
        assert!(!first.optional && first.architecture.is_some());
    }

    #[test]
    fn a_repository_that_apt_does_not_trust_is_told_from_one_that_its_owner_trusts() {
        let trust = include_str!("../../../../tests/fixtures/apt/12/trust.txt");
        let found = untrusted(trust).expect("known");
        let names: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["http://127.0.0.1:18877/u lab"]);
        assert!(untrusted("http://h/ lab\n").is_err());
        let text = include_str!("../../../../tests/fixtures/apt/12/indextargets-insecure.txt");
        let insecure: Vec<bool> = parse(text)
            .expect("known")
            .iter()
            .map(|target| target.allows_insecure)
            .collect();
        assert_eq!(insecure, [true, true, false, false, false, false]);
    }

    #[test]
    fn a_flat_repository_has_a_release_file_too() {
        let targets = parse(BOX).expect("known");
        let first = targets.first().expect("one");
        assert_eq!(
            first.beside("Release").as_deref(),
            Some("/srv/box/state/lists/_srv_box_repo_._Release")
        );
        assert_eq!(first.architecture, None);
    }

    #[test]
    fn credentials_do_not_leave_this_place() {
        let key = |uri: &str| RepositoryKey::new(uri, "stable").to_string();
        assert_eq!(
            key("https://me:pass@word@example.org/a@b/"),
            "https://example.org/a@b stable"
        );
        assert_eq!(key("file:/srv/repo/"), "file:/srv/repo stable");
    }

    #[test]
    fn a_stanza_without_a_file_is_refused() {
        assert!(parse("MetaKey: Packages\nRepo-URI: file:/x/\nRelease: ./\n").is_err());
    }
}
