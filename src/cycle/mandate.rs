//! What a run is for, and how far it may go; given when it is opened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::Stage;
use crate::model::{Action, Conduct, HookPoint, RunId};

/// What a run is for, until when, and what it may do on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// What it is for.
    pub action: Action,
    /// When its window closes: no transaction begins that would not end before.
    pub closes: Option<Timestamp>,
    /// With [`Action::RollBack`]: the run that is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<RunId>,
    /// What its policy says about how it goes about its plan.
    #[serde(default)]
    pub conduct: Conduct,
    /// Whether services that run old code may be restarted.
    #[serde(default)]
    pub restarts: bool,
    /// The points at which the operator has programs of his own.
    #[serde(default)]
    pub hooks: Vec<HookPoint>,
}

impl Mandate {
    pub(super) fn first_stage(&self) -> Stage {
        match self.action {
            Action::Patch | Action::RollBack => Stage::Repairing,
            Action::Check | Action::Rehearse => Stage::Refreshing,
        }
    }
}
