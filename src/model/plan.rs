//! What policy made of the pending updates, and the one transaction that follows.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::package::PackageId;
use super::version::Version;

/// What happens to one pending update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Goes into the plan.
    Install,
    /// Would be installed, but its soak time is not over.
    Soaking,
    /// A rule with `then = "check"`.
    ReportOnly,
    /// A rule with `then = "hold"`.
    Held,
    /// A rule with `then = "reject"`.
    Rejected,
    /// It did harm here, and is kept away for a while.
    Quarantined,
    /// No rule matched.
    NotSelected,
    /// A rule said install, and the package manager cannot.
    Blocked,
}

/// A decision with everything needed to explain it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// About which package.
    #[serde(flatten)]
    pub id: PackageId,
    /// What will happen.
    pub decision: Decision,
    /// The version that would be installed: the newest one the rule holds for.
    pub target: Version,
    /// One sentence why.
    pub reason: String,
    /// The rule that decided, as `policy NAME rule N`; absent when none matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// When a soaking update becomes due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// One line of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// Which package.
    #[serde(flatten)]
    pub id: PackageId,
    /// What is installed; absent for a package that is new here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Version>,
    /// What will be installed; absent for a removal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Version>,
}

/// The exact transaction: every package it touches, with exact versions.
/// Sorted, so that equal plans have equal digests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Change>", into = "Vec<Change>")]
pub struct Plan {
    changes: Vec<Change>,
}

/// SHA-256 over a plan, hexadecimal. Two plans with one digest do the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Decision {
    /// All there are, for counting.
    pub const ALL: [Self; 8] = [
        Self::Install,
        Self::Soaking,
        Self::ReportOnly,
        Self::Held,
        Self::Rejected,
        Self::Quarantined,
        Self::NotSelected,
        Self::Blocked,
    ];
}

impl Plan {
    /// A plan of these changes, in any order; doubles are dropped.
    #[must_use]
    pub fn new(mut changes: Vec<Change>) -> Self {
        changes.sort();
        changes.dedup();
        Self { changes }
    }

    /// The changes, sorted by package.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether it does nothing but remove.
    #[must_use]
    pub fn only_removes(&self) -> bool {
        !self.is_empty() && self.changes.iter().all(Change::is_removal)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How long its packages alone may take: two seconds each, three minutes a kernel.
    #[must_use]
    pub fn work(&self) -> SignedDuration {
        let kernel = |change: &&Change| change.id.name.as_str().starts_with("linux-image-");
        let kernels = self.changes.iter().filter(kernel).count();
        let seconds = 2 * self.changes.len() + 180 * kernels;
        SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX / 2))
    }

    /// How long its transaction usually takes on an unknown machine: three
    /// minutes, and its packages. Whoever plans with it doubles it.
    #[must_use]
    pub fn usual_duration(&self) -> SignedDuration {
        self.work().saturating_add(SignedDuration::from_mins(3))
    }

    /// The digest that order, record and package-manager guard compare.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        for change in &self.changes {
            let version =
                |side: &Option<Version>| side.as_ref().map_or("-", Version::as_str).to_owned();
            hash.update(format!(
                "{} {} {}\n",
                change.id,
                version(&change.from),
                version(&change.to)
            ));
        }
        let hex = |mut text: String, byte: &u8| {
            text.extend(
                [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16).unwrap_or('0')),
            );
            text
        };
        Digest(hash.finalize().iter().fold(String::new(), hex))
    }
}

impl From<Vec<Change>> for Plan {
    fn from(changes: Vec<Change>) -> Self {
        Self::new(changes)
    }
}

impl From<Plan> for Vec<Change> {
    fn from(plan: Plan) -> Self {
        plan.changes
    }
}

impl Change {
    /// The change the other way round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            id: self.id.clone(),
            from: self.to.clone(),
            to: self.from.clone(),
        }
    }

    /// Whether this line takes the package away.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.to.is_none()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{} {from} -> {to}", self.id),
            (None, Some(to)) => write!(f, "{} new {to}", self.id),
            (Some(from), None) => write!(f, "{} {from} removed", self.id),
            (None, None) => write!(f, "{} untouched", self.id),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Install => "install",
            Self::Soaking => "soaking",
            Self::ReportOnly => "report-only",
            Self::Held => "held",
            Self::Rejected => "rejected",
            Self::Quarantined => "quarantined",
            Self::NotSelected => "not-selected",
            Self::Blocked => "blocked",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, to: &str) -> Change {
        Change {
            id: PackageId::parse(name, "amd64").expect("valid"),
            from: None,
            to: Some(Version::try_from(to.to_owned()).expect("valid")),
        }
    }

    #[test]
    fn a_kernel_takes_three_minutes_more() {
        let plan = Plan::new(vec![
            change("aa", "1"),
            change("linux-image-6.1.0-9-amd64", "1"),
        ]);
        assert_eq!(plan.usual_duration(), SignedDuration::from_secs(364));
        assert_eq!(plan.work(), SignedDuration::from_secs(184));
    }

    #[test]
    fn order_does_not_matter_for_the_digest_and_content_does() {
        let one = Plan::new(vec![change("aa", "1"), change("bb", "1")]);
        let same = Plan::new(vec![change("bb", "1"), change("aa", "1")]);
        let other = Plan::new(vec![change("aa", "1"), change("bb", "2")]);
        assert_eq!(one.digest(), same.digest());
        assert_ne!(one.digest(), other.digest());
    }
}
