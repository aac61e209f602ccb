//! `patchd schedule --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `patchd schedule --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schedules {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/schedule/1"))]
    pub schema: String,
    /// By name.
    pub schedules: Vec<Schedule>,
}

/// A schedule, and its windows to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The zone of its cron times; `unknown` where the host's has no name.
    pub timezone: String,
    /// What a run of it does.
    #[schemars(extend("enum" = ["check", "patch"]))]
    pub action: String,
    /// The policy that decides.
    pub policy: String,
    /// In order; fewer than asked for when no more will come.
    pub windows: Vec<Window>,
}

/// From when to when something may start. All times have the zone's offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// The cron time.
    #[schemars(extend("format" = "date-time"))]
    pub opens: String,
    /// This host's place in the spread.
    #[schemars(extend("format" = "date-time"))]
    pub starts: String,
    /// What does not end before, does not start.
    #[schemars(extend("format" = "date-time"))]
    pub closes: String,
    /// Why nothing is installed in it: the words of a freeze. Absent outside of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<String>,
}
