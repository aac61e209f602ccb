//! `patchd status --json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::machine::Reboot;
use super::run::Run;

/// `patchd status --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/status/1"))]
    pub schema: &'static str,
    /// The last run's outcome, or `never-run`, `running`, `interrupted`.
    #[schemars(extend("enum" = ["never-run", "running", "interrupted", "succeeded", "reboot-owed", "partial", "deferred", "failed", "needs-human", "cloned"]))]
    pub state: String,
    /// The last run; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Run>,
    /// Whether a reboot is owed.
    pub reboot: Reboot,
    /// Programs that patch behind our back.
    pub rivals: Vec<String>,
}
