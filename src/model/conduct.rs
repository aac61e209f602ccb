//! What a policy says about how its runs are conducted.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// How a run goes about its plan. Not: which updates are in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conduct {
    /// When to reboot.
    pub reboot: Reboot,
    /// A reboot that is owed for longer than this is overdue.
    pub reboot_deadline: SignedDuration,
    /// Whether a plan is tried in a throw-away view of the machine first.
    pub rehearse: bool,
    /// Whether a rehearsal that proves nothing stops the run.
    pub unproven_stops: bool,
    /// Whether a run takes back by itself what it broke.
    pub roll_back: bool,
    /// What a restore point keeps.
    pub restore: Restore,
}

/// When to reboot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reboot {
    /// A person does it.
    #[default]
    Never,
    /// When something is not in use without it.
    WhenNeeded,
    /// After each run that changed something.
    Always,
}

/// What a restore point keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restore {
    /// Links to the installed files and copies of what may change in place.
    #[default]
    Full,
    /// Package files only, as far as they can be had; no links.
    PackagesOnly,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            reboot: Reboot::Never,
            reboot_deadline: SignedDuration::from_hours(14 * 24),
            rehearse: true,
            unproven_stops: false,
            roll_back: true,
            restore: Restore::Full,
        }
    }
}
