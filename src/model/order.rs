//! What brain and hands say to each other: one JSON line each way at a time.
//! One order is one phase.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::plan::{Digest, Plan};
use super::quarantine::Quarantining;
use super::refusal::Refusal;
use super::report::Report;
use super::restore::Extent;
use super::run::RunId;

/// The protocol this build speaks. A worker serves it and the one before.
pub const PROTOCOL: u32 = 1;

/// The privileged phases that are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Judge the package database and mend it; close what a dead worker left open.
    Repair,
    /// Fetch the repositories' indexes.
    Refresh,
    /// Fetch the plan's archives, after preflight; touches no package.
    Download,
    /// Try the plan in a throw-away view of this machine; changes nothing.
    Rehearse,
    /// Keep what puts back every package that the plan touches.
    RestorePoint,
    /// Take the state before, install the plan.
    Apply,
    /// Restart what still runs old code, as far as it may; tell the rest.
    Restart,
    /// Reboot the machine, unless something stands against it.
    Reboot,
    /// Compare the machine with the state before.
    Verify,
    /// Bring the packages of a restore point back to the versions in it.
    RollBack,
    /// Keep versions away that did harm, or let them in again.
    Quarantine,
    /// Run the operator's programs of one point.
    Hook,
    /// Close the record of a run; always the last phase.
    Cleanup,
    /// Check `/etc/patchd`, and keep it as the last good copy if it is sound.
    AcceptConfig,
    /// Switch off whatever else would patch this machine, with a record.
    Takeover,
    /// Undo the take-over, as far as nobody has changed it since.
    GiveBack,
}

/// Where the operator's own programs come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookPoint {
    /// Before the indexes are fetched.
    PreCheck,
    /// Before anything of a plan is installed.
    PreApply,
    /// After the last transaction.
    PostApply,
    /// Before a reboot.
    PreReboot,
    /// After a run that was verified and broke nothing.
    PostVerify,
    /// After a run that failed, was rolled back, or needs a person.
    OnFailure,
}

/// What a phase needs beside a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "errand", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Errand {
    /// For `RollBack`.
    RollBack {
        /// The run whose restore point is taken; absent for the order's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<RunId>,
        /// How much of it.
        #[serde(default)]
        extent: Extent,
        /// Whether it is tried in a throw-away view of the machine first.
        #[serde(default)]
        rehearse: bool,
    },
    /// For `Restart`.
    Restart {
        /// Whether services may be restarted now; otherwise it only looks.
        allowed: bool,
    },
    /// For `Reboot`.
    Reboot {
        /// Until when users and inhibitors may be waited for.
        until: Timestamp,
    },
    /// For `Hook`.
    Hook {
        /// Which programs.
        point: HookPoint,
        /// How the run ends, as far as that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
    },
    /// For `Quarantine`.
    Quarantine(Quarantining),
}

/// One phase with what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What to do.
    pub phase: Phase,
    /// The transaction; empty for phases that need none.
    pub plan: Plan,
    /// What else the phase needs to know.
    pub errand: Option<Errand>,
}

/// What the worker is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Version of this protocol.
    pub protocol: u32,
    /// The run it belongs to.
    pub run: RunId,
    /// What to do.
    pub phase: Phase,
    /// The transaction; empty for phases that need none.
    #[serde(default)]
    pub plan: Plan,
    /// What else the phase needs to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errand: Option<Errand>,
    /// The plan's digest, so that a plan cut short is noticed.
    pub digest: Digest,
}

/// What the worker tells: first into its record, then on its standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum WorkerEvent {
    /// The order is valid and begins.
    Accepted {
        /// Which phase begins.
        phase: Phase,
    },
    /// The order is not carried out. Nothing was changed.
    Refused {
        /// Why not.
        refusal: Refusal,
    },
    /// Something to show while it lasts.
    Progress {
        /// 0 to 100.
        percent: u8,
        /// What is being done.
        doing: String,
    },
    /// We wait for somebody else.
    Waiting {
        /// Who holds what we need, such as `unattended-upgr (pid 812)`.
        holder: String,
    },
    /// The package manager was started, or found alive.
    Started {
        /// Its process id.
        pid: u32,
        /// Its start time in clock ticks since boot, so that a reused pid is noticed.
        start_time: u64,
    },
    /// Worth keeping in the record; it changes nothing for the run.
    Note {
        /// One sentence.
        sentence: String,
    },
    /// The phase is over; the last event of an order.
    Done {
        /// What came of it.
        report: Report,
    },
}

impl Errand {
    /// The one phase that it is for.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::RollBack { .. } => Phase::RollBack,
            Self::Restart { .. } => Phase::Restart,
            Self::Reboot { .. } => Phase::Reboot,
            Self::Hook { .. } => Phase::Hook,
            Self::Quarantine(_) => Phase::Quarantine,
        }
    }
}

impl Task {
    /// A phase that needs nothing else.
    #[must_use]
    pub fn plain(phase: Phase) -> Self {
        Self::with_plan(phase, Plan::default())
    }

    /// A phase for this plan.
    #[must_use]
    pub fn with_plan(phase: Phase, plan: Plan) -> Self {
        Self {
            phase,
            plan,
            errand: None,
        }
    }

    /// The phase that an errand is for.
    #[must_use]
    pub fn on(errand: Errand) -> Self {
        let phase = errand.phase();
        Self {
            errand: Some(errand),
            ..Self::plain(phase)
        }
    }
}

impl Order {
    /// An order with the plan's digest filled in.
    #[must_use]
    pub fn new(run: RunId, task: Task) -> Self {
        let Task {
            phase,
            plan,
            errand,
        } = task;
        let digest = plan.digest();
        Self {
            protocol: PROTOCOL,
            run,
            phase,
            plan,
            errand,
            digest,
        }
    }
}

impl Phase {
    /// Whether it is a run of its own: it patches nothing and needs no other phase.
    #[must_use]
    pub fn stands_alone(self) -> bool {
        matches!(self, Self::AcceptConfig | Self::Takeover | Self::GiveBack)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repair => "repair",
            Self::Refresh => "refresh",
            Self::Download => "download",
            Self::Rehearse => "rehearse",
            Self::RestorePoint => "restore-point",
            Self::Apply => "apply",
            Self::Restart => "restart",
            Self::Reboot => "reboot",
            Self::RollBack => "roll-back",
            Self::Quarantine => "quarantine",
            Self::Hook => "hook",
            Self::Verify => "verify",
            Self::Cleanup => "cleanup",
            Self::AcceptConfig => "accept-config",
            Self::Takeover => "takeover",
            Self::GiveBack => "give-back",
        })
    }
}

impl HookPoint {
    /// All there are, in the order of a run.
    pub const ALL: [Self; 6] = [
        Self::PreCheck,
        Self::PreApply,
        Self::PostApply,
        Self::PreReboot,
        Self::PostVerify,
        Self::OnFailure,
    ];

    /// Whether a failing program stops the run.
    #[must_use]
    pub fn may_stop(self) -> bool {
        matches!(self, Self::PreCheck | Self::PreApply | Self::PreReboot)
    }
}

impl fmt::Display for HookPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PreCheck => "pre_check",
            Self::PreApply => "pre_apply",
            Self::PostApply => "post_apply",
            Self::PreReboot => "pre_reboot",
            Self::PostVerify => "post_verify",
            Self::OnFailure => "on_failure",
        })
    }
}
