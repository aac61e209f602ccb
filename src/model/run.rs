//! One pass of the cycle has one id.

use std::fmt;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// What a run is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Look and tell; nothing is installed.
    Check,
    /// Look, install, verify.
    #[default]
    Patch,
    /// Look, and try it in a throw-away view of the machine.
    Rehearse,
    /// Put back what an earlier run installed.
    RollBack,
}

/// A text that is no run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a run id; `patchd history` lists them")]
pub struct InvalidRunId(String);

/// A ULID: sorts by the time the run was opened, 26 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(Ulid);

impl RunId {
    /// From the opening time in milliseconds since 1970 and 80 random bits.
    #[must_use]
    pub fn new(unix_milliseconds: u64, random: u128) -> Self {
        Self(Ulid::from_parts(unix_milliseconds, random))
    }

    /// When it was opened, by the clock of then.
    #[must_use]
    pub fn unix_milliseconds(self) -> u64 {
        self.0.timestamp_ms()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Check => "check",
            Self::Patch => "patch",
            Self::Rehearse => "rehearse",
            Self::RollBack => "roll-back",
        })
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, InvalidRunId> {
        // Only the canonical form: the id becomes a folder's name.
        match Ulid::from_string(&text) {
            Ok(id) if id.to_string() == text => Ok(Self(id)),
            _ => Err(InvalidRunId(text)),
        }
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0.to_string()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        assert!(RunId::new(1, u128::MAX) < RunId::new(2, 0));
    }

    #[test]
    fn only_the_canonical_form_is_read_back() {
        let text = RunId::new(1_800_000_000_000, 7).to_string();
        assert_eq!(
            RunId::try_from(text.clone()).map(String::from),
            Ok(text.clone())
        );
        assert!(RunId::try_from(text.to_lowercase()).is_err());
        assert!(RunId::try_from("../../etc".to_owned()).is_err());
    }
}
