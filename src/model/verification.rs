//! What verify found.

use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Worth knowing; exit 5.
    Warns,
    /// The patch broke something that worked before; exit 7 until rollback is built.
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
}
