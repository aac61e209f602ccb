//! What `--json` says when there is no answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ExitCode;

/// Any command with `--json` that could not answer, on standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Error")]
pub struct ErrorDocument {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/error/1"))]
    pub schema: String,
    /// What happened, to what, and what to do; the same sentence is on standard error.
    pub error: String,
    /// What the program exits with.
    pub exit_code: u8,
}

impl ErrorDocument {
    /// About this.
    #[must_use]
    pub fn new(error: &str, exit_code: ExitCode) -> Self {
        Self {
            schema: "patchd/error/1".to_owned(),
            error: error.to_owned(),
            exit_code: exit_code.into(),
        }
    }
}
