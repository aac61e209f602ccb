//! `patchd rehearse --json`, and the rehearsal of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aftermath::OldCode;

use super::run::{PackageChange, RunDocument, SetAside};

/// `patchd rehearse --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RehearseDocument {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/rehearse/1"))]
    pub schema: String,
    /// The id of the run that rehearsed; `patchd history` and `patchd logs` know it.
    pub run: String,
    /// When it began.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// The exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// The whole of it in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Packages that fail; the rest was rehearsed without them.
    pub set_aside: Vec<SetAside>,
    /// What the last transaction did; absent when there was nothing to rehearse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
}

/// What a plan did when it was tried in a throw-away view of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsal {
    /// `passed`: it would work. `confirmed`: it fails, and would fail on the
    /// machine itself. `unproven`: it failed for something that a rehearsal does
    /// not have, or could not be rehearsed here.
    #[schemars(extend("enum" = ["passed", "confirmed", "unproven"]))]
    pub verdict: String,
    /// Why, in one sentence.
    pub summary: String,
    /// The packages to blame, as far as that is known.
    pub culprits: Vec<String>,
    /// The last words of what failed, line by line.
    pub evidence: Vec<String>,
    /// What was to be installed and removed.
    pub packages: Vec<PackageChange>,
    /// How long the transaction took.
    pub seconds: u64,
    /// How many transactions were tried to find a culprit.
    pub attempts: u32,
    /// What it does to files.
    pub files: FileChanges,
    /// Configuration files that keep their old version, absolute paths.
    pub kept_conffiles: Vec<String>,
    /// What it does to services.
    pub services: Vec<ServiceChange>,
    /// Units that go on running code that it replaces.
    pub stale_units: Vec<OldCode>,
    /// Why a reboot would be owed; empty when none would.
    pub reboot_reasons: Vec<String>,
    /// What each file system gains.
    pub disk: Vec<DiskUse>,
    /// The most memory that the rehearsal itself took, bytes; absent where nobody counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Where the rehearsal kept what it wrote; absent when there was none.
    #[schemars(extend("enum" = ["memory", "disk"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Who held it within its bounds: the kernel, or patchd by looking; absent
    /// when there was none.
    #[schemars(extend("enum" = ["kernel", "polled"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<String>,
    /// Processes that maintainer scripts left behind.
    pub left_over: Vec<String>,
    /// Steps that were only noted down: boot loader, kernel, devices.
    pub not_rehearsed: Vec<String>,
    /// What may go wrong all the same, a sentence each.
    pub warnings: Vec<String>,
}

/// What a transaction does to files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileChanges {
    /// New files.
    pub added: u64,
    /// Files that are replaced or altered.
    pub changed: u64,
    /// Files that go.
    pub removed: u64,
    /// True when there were more than could be counted.
    pub incomplete: bool,
    /// The first of them, sorted by path.
    pub listed: Vec<FileChange>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileChange {
    /// Its absolute path.
    pub path: String,
    /// What becomes of it.
    #[schemars(extend("enum" = ["added", "changed", "removed"]))]
    pub change: String,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceChange {
    /// Its unit.
    pub unit: String,
    /// What becomes of it.
    #[schemars(extend("enum" = ["restarts", "reloads", "stops", "starts"]))]
    pub change: String,
}

/// What one file system gains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiskUse {
    /// Where it is mounted.
    pub mount: String,
    /// Bytes more than before, negative for less.
    pub bytes: i64,
}

impl From<RunDocument> for RehearseDocument {
    fn from(document: RunDocument) -> Self {
        Self {
            schema: "patchd/rehearse/1".to_owned(),
            run: document.run.id,
            at: document.run.opened_at,
            exit_code: document.run.exit_code,
            summary: document.run.summary,
            set_aside: document.run.set_aside,
            rehearsal: document.rehearsal,
        }
    }
}
