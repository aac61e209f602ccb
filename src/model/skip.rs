//! Why a scheduled run did not take place.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One word for metrics and reports; the sentence beside it tells the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Nothing of us ran while its window was open.
    Missed,
    /// The operator's calendar says that nothing starts.
    Frozen,
    /// The operator has paused everything.
    Paused,
    /// No sound configuration was ever seen.
    ConfigInvalid,
    /// The clock cannot be right.
    Clock,
}

impl SkipReason {
    /// All there are, for counting.
    pub const ALL: [Self; 5] = [
        Self::Missed,
        Self::Frozen,
        Self::Paused,
        Self::ConfigInvalid,
        Self::Clock,
    ];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Frozen => "frozen",
            Self::Paused => "paused",
            Self::ConfigInvalid => "config-invalid",
            Self::Clock => "clock",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
