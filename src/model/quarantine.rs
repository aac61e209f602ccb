//! Versions that did harm, and are kept away for a while.

use serde::{Deserialize, Serialize};

use super::package::PackageName;
use super::plan::Change;

/// What a run, or a person, wants kept away or let in again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantining {
    /// What is to be kept away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Suspicion>,
    /// What may come in again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lift: Vec<PackageName>,
}

/// New versions that one harm is laid to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspicion {
    /// The changes that brought them.
    pub changes: Vec<Change>,
    /// Whether each of them is to blame; otherwise it is one or some of them.
    pub known: bool,
    /// One sentence.
    pub reason: String,
    /// What was seen, a line each.
    pub evidence: Vec<String>,
}
