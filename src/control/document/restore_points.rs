//! `patchd rollback --list --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `patchd rollback --list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestorePoints {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/restore-points/1"))]
    pub schema: String,
    /// What is kept, newest first.
    pub restore_points: Vec<RestorePoint>,
    /// What all of them take on disk, bytes.
    pub disk_bytes: u64,
}

/// What puts back what one run has replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestorePoint {
    /// Whose.
    pub run: String,
    /// When it was taken, RFC 3339.
    pub taken_at: String,
    /// How many packages it can put back.
    pub packages: u32,
    /// What deleting it would free, bytes.
    pub disk_bytes: u64,
    /// When its run was rolled back; absent while it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back_at: Option<String>,
}
