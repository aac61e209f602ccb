//! What a plan did when it was tried in a throw-away view of the machine.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::package::PackageName;
use super::restart::StaleUnit;

/// How a rehearsal judges a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It went through, and what worked before works after it.
    Passed,
    /// It failed, and would fail on the machine itself.
    Confirmed,
    /// It failed for something that a rehearsal does not have, or could not be
    /// rehearsed here.
    #[default]
    Unproven,
}

/// A rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// Its judgement.
    pub verdict: Verdict,
    /// One sentence.
    pub summary: String,
    /// With a failure: the packages that are to blame, if that is known.
    pub culprits: Vec<PackageName>,
    /// What was seen of the failure, a line each.
    pub evidence: Vec<String>,
    /// How long the transaction took, seconds.
    pub seconds: u64,
    /// How many files it would add, replace or delete.
    pub files: FileCounts,
    /// Configuration files that keep their old version, absolute paths.
    pub kept_conffiles: Vec<String>,
    /// Services that the packages themselves would restart.
    pub restarts: Vec<String>,
    /// Services that would run old code after it.
    pub stale: Vec<StaleUnit>,
    /// Why a reboot would be owed; empty when none would.
    pub reboot_reasons: Vec<String>,
    /// What it would take on each file system, bytes by mount point.
    pub disk: BTreeMap<String, u64>,
    /// The most memory it took, bytes; absent where nobody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Steps that cannot be rehearsed, a sentence each.
    pub not_rehearsed: Vec<String>,
    /// Programs that were still at work when it ended.
    pub left_over: Vec<String>,
    /// What limited it: `cgroup` or `polled`.
    pub bounds: String,
}

/// How many files a plan touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCounts {
    /// New ones.
    pub added: u64,
    /// With other contents, mode or owner.
    pub changed: u64,
    /// Gone.
    pub deleted: u64,
    /// Whether there were more than could be counted.
    pub incomplete: bool,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Confirmed => "confirmed",
            Self::Unproven => "unproven",
        })
    }
}
