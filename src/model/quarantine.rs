//! Versions that did harm, and are kept away for a while.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::package::PackageName;
use super::plan::Change;
use super::version::Version;

/// A version of whatever is built from one source; nobody is to install it for
/// now, whoever upgrades.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeptAway {
    /// The source package.
    pub source: PackageName,
    /// The version of its binary packages.
    pub version: Version,
}

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

impl fmt::Display for KeptAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.source, self.version)
    }
}
