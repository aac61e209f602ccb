//! `patchd doctor --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `patchd doctor --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Doctor {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/doctor/1"))]
    pub schema: String,
    /// Everything that was looked at.
    pub checks: Vec<Diagnosis>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// What.
    pub about: String,
    /// How it is; `unknown` when it could not be seen.
    #[schemars(extend("enum" = ["ok", "warn", "bad", "unknown"]))]
    pub state: String,
    /// What was seen, and what to do.
    pub detail: String,
}
