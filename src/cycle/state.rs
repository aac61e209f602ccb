//! Where a run can be. Each stage says what is true in it and what ends it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::course::Course;
use super::event::Effect;
use super::mandate::Mandate;
use crate::model::{Errand, HookPoint, Outcome, Phase, Plan, Task};

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
    /// The plan is tried in a throw-away view of the machine.
    Rehearsing {
        /// What is tried.
        plan: Plan,
    },
    /// What puts back every package of the plan is kept.
    Preserving {
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
    /// What still runs old code is restarted, as far as it may be.
    Restarting,
    /// The machine is asked to reboot. Ends when it is up again, or something
    /// stands against it.
    Rebooting,
    /// The machine is compared with the state before.
    Verifying,
    /// What was installed is taken back.
    RollingBack,
    /// Versions that did harm are kept away from now on.
    Quarantining,
    /// The operator's programs of one point run.
    Hooking {
        /// Which point.
        point: HookPoint,
        /// What comes next.
        next: Box<Stage>,
    },
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
        let mandate = &self.course.mandate;
        Effect::Order(match &self.stage {
            Stage::Checking => return Effect::Check,
            Stage::Finished { .. } => return Effect::Report,
            Stage::Repairing | Stage::Mending => Task::plain(Phase::Repair),
            Stage::Refreshing => Task::plain(Phase::Refresh),
            Stage::Downloading { plan } => Task::with_plan(Phase::Download, plan.clone()),
            Stage::Rehearsing { plan } => Task::with_plan(Phase::Rehearse, plan.clone()),
            Stage::Preserving { plan } => Task::with_plan(Phase::RestorePoint, plan.clone()),
            Stage::Applying { plan } => Task::with_plan(Phase::Apply, plan.clone()),
            Stage::Restarting => Task::on(Errand::Restart {
                allowed: mandate.restarts,
            }),
            Stage::Rebooting => Task::on(Errand::Reboot {
                until: mandate.closes.unwrap_or(self.deadline),
            }),
            Stage::Verifying => Task::plain(Phase::Verify),
            Stage::RollingBack => Task::on(Errand::RollBack {
                of: mandate.of,
                extent: self.course.extent(),
                rehearse: mandate.conduct.rehearse,
            }),
            Stage::Quarantining => Task::on(Errand::Quarantine(self.course.suspicions())),
            Stage::Hooking { point, next } => Task::on(Errand::Hook {
                point: *point,
                outcome: next.outcome(),
            }),
        })
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
            Self::Applying { plan } | Self::Rehearsing { plan } => {
                plan.usual_duration().saturating_mul(2)
            }
            Self::Preserving { .. } => SignedDuration::from_mins(10),
            Self::Restarting => SignedDuration::from_mins(15),
            Self::Rebooting | Self::RollingBack | Self::Hooking { .. } => {
                SignedDuration::from_mins(60)
            }
            Self::Quarantining => SignedDuration::from_mins(5),
            Self::Verifying => SignedDuration::from_mins(15),
            Self::Finished { .. } => SignedDuration::MAX,
        }
    }

    /// How the run has ended, if it has.
    fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Finished { outcome, .. } => Some(*outcome),
            _ => None,
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
            Self::Rehearsing { .. } => "rehearsing",
            Self::Preserving { .. } => "preserving",
            Self::Applying { .. } => "applying",
            Self::Mending => "mending",
            Self::Restarting => "restarting",
            Self::Rebooting => "rebooting",
            Self::RollingBack => "rolling-back",
            Self::Quarantining => "quarantining",
            Self::Hooking { .. } => "hooking",
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
