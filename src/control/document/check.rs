//! `patchd check --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::feeds::FeedState;
use super::machine::{Distribution, Host, Running};
use super::vulnerability::{Vulnerabilities, Vulnerable};
use crate::model::ExitCode;

/// `patchd check --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/check/1"))]
    pub schema: String,
    /// When it was asked.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// False when something could not be seen, such as an unreadable source
    /// list or an index that was never fetched; the exit code is 7 then.
    pub complete: bool,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
    /// This machine.
    pub host: Host,
    /// Its distribution; absent without os-release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// Its package manager: `apt`.
    pub package_manager: String,
    /// Every installed package that something newer is on offer for, with what
    /// becomes of it.
    pub updates: Vec<Update>,
    /// How many vulnerabilities are open; absent in an image, of which nothing runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<Vulnerabilities>,
    /// Where, most urgent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerable: Vec<Vulnerable>,
    /// What is live.
    pub running: Running,
    /// Every configured repository.
    pub repositories: Vec<Repository>,
    /// Every feed about vulnerabilities that this machine has or should have.
    #[serde(default)]
    pub feeds: Vec<FeedState>,
    /// Whoever else patches this machine; absent when that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rivals: Option<Vec<String>>,
}

/// One pending update with its decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Update {
    /// Its name.
    pub package: String,
    /// Its architecture.
    pub architecture: String,
    /// Version on disk.
    pub installed: String,
    /// The version that the package manager itself would choose.
    pub candidate: String,
    /// The version that the decision is about: the newest one that its rule holds
    /// for, so not always `candidate`.
    pub target: String,
    /// Its source package.
    pub source: String,
    /// Label of the repository that offers `target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Whether one of the versions on offer is a security fix; absent when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<bool>,
    /// The worst rating among what `target` closes here; absent when none is known.
    #[schemars(extend("enum" = ["none", "low", "medium", "high", "critical"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The most urgent tier among that.
    #[schemars(extend("enum" = ["P0", "P1", "P2", "P3", "P4"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Whether any of that is known to be exploited; absent as long as nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_exploited: Option<bool>,
    /// The highest EPSS among that, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
    /// What `target` closes here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cves: Vec<String>,
    /// What becomes of it.
    #[schemars(extend("enum" = ["install", "soaking", "report-only", "held", "rejected", "quarantined", "not-selected", "blocked"]))]
    pub decision: String,
    /// Why, one sentence.
    pub reason: String,
    /// Which rule decided, as `policy NAME rule N`; absent when none matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// When a soaking update becomes due.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Size of its archive, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_bytes: Option<u64>,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repository {
    /// URI without credentials, and suite.
    pub id: String,
    /// Seconds since its index was last known to be current; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// Whether it can be relied on, and if not, why.
    #[schemars(extend("enum" = ["fresh", "stale", "unreachable", "corrupt", "bad-signature", "expired-key", "expired", "identity-changed", "missing", "unknown"]))]
    pub state: String,
    /// What to do; absent when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Check {
    /// 7 when not everything could be seen, whatever is pending.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.complete {
            ExitCode::Success
        } else {
            ExitCode::NeedsHuman
        }
    }
}
