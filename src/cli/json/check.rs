//! `patchd check --json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::machine::{DistributionJson, HostJson, Running};
use super::{time, word};
use crate::model::{Decided, PendingUpdate, Repository};

/// `patchd check --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Check {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/check/1"))]
    pub schema: &'static str,
    /// When it was asked.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// False when something could not be seen, such as an unreadable source
    /// list or an index that was never fetched; the exit code is 7 then.
    pub complete: bool,
    /// Why it is not complete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
    /// This machine.
    pub host: HostJson,
    /// Its distribution; absent without os-release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<DistributionJson>,
    /// Its package manager: `apt`.
    pub package_manager: &'static str,
    /// Every installed package that something newer is on offer for, with what
    /// becomes of it.
    pub updates: Vec<Update>,
    /// What is live.
    pub running: Running,
    /// Every configured repository.
    pub repositories: Vec<RepositoryJson>,
}

/// One pending update with its decision.
#[derive(Debug, Serialize, JsonSchema)]
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
    /// What becomes of it.
    #[schemars(extend("enum" = ["install", "soaking", "report-only", "held", "rejected", "not-selected", "blocked"]))]
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
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Repository")]
pub struct RepositoryJson {
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

impl Update {
    /// An update with the decision about it.
    #[must_use]
    pub fn new(update: &PendingUpdate, decided: &Decided) -> Self {
        let offer = update
            .offers
            .iter()
            .find(|offer| offer.version == decided.target);
        Self {
            package: update.id.name.to_string(),
            architecture: update.id.architecture.to_string(),
            installed: update.installed.to_string(),
            candidate: update.candidate.to_string(),
            target: decided.target.to_string(),
            source: update.source.to_string(),
            origin: offer
                .and_then(|offer| offer.origins.first())
                .map(|origin| origin.label.clone()),
            security: update.security(),
            decision: decided.decision.to_string(),
            reason: decided.reason.clone(),
            rule: decided.rule.clone(),
            due: decided.due.map(time),
            download_bytes: offer.and_then(|offer| offer.download_bytes),
        }
    }
}

impl From<&Repository> for RepositoryJson {
    fn from(repository: &Repository) -> Self {
        let Repository {
            id,
            age_seconds,
            state,
            advice,
        } = repository.clone();
        Self {
            id,
            age_seconds,
            state: word(&state),
            advice,
        }
    }
}
