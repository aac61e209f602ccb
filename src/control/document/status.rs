//! `patchd status --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::machine::Reboot;
use super::run::Run;
use crate::model::ExitCode;

/// `patchd status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/status/1"))]
    pub schema: String,
    /// The last run's outcome, or `never-run`, `running`, `interrupted`.
    #[schemars(extend("enum" = ["never-run", "running", "interrupted", "succeeded", "reboot-owed", "partial", "deferred", "failed", "needs-human", "cloned"]))]
    pub state: String,
    /// The last run; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Run>,
    /// Whether a reboot is owed.
    pub reboot: Reboot,
    /// Whoever else patches this machine; absent when that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rivals: Option<Vec<String>>,
    /// What begins next; absent without a schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// What is wrong with the configuration; the last good one is in force.
    /// Absent when it is sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_fault: Option<String>,
}

/// The window that this host uses next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Next {
    /// Of which schedule.
    pub schedule: String,
    /// When, with the offset of the schedule's zone.
    #[schemars(extend("format" = "date-time"))]
    pub starts: String,
}

impl Status {
    /// The last run's code, unless something else matters more, or less.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let number = self.last_run.as_ref().and_then(|run| run.exit_code);
        let code = number.and_then(|number| ExitCode::try_from(number).ok());
        match code.unwrap_or(ExitCode::Success) {
            _ if self.config_fault.is_some() => ExitCode::ConfigInvalid,
            _ if self.state == "interrupted" => ExitCode::NeedsHuman,
            // A reboot since then has paid what the last run owed.
            ExitCode::Owed | ExitCode::Success if self.reboot.owed => ExitCode::Owed,
            ExitCode::Owed => ExitCode::Success,
            code => code,
        }
    }
}
