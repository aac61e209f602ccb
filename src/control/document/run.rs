//! `patchd history --json`, `patchd history RUN --json`, `patchd run --json`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aftermath::Aftermath;
use super::rehearse::Rehearsal;

/// `patchd history --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/history/1"))]
    pub schema: String,
    /// Newest first.
    pub runs: Vec<Run>,
    /// Scheduled runs that did not take place, newest first.
    #[serde(default)]
    pub skips: Vec<Skip>,
}

/// A scheduled run that did not take place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Skip {
    /// When that was decided.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// The schedule's name.
    pub schedule: String,
    /// Why, in one word.
    #[schemars(extend("enum" = ["missed", "frozen", "paused", "config-invalid", "clock"]))]
    pub reason: String,
    /// Why, in one sentence.
    pub sentence: String,
}

/// `patchd run --json` and `patchd history RUN --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunDocument {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/run/1"))]
    pub schema: String,
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Its steps.
    pub phases: Vec<Phase>,
    /// What policy decided.
    pub decisions: Vec<Decision>,
    /// How its last plan did in rehearsal; absent when none was rehearsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Its id, a ULID: ids sort by time.
    #[serde(rename = "run")]
    pub id: String,
    /// When it began.
    #[schemars(extend("format" = "date-time"))]
    pub opened_at: String,
    /// When it ended; absent while it is open.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// How it ended; absent while it is open.
    #[schemars(extend("enum" = ["succeeded", "reboot-owed", "partial", "rolled-back", "deferred", "failed", "needs-human", "cloned"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The exit code of that outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// The whole run in one sentence; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Where it is, such as `applying`; absent once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// What set it off: `now` for a run by hand.
    pub origin: String,
    /// Who asked for it: a user name, or `uid N`.
    pub asked_by: String,
    /// The policy that decided.
    pub policy: String,
    /// What it changed so far.
    pub packages: Vec<PackageChange>,
    /// Packages that failed; the rest went on without them.
    pub set_aside: Vec<SetAside>,
    /// Configuration files that kept their old version, absolute paths.
    pub kept_conffiles: Vec<String>,
    /// What is not as it was before the run.
    pub findings: Vec<Finding>,
    /// What became of it behind its transaction.
    pub aftermath: Aftermath,
}

/// One package before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackageChange {
    /// Its name.
    pub package: String,
    /// Its architecture.
    pub architecture: String,
    /// Version before; absent for a new package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Version after; absent for a removal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A package that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetAside {
    /// Its name.
    pub package: String,
    /// What it did.
    pub reason: String,
}

/// Something that verify found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `breaks`: what worked before does not; `warns`: worth knowing.
    #[schemars(extend("enum" = ["breaks", "warns"]))]
    pub class: String,
    /// Which check found it: `database`, `version`, `unit`, `port`, `route`,
    /// `resolver` or `probe`.
    pub check: String,
    /// The unit, port, probe or package that it is about.
    pub subject: String,
    /// What was seen, and what to do.
    pub detail: String,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// The stage that began (`docs/run.md`).
    #[schemars(extend("enum" = ["repairing", "refreshing", "checking", "downloading", "rehearsing", "preserving", "applying", "mending", "restarting", "rebooting", "verifying", "rolling-back", "quarantining", "hooking", "finished"]))]
    pub stage: String,
    /// When.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// The event that led to it.
    pub event: String,
    /// How long it lasted, milliseconds; absent for the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
}

/// What policy decided for one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Its name.
    pub package: String,
    /// Its architecture.
    pub architecture: String,
    /// What becomes of it, as in `check`.
    #[schemars(extend("enum" = ["install", "soaking", "report-only", "held", "rejected", "quarantined", "not-selected", "blocked"]))]
    pub decision: String,
    /// The version it is about.
    pub target: String,
    /// Why, one sentence.
    pub reason: String,
    /// Which rule decided, as `policy NAME rule N`; absent when none matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl fmt::Display for PackageChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ", self.package, self.architecture)?;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{from} -> {to}"),
            (None, Some(to)) => write!(f, "new {to}"),
            (Some(from), None) => write!(f, "{from} removed"),
            (None, None) => f.write_str("untouched"),
        }
    }
}
