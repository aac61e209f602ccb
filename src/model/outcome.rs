//! How things end: outcomes for people and the ledger, exit codes for scripts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything planned is installed and verified, or there was nothing to do.
    Succeeded,
    /// Installed and verified; a reboot is owed for it to take effect.
    RebootOwed,
    /// Some of it is installed, or verify warns.
    Partial,
    /// It broke something, and was taken back whole.
    RolledBack,
    /// Not begun or not gone on with: a lock, an operator who cancelled.
    Deferred,
    /// Did not work; the machine is sound.
    Failed,
    /// A person has to look: something broke, or the view was incomplete.
    NeedsHuman,
    /// Belonged to the machine this one was cloned from.
    Cloned,
}

/// The exit codes of the program; the first that applies, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum ExitCode {
    /// The configuration is invalid.
    ConfigInvalid = 78,
    /// Wrong usage of the command line.
    Usage = 2,
    /// The caller may not do this.
    NotPermitted = 77,
    /// The daemon does not answer.
    Unreachable = 69,
    /// It did not work.
    Failed = 1,
    /// A person has to look, or the answer is incomplete.
    NeedsHuman = 7,
    /// It broke something, and was taken back.
    RolledBack = 6,
    /// Some of it worked.
    Partial = 5,
    /// Put off: lock, cancel.
    Deferred = 4,
    /// Patched; a reboot or restart is owed.
    Owed = 3,
    /// Updates are pending, for `check --exit-code`.
    UpdatesPending = 100,
    /// All is well.
    Success = 0,
}

impl Outcome {
    /// All there are, for counting.
    pub const ALL: [Self; 8] = [
        Self::Succeeded,
        Self::RebootOwed,
        Self::Partial,
        Self::RolledBack,
        Self::Deferred,
        Self::Failed,
        Self::NeedsHuman,
        Self::Cloned,
    ];

    /// The exit code that tells this outcome.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Succeeded => ExitCode::Success,
            Self::RebootOwed => ExitCode::Owed,
            Self::Partial => ExitCode::Partial,
            Self::RolledBack => ExitCode::RolledBack,
            Self::Deferred => ExitCode::Deferred,
            Self::Failed | Self::Cloned => ExitCode::Failed,
            Self::NeedsHuman => ExitCode::NeedsHuman,
        }
    }
}

/// A number that no exit code of ours has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no exit code of patchd")]
pub struct InvalidExitCode(u8);

impl ExitCode {
    /// All of them, the first that applies first.
    const ALL: [Self; 12] = [
        Self::ConfigInvalid,
        Self::Usage,
        Self::NotPermitted,
        Self::Unreachable,
        Self::Failed,
        Self::NeedsHuman,
        Self::RolledBack,
        Self::Partial,
        Self::Deferred,
        Self::Owed,
        Self::UpdatesPending,
        Self::Success,
    ];

    /// The word for logs and metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::ConfigInvalid => "config-invalid",
            Self::Usage => "usage",
            Self::NotPermitted => "not-permitted",
            Self::Unreachable => "unreachable",
            Self::Failed => "failed",
            Self::NeedsHuman => "needs-human",
            Self::RolledBack => "rolled-back",
            Self::Partial => "partial",
            Self::Deferred => "deferred",
            Self::Owed => "owed",
            Self::UpdatesPending => "updates-pending",
            Self::Success => "success",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "succeeded",
            Self::RebootOwed => "reboot-owed",
            Self::Partial => "partial",
            Self::RolledBack => "rolled-back",
            Self::Deferred => "deferred",
            Self::Failed => "failed",
            Self::NeedsHuman => "needs-human",
            Self::Cloned => "cloned",
        })
    }
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code as Self
    }
}

impl TryFrom<u8> for ExitCode {
    type Error = InvalidExitCode;

    fn try_from(number: u8) -> Result<Self, InvalidExitCode> {
        let known = Self::ALL.into_iter().find(|code| *code as u8 == number);
        known.ok_or(InvalidExitCode(number))
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
