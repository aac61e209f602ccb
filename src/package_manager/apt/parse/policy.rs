//! What `apt-cache policy name:architecture …` prints: which version apt would
//! choose, pins considered.

use crate::model::Version;

use super::UnknownLine;
use super::simulation::{Named, named};

/// One package's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Which package, as apt names it.
    pub named: Named,
    /// What apt would install; absent when everything is pinned away.
    pub candidate: Option<Version>,
    /// Every version that apt knows, with the priority that pins leave it.
    pub priorities: Vec<(Version, i64)>,
}

/// Reads all answers. A package that apt does not know has none.
pub fn parse(text: &str) -> Result<Vec<Policy>, UnknownLine> {
    let mut answers: Vec<Policy> = Vec::new();
    for line in text.lines() {
        let unknown = || UnknownLine::new(line);
        if let Some(word) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            answers.push(Policy {
                named: named(word).ok_or_else(unknown)?,
                candidate: None,
                priorities: Vec::new(),
            });
        } else if let Some(version) = line.strip_prefix("  Candidate: ") {
            let answer = answers.last_mut().ok_or_else(unknown)?;
            answer.candidate = match version {
                "(none)" => None,
                version => Some(Version::try_from(version.to_owned()).map_err(|_| unknown())?),
            };
        } else if let Some(row) = version_row(line) {
            let answer = answers.last_mut().ok_or_else(unknown)?;
            answer.priorities.push(priority(row).ok_or_else(unknown)?);
        }
    }
    Ok(answers)
}

/// ` *** VERSION PRIORITY` or the same with blanks; who offers it stands
/// further to the right.
fn version_row(line: &str) -> Option<&str> {
    let row = line
        .strip_prefix(" *** ")
        .or_else(|| line.strip_prefix("     "))?;
    (!row.starts_with(' ')).then_some(row)
}

/// Behind the priority there may be a share of hosts (`(phased 10%)`).
fn priority(row: &str) -> Option<(Version, i64)> {
    let mut words = row.split_ascii_whitespace();
    let version = Version::try_from(words.next()?.to_owned()).ok()?;
    Some((version, words.next()?.parse().ok()?))
}

impl Policy {
    /// The priority of a version that apt knows.
    #[must_use]
    pub fn priority(&self, wanted: &Version) -> Option<i64> {
        let mut known = self.priorities.iter();
        known
            .find(|(version, _)| version == wanted)
            .map(|(_, priority)| *priority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_of_versions_are_told_from_those_of_repositories() {
        let text = include_str!("../../../../tests/fixtures/apt/12/policy-pins.txt");
        let answers = parse(text).expect("known");
        let found: Vec<(&str, i64)> = answers[0]
            .priorities
            .iter()
            .map(|(version, priority)| (version.as_str(), *priority))
            .collect();
        assert_eq!(
            found,
            [("1.3", 500), ("1.2", -1), ("1.1", 500), ("1.0", 100)]
        );
        let thirteen = include_str!("../../../../tests/fixtures/apt/13/policy.txt");
        let answers = parse(thirteen).expect("known");
        assert!(answers.iter().all(|answer| !answer.priorities.is_empty()));
    }

    fn candidates(text: &str) -> Vec<String> {
        let answers = parse(text).expect("known");
        answers
            .iter()
            .map(|it| {
                let candidate = it.candidate.as_ref().map_or("none", Version::as_str);
                format!("{} {candidate}", it.named.name)
            })
            .collect()
    }

    #[test]
    fn candidates_of_real_archives_are_read() {
        let twelve = include_str!("../../../../tests/fixtures/apt/12/policy.txt");
        assert_eq!(
            candidates(twelve),
            [
                "openssl 3.0.22-1~deb12u2",
                "libc6 2.36-9+deb12u14",
                "curl 7.88.1-10+deb12u15",
                "perl 5.36.0-7+deb12u4"
            ]
        );
        let thirteen = include_str!("../../../../tests/fixtures/apt/13/policy.txt");
        assert_eq!(candidates(thirteen).len(), 4);
    }

    #[test]
    fn what_is_pinned_away_has_no_candidate() {
        assert_eq!(
            candidates("aa:\n  Installed: 1\n  Candidate: (none)\n"),
            ["aa none"]
        );
    }

    #[test]
    fn a_candidate_of_nobody_is_refused() {
        assert!(parse("  Candidate: 1\n").is_err());
    }
}
