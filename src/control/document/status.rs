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
    #[schemars(extend("enum" = ["never-run", "running", "interrupted", "succeeded", "reboot-owed", "partial", "rolled-back", "deferred", "failed", "needs-human", "cloned"]))]
    pub state: String,
    /// The last run; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Run>,
    /// Whether a reboot is owed.
    pub reboot: Reboot,
    /// Whoever else patches this machine; absent when that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rivals: Option<Vec<String>>,
    /// What is kept away; absent when that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Kept>,
    /// Who has paused patching; absent when nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// What begins next; absent without a schedule, and where no daemon keeps them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// What is wrong with the configuration; the last good one is in force.
    /// Absent when it is sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_fault: Option<String>,
}

/// Harms, and what they are laid to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// The sources that have versions in quarantine.
    pub sources: Vec<String>,
    /// Those among which no culprit was found: a person has to look.
    pub unsolved: Vec<String>,
}

/// No run starts until it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Since when.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
    /// A user's name, or `uid N`.
    pub by: String,
    /// In that user's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: &str, code: Option<ExitCode>, owed: bool) -> Status {
        let mut run = serde_json::json!({
            "run": "01J0000000000000000000000G", "opened_at": "2026-11-21T03:00:00Z",
            "origin": "now", "asked_by": "root", "policy": "default", "packages": [],
            "set_aside": [], "kept_conffiles": [], "findings": [], "aftermath": crate::control::document::Aftermath::default(),
        });
        if let Some(code) = code {
            run["exit_code"] = u8::from(code).into();
        }
        let status = serde_json::json!({
            "schema": "patchd/status/1", "state": state, "last_run": run,
            "reboot": {"owed": owed, "reasons": []},
        });
        serde_json::from_value(status).expect("a status")
    }

    #[test]
    fn the_code_is_the_last_runs_until_something_matters_more() {
        let partial = Some(ExitCode::Partial);
        let cases = [
            (
                "succeeded",
                Some(ExitCode::Success),
                false,
                ExitCode::Success,
            ),
            ("succeeded", Some(ExitCode::Success), true, ExitCode::Owed),
            (
                "reboot-owed",
                Some(ExitCode::Owed),
                false,
                ExitCode::Success,
            ),
            ("partial", partial, true, ExitCode::Partial),
            ("running", None, false, ExitCode::Success),
            ("interrupted", None, false, ExitCode::NeedsHuman),
        ];
        for (state, code, owed, expected) in cases {
            assert_eq!(
                status(state, code, owed).exit_code(),
                expected,
                "{state} {owed}"
            );
        }
        let mut invalid = status("partial", partial, false);
        invalid.config_fault = Some("line 1".to_owned());
        assert_eq!(invalid.exit_code(), ExitCode::ConfigInvalid);
    }
}
