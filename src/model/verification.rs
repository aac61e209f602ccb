//! What verify found.

use serde::{Deserialize, Serialize};

use super::run::RunId;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Worth knowing; exit 5.
    Warns,
    /// The patch broke something that worked before: it is rolled back, or exit 7.
    Breaks,
}

/// One thing that is not as it was before the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it weighs.
    pub class: Class,
    /// Which check found it: `unit`, `port`, `route`, `resolver`, `probe`, `database`, `version`.
    pub check: String,
    /// The unit, port, probe or package it is about.
    pub subject: String,
    /// What was seen, and what the operator can do.
    pub detail: String,
    /// Set when an earlier run broke it, and it still is: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<RunId>,
}
