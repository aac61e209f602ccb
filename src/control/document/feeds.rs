//! `patchd feeds status --json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `patchd feeds status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Feeds {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/feeds/1"))]
    pub schema: String,
    /// The index that vulnerabilities are looked up in; absent when there is none
    /// that can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<FeedIndex>,
    /// Why there is none, one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_fault: Option<String>,
    /// Every feed that this machine has or should have.
    pub feeds: Vec<Feed>,
}

/// What feeds were made into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedIndex {
    /// When.
    #[schemars(extend("format" = "date-time"))]
    pub built_at: String,
    /// From how many records of which feeds.
    pub records: BTreeMap<String, u64>,
}

/// One feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Feed {
    /// What it is called.
    #[schemars(extend("enum" = ["debian-tracker", "osv", "updateinfo", "kev", "epss", "ssvc"]))]
    pub name: String,
    /// `fresh`: known to be current; `stale`: not for longer than is allowed;
    /// `missing`: there is nothing of it for this release.
    #[schemars(extend("enum" = ["fresh", "stale", "missing"]))]
    pub state: String,
    /// Seconds since it was last known to be current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// Where it is from; absent for one that was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When its records were taken in.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    /// How many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// What of it is not among them, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, u64>,
    /// When it was tried last.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<String>,
    /// Why the last attempt brought nothing, one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// One feed, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedState {
    /// What it is called.
    pub name: String,
    /// Seconds since it was last known to be current; absent when it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// Whether it can be relied on.
    #[schemars(extend("enum" = ["fresh", "stale", "missing"]))]
    pub state: String,
}
