//! A configured repository and how far its index can be trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One repository as configured on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// URI without credentials, and suite: what an operator would search for.
    pub id: String,
    /// Seconds since the index was last known to be current; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// Whether it can be relied on, and if not, why.
    pub state: RepositoryState,
    /// What the operator should do, one sentence; absent when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// What we know of a repository's index. Everything but `Fresh` counts as a
/// repository whose updates we may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepositoryState {
    /// Fetched and authenticated within the bound.
    Fresh,
    /// Authenticated, but not renewed for longer than the bound.
    Stale,
    /// No answer, or an answer that is no repository.
    Unreachable,
    /// The answer is cut short or does not match its own checksums.
    Corrupt,
    /// No valid signature of a key that this host trusts.
    BadSignature,
    /// Signed by a key that has expired.
    ExpiredKey,
    /// Its `Valid-Until` has passed, or its date lies in the future.
    Expired,
    /// Origin, Label, Suite or Codename differ from what was accepted before.
    IdentityChanged,
    /// Configured, but never fetched.
    Missing,
    /// A fault that we have no word for; the advice quotes it.
    Unknown,
}

impl fmt::Display for RepositoryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Unreachable => "unreachable",
            Self::Corrupt => "corrupt",
            Self::BadSignature => "badly signed",
            Self::ExpiredKey => "signed with an expired key",
            Self::Expired => "expired",
            Self::IdentityChanged => "another than it was",
            Self::Missing => "not fetched yet",
            Self::Unknown => "in trouble",
        })
    }
}
