//! What a rehearsal found: the exact transaction, tried on a throw-away view
//! of the machine.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::package::PackageName;
use super::plan::Plan;
use super::restart::StaleUnit;

/// What a rehearsal says of its plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It went through, and what was checked before it passed after it.
    Passed,
    /// It fails, and would fail on the machine itself.
    Confirmed,
    /// It did not go through, for a reason that the machine itself may not
    /// have: no network, no device, no systemd, no room, no jail at all.
    #[default]
    Unproven,
}

/// The report of a rehearsal. Texts from inside it are untrusted: they are
/// bounded when it is made, and escaped where they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// The transaction.
    #[serde(default)]
    pub plan: Plan,
    /// Whether it would work.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub summary: String,
    /// The packages that make it fail; without them it passed, as far as `evidence` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub culprits: Vec<PackageName>,
    /// The last words of what failed, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// How long the transaction took.
    pub seconds: u64,
    /// How many transactions were tried: more than one when a culprit had to be found.
    pub attempts: u32,
    /// What it does to the files of the machine.
    pub files: FileChanges,
    /// Configuration files that keep their old version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_conffiles: Vec<String>,
    /// What it does to services, by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceChange>,
    /// Units that go on running code that it replaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StaleUnit>,
    /// Why a reboot would be owed; empty when none would.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reboot_reasons: Vec<String>,
    /// What each file system gains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disk: Vec<DiskUse>,
    /// The most memory that the rehearsal took, bytes; absent where nobody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Where what it wrote was kept meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// Who held it within its bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    /// Processes that maintainer scripts left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_over: Vec<String>,
    /// Steps that could only be noted down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_rehearsed: Vec<String>,
    /// What may go wrong all the same, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How many files a transaction changes, and which.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChanges {
    /// Files that are new.
    pub added: u64,
    /// Files that are replaced or altered.
    pub changed: u64,
    /// Files that go.
    pub removed: u64,
    /// The first of them, absolute paths, sorted; not all when there are many.
    pub listed: Vec<FileChange>,
    /// There were more than could be looked at, so that the numbers are too small.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// One file that a transaction changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileChange {
    /// Which file.
    pub path: String,
    /// What becomes of it.
    pub change: FileFate,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFate {
    /// It is new.
    Added,
    /// It is replaced or altered.
    Changed,
    /// It goes.
    Removed,
}

/// What a transaction does to one service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceChange {
    /// Name of its unit.
    pub unit: String,
    /// What becomes of it.
    pub change: ServiceFate,
}

/// What becomes of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceFate {
    /// It runs and is restarted.
    Restarts,
    /// It runs and reads its configuration again.
    Reloads,
    /// It runs and is stopped for good.
    Stops,
    /// It does not run and is started.
    Starts,
}

/// What one file system gains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskUse {
    /// Where it is mounted.
    pub mount: String,
    /// Bytes more than before, negative for less.
    pub bytes: i64,
}

/// Where a rehearsal writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// In memory.
    Memory,
    /// In a file on disk that has no name.
    Disk,
}

/// Who holds a rehearsal within its bounds of memory and processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bounds {
    /// The kernel.
    Kernel,
    /// patchd looks, and ends what is beyond them.
    Polled,
}

impl Rehearsal {
    /// One that could not be had: nothing is known of what the plan does.
    #[must_use]
    pub fn impossible(plan: Plan, summary: String) -> Self {
        Self {
            plan,
            summary,
            ..Self::default()
        }
    }
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

impl fmt::Display for FileFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        })
    }
}

impl fmt::Display for ServiceFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Restarts => "restarts",
            Self::Reloads => "reloads",
            Self::Stops => "stops",
            Self::Starts => "starts",
        })
    }
}
