//! `patchd takeover --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `patchd takeover --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Takeover {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/takeover/1"))]
    pub schema: String,
    /// What was switched off, or with `--undo` given back.
    pub done: Vec<String>,
    /// What was left as it is, and why; a sentence each.
    pub left: Vec<String>,
}
