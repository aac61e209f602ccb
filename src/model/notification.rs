//! What somebody who is not here is to be told.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cve::CveId;
use super::evidence::Anchor;
use super::package::PackageName;
use super::run::RunId;

/// What happened; the words of `on` in `[notify.NAME]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationKind {
    /// A run did not work; the machine is sound.
    Failed,
    /// A run broke something, and was taken back.
    RolledBack,
    /// A person has to look.
    NeedsHuman,
    /// A vulnerability that is exploited elsewhere is open here.
    Exposed,
    /// A deadline has passed.
    Overdue,
    /// Fixes are installed, and wait for a reboot.
    RebootOwed,
    /// The configuration has faults.
    ConfigInvalid,
    /// Somebody wants to see whether notifications arrive; never in `on`.
    Test,
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// What kind of thing.
    pub kind: NotificationKind,
    /// What it is about. The same kind about the same subject is told once, for
    /// as long as it lasts.
    pub subject: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened and what to do, one sentence.
    pub sentence: String,
    /// In which run, if in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// About which package, if about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageName>,
    /// Which vulnerabilities, if any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cves: Vec<CveId>,
    /// Where the chain of evidence was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Anchor>,
}

/// A notification on its way to one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Names this very one.
    pub sequence: i64,
    /// The receiver: the NAME of `[notify.NAME]`.
    pub to: String,
    /// What he is told.
    pub notification: Notification,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried last; when it was queued where it was not tried yet.
    pub tried: Timestamp,
}

impl NotificationKind {
    /// All that can stand in `on`.
    pub const ALL: [Self; 7] = [
        Self::Failed,
        Self::RolledBack,
        Self::NeedsHuman,
        Self::Exposed,
        Self::Overdue,
        Self::RebootOwed,
        Self::ConfigInvalid,
    ];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::NeedsHuman => "needs-human",
            Self::Exposed => "exposed",
            Self::Overdue => "overdue",
            Self::RebootOwed => "reboot-owed",
            Self::ConfigInvalid => "config-invalid",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for NotificationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Notification {
    /// With nothing but what every notification has.
    pub fn new(
        kind: NotificationKind,
        subject: impl Into<String>,
        at: Timestamp,
        sentence: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            subject: subject.into(),
            at,
            sentence: sentence.into(),
            run: None,
            package: None,
            cves: Vec::new(),
            evidence: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_as_it_is_read() {
        for kind in NotificationKind::ALL {
            let word = serde_json::Value::from(kind.as_str());
            assert_eq!(serde_json::to_value(kind).expect("JSON"), word);
        }
    }
}
