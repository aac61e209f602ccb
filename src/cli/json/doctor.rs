//! `patchd doctor --json`.

use schemars::JsonSchema;
use serde::Serialize;

/// `patchd doctor --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Doctor {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/doctor/1"))]
    pub schema: &'static str,
    /// Everything that was looked at.
    pub checks: Vec<DiagnosisJson>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Diagnosis")]
pub struct DiagnosisJson {
    /// What.
    pub about: &'static str,
    /// How it is; `unknown` when it could not be seen.
    #[schemars(extend("enum" = ["ok", "warn", "bad", "unknown"]))]
    pub state: &'static str,
    /// What was seen, and what to do.
    pub detail: String,
}
