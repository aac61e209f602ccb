//! Where a run can be. Each stage says what is true in it and what ends it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::course::{Course, Mandate};
use super::event::Effect;
use crate::model::{Action, Outcome, Phase, Plan};

/// A run at one moment; the ledger keeps the latest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Where it is.
    pub stage: Stage,
    /// What it has learnt.
    pub course: Course,
    /// After this it is stalled.
    pub deadline: Timestamp,
}

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "kebab-case")]
pub enum Stage {
    /// The package database is judged and, if need be, mended. First in every
    /// run, and again after anything that was cut short. Ends when the worker reports.
    Repairing,
    /// The repositories' indexes are fetched. Ends when all have answered or failed.
    Refreshing,
    /// Pending updates are listed and policy decides. Ends with a plan, or without.
    Checking,
    /// The plan's archives are fetched; no package is touched yet.
    Downloading {
        /// What shall be installed.
        plan: Plan,
    },
    /// The package manager is at work on the plan. Ends only when it does.
    Applying {
        /// What is being installed.
        plan: Plan,
    },
    /// A transaction ended badly or out of sight; the database is mended before
    /// anything else. Ends when the worker reports.
    Mending,
    /// The machine is compared with the state before.
    Verifying,
    /// The run is over; the outcome stands.
    Finished {
        /// How it ended.
        outcome: Outcome,
        /// One sentence.
        summary: String,
    },
}

impl State {
    /// A run that was just opened. One that shall only look repairs nothing.
    #[must_use]
    pub fn opened(mandate: Mandate, now: Timestamp) -> Self {
        let stage = mandate.first_stage();
        let course = Course {
            mandate,
            ..Course::default()
        };
        Self::at(stage, course, now)
    }

    /// A stage with its deadline from now.
    #[must_use]
    pub(super) fn at(stage: Stage, course: Course, now: Timestamp) -> Self {
        let deadline = now.saturating_add(stage.limit()).unwrap_or(Timestamp::MAX);
        Self {
            stage,
            course,
            deadline,
        }
    }

    /// What has to be done in this state; asked again after a restart.
    #[must_use]
    pub fn effect(&self) -> Effect {
        let none = Plan::default;
        match &self.stage {
            Stage::Repairing | Stage::Mending => Effect::Order(Phase::Repair, none()),
            Stage::Refreshing => Effect::Order(Phase::Refresh, none()),
            Stage::Checking => Effect::Check,
            Stage::Downloading { plan } => Effect::Order(Phase::Download, plan.clone()),
            Stage::Applying { plan } => Effect::Order(Phase::Apply, plan.clone()),
            Stage::Verifying => Effect::Order(Phase::Verify, none()),
            Stage::Finished { .. } => Effect::Report,
        }
    }
}

impl Mandate {
    /// Where such a run begins, and begins anew when nothing was installed yet.
    pub(super) fn first_stage(&self) -> Stage {
        match self.action {
            Action::Patch => Stage::Repairing,
            Action::Check => Stage::Refreshing,
        }
    }
}

impl Stage {
    /// How long the stage may last before it counts as stalled.
    fn limit(&self) -> SignedDuration {
        match self {
            Self::Repairing | Self::Mending => SignedDuration::from_mins(30),
            Self::Refreshing => SignedDuration::from_mins(15),
            Self::Checking => SignedDuration::from_mins(10),
            Self::Downloading { .. } => SignedDuration::from_mins(60),
            Self::Applying { plan } => plan.usual_duration().saturating_mul(2),
            Self::Verifying => SignedDuration::from_mins(15),
            Self::Finished { .. } => SignedDuration::MAX,
        }
    }

    /// Its name in ledger, diagram and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Repairing => "repairing",
            Self::Refreshing => "refreshing",
            Self::Checking => "checking",
            Self::Downloading { .. } => "downloading",
            Self::Applying { .. } => "applying",
            Self::Mending => "mending",
            Self::Verifying => "verifying",
            Self::Finished { .. } => "finished",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
