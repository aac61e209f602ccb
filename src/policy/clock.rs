//! When a fix could first be had. A newer fix inherits the clock of the one it
//! supersedes, so that a busy package is not soaked for ever.

use jiff::Timestamp;

use crate::model::Version;

/// One version, and when it was first seen on offer here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The version; it may have been superseded since.
    pub version: Version,
    /// Whether it came from a security origin then.
    pub security: bool,
    /// First sight.
    pub at: Timestamp,
}

/// Everything ever seen on offer for one package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenVersions(pub Vec<Seen>);

impl SeenVersions {
    /// The earliest sight of a version in (installed, target]; with
    /// `security_only`, of one that was a security fix.
    #[must_use]
    pub fn since(
        &self,
        installed: &Version,
        target: &Version,
        security_only: bool,
    ) -> Option<Timestamp> {
        let counts = |seen: &&Seen| {
            seen.version > *installed
                && seen.version <= *target
                && (seen.security || !security_only)
        };
        self.0.iter().filter(counts).map(|seen| seen.at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::try_from(text.to_owned()).expect("valid")
    }

    fn seen(text: &str, security: bool, second: i64) -> Seen {
        Seen {
            version: version(text),
            security,
            at: Timestamp::from_second(second).expect("in range"),
        }
    }

    #[test]
    fn a_superseding_fix_inherits_the_clock() {
        let seen = SeenVersions(vec![seen("1.1", true, 100), seen("1.2", true, 200)]);
        assert_eq!(
            seen.since(&version("1.0"), &version("1.2"), true),
            Timestamp::from_second(100).ok()
        );
    }

    #[test]
    fn a_fix_that_is_installed_already_starts_no_clock() {
        let seen = SeenVersions(vec![seen("1.1", true, 100), seen("1.2", true, 200)]);
        assert_eq!(
            seen.since(&version("1.1"), &version("1.2"), true),
            Timestamp::from_second(200).ok()
        );
    }

    #[test]
    fn an_ordinary_update_starts_no_clock_for_a_fix() {
        let seen = SeenVersions(vec![seen("1.1", false, 100), seen("1.2", true, 200)]);
        assert_eq!(
            seen.since(&version("1.0"), &version("1.2"), true),
            Timestamp::from_second(200).ok()
        );
        assert_eq!(
            seen.since(&version("1.0"), &version("1.2"), false),
            Timestamp::from_second(100).ok()
        );
    }
}
