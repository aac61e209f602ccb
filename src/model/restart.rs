//! What runs old code, and what became of it.

use serde::{Deserialize, Serialize};

/// After a restart pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restarted {
    /// Units that were restarted and run.
    pub restarted: Vec<String>,
    /// Units that did not come back; `why` has their last words.
    pub failed: Vec<StaleUnit>,
    /// Units that still run old code; `why` tells what keeps them from being restarted.
    pub stale: Vec<StaleUnit>,
    /// Why a reboot is owed; empty when none is.
    pub reboot_reasons: Vec<String>,
}

/// A unit that runs code which is no longer on disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StaleUnit {
    /// Its name with suffix.
    pub unit: String,
    /// One sentence.
    pub why: String,
}
