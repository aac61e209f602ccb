//! What became of a run behind its transaction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::PackageChange;

/// What became of a run behind its transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Aftermath {
    /// Units that were restarted and run.
    pub restarted: Vec<String>,
    /// Units that did not come back after a restart.
    pub restart_failed: Vec<OldCode>,
    /// Units that ran old code when it ended.
    pub stale_units: Vec<OldCode>,
    /// Whether the machine was rebooted in it.
    pub rebooted: bool,
    /// Why there was no reboot although one was due; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reboot_put_off: Option<String>,
    /// What came of taking it back; absent when that was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<RolledBack>,
    /// Versions that are kept away because of it, a sentence each.
    pub kept_away: Vec<String>,
}

/// A unit that ran code which is no longer on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OldCode {
    /// Its name with suffix.
    pub unit: String,
    /// What keeps it from being restarted, or its last words.
    pub why: String,
}

/// What came of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolledBack {
    /// What was found that made the run take itself back, a sentence each.
    pub because: Vec<String>,
    /// What was put back.
    pub restored: Vec<PackageChange>,
    /// What stays because it is never rolled back.
    pub left: Vec<PackageChange>,
    /// Configuration files that stay because somebody changed them since.
    pub kept_files: Vec<String>,
    /// What was neither kept nor compared, because there is too much of it; absent
    /// when there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// The folder with their older contents; absent when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_files: Option<String>,
    /// Why it was not rehearsed although it should have been; absent when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_rehearsed: Option<String>,
    /// Why it did not go through; absent when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What a person does now, a sentence each.
    pub next_steps: Vec<String>,
}
