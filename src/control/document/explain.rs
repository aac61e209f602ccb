//! `patchd explain --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Update;
use crate::model::ExitCode;

/// `patchd explain --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/explain/1"))]
    pub schema: String,
    /// The package that was asked about.
    pub package: String,
    /// One for each architecture with something newer on offer.
    pub updates: Vec<ExplainedUpdate>,
    /// Every architecture that is installed.
    pub installed: Vec<Installed>,
    /// False when something could not be seen; the exit code is 7 then.
    pub complete: bool,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}

/// One installed architecture of the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Installed {
    /// Which.
    pub architecture: String,
    /// Version on disk.
    pub version: String,
}

/// A pending update with everything that speaks for and against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedUpdate {
    /// The update and its decision.
    #[serde(flatten)]
    pub update: Update,
    /// What keeps the package manager from installing the candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_the_way: Option<String>,
    /// Every version on offer, newest first.
    pub offers: Vec<Offer>,
    /// Every rule of the policy, in order.
    pub rules: Vec<Rule>,
}

/// A version on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Offer {
    /// The version.
    pub version: String,
    /// Labels of the repositories that offer it.
    pub origins: Vec<String>,
    /// Whether it is a security fix; absent when not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<bool>,
}

/// How a rule answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Its place in the policy, counted from 1.
    pub number: usize,
    /// Unknown never counts as true.
    #[schemars(extend("enum" = ["true", "false", "unknown"]))]
    pub holds: String,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

/// How a condition answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// The key in the configuration.
    pub key: String,
    /// Unknown never counts as true.
    #[schemars(extend("enum" = ["true", "false", "unknown"]))]
    pub holds: String,
    /// The fact of this machine that it was held against.
    pub fact: String,
}

impl Explanation {
    /// 7 when not everything could be seen.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.complete {
            ExitCode::Success
        } else {
            ExitCode::NeedsHuman
        }
    }
}
