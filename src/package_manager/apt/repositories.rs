//! How far each repository's index can be trusted, judged from what lies on disk.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Repository, RepositoryState};

use super::parse::release::Release;
use super::parse::targets::RepositoryKey;

/// Clocks differ; a Release file from further ahead is wrong, or we are.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(10);

/// What is known of one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Which one.
    pub key: RepositoryKey,
    /// Its Release file, if there is one.
    pub release: Option<Release>,
    /// When that file came here.
    pub renewed: Option<Timestamp>,
    /// Whether apt could verify it, or its owner vouches for it.
    pub trusted: bool,
    /// Whether any of its indexes is here, or is known to be empty.
    pub fetched: bool,
}

/// Judges all of them, each by what was fetched from itself. An unchanged
/// Release file is not fetched again; our own refresh dates it nevertheless.
#[must_use]
pub fn judge(evidence: &[Evidence], now: Timestamp, stale_after: Duration) -> Vec<Repository> {
    evidence
        .iter()
        .map(|it| one(it, now, stale_after))
        .collect()
}

fn one(evidence: &Evidence, now: Timestamp, stale_after: Duration) -> Repository {
    let age = evidence
        .renewed
        .and_then(|renewed| u64::try_from((now - renewed).get_seconds().max(0)).ok());
    let release = evidence.release.as_ref();
    let (state, advice) = match (release, age) {
        (None, _) => (RepositoryState::Missing, Some(missing())),
        (Some(_), _) if !evidence.fetched => (RepositoryState::Missing, Some(missing())),
        (Some(_), _) if !evidence.trusted => (RepositoryState::BadSignature, Some(unsigned())),
        (Some(release), _) if let Some(advice) = expired(release, now) => {
            (RepositoryState::Expired, Some(advice))
        }
        (Some(_), Some(age)) if age > stale_after.as_secs() => {
            (RepositoryState::Stale, Some(stale(age)))
        }
        (Some(_), _) => (RepositoryState::Fresh, None),
    };
    Repository {
        id: evidence.key.to_string(),
        age_seconds: age.filter(|_| evidence.release.is_some()),
        state,
        advice,
    }
}

fn missing() -> String {
    "it is configured but was never fetched; run `apt-get update`, or remove it from the sources"
        .to_owned()
}

fn unsigned() -> String {
    "it has no valid signature, so nothing is installed from it; have its owner sign it, or write [trusted=yes] where it is local"
        .to_owned()
}

fn stale(age: u64) -> String {
    format!(
        "not renewed for {} hours; run `apt-get update` and see what it says",
        age / 3600
    )
}

fn expired(release: &Release, now: Timestamp) -> Option<String> {
    if let Some(until) = release.valid_until.filter(|until| *until < now) {
        return Some(format!(
            "what it offers was valid until {until}; run `apt-get update`, and if that does not help, the mirror is behind: use another one"
        ));
    }
    let date = release.date.filter(|date| *date > now + CLOCK_TOLERANCE)?;
    Some(format!(
        "it was published at {date}, which lies ahead; set this machine's clock, or use another mirror"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_hours(72);

    fn at(text: &str) -> Timestamp {
        text.parse().expect("valid")
    }

    fn evidence(site: &str, renewed: &str) -> Evidence {
        Evidence {
            key: RepositoryKey::new(site, "stable"),
            release: Some(Release::default()),
            renewed: Some(at(renewed)),
            trusted: true,
            fetched: true,
        }
    }

    fn states(evidence: &[Evidence]) -> Vec<RepositoryState> {
        let now = at("2026-11-21T12:00:00Z");
        judge(evidence, now, BOUND)
            .iter()
            .map(|repository| repository.state)
            .collect()
    }

    #[test]
    fn a_neighbour_on_the_same_server_makes_nobody_fresh() {
        let quiet = evidence("http://deb.example.org/debian", "2026-07-11T10:00:00Z");
        let lively = evidence("http://deb.example.org/security", "2026-11-21T06:00:00Z");
        assert_eq!(
            states(&[quiet, lively]),
            [RepositoryState::Stale, RepositoryState::Fresh]
        );
    }

    #[test]
    fn a_release_from_the_future_is_not_relied_on() {
        let mut ahead = evidence("http://deb.example.org/debian", "2026-11-21T06:00:00Z");
        ahead.release = Some(super::super::parse::release::parse(
            "Date: Sun, 22 Nov 2026 00:00:00 UTC\n",
        ));
        assert_eq!(states(&[ahead]), [RepositoryState::Expired]);
    }
}
