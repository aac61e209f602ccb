//! What can happen to a run, and what it can ask for.

use jiff::SignedDuration;

use crate::model::{
    ApplyFailure, Finding, Installed, PackageName, Plan, Refusal, Rehearsal, Restarted, RolledBack,
    Task, Verdict,
};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The package database was judged, and mended as far as possible.
    Repaired(Repaired),
    /// The indexes were fetched.
    Refreshed {
        /// Repositories that cannot be relied on, a sentence each.
        gaps: Vec<String>,
        /// None can.
        blind: bool,
    },
    /// Policy has spoken.
    Planned {
        /// What to install; empty when there is nothing to do.
        plan: Plan,
        /// What policy wants and cannot have now, a sentence each.
        left_out: Vec<String>,
        /// What would not end inside the window, a sentence each.
        postponed: Vec<String>,
        /// How long the plan is likely to take.
        needs: SignedDuration,
    },
    /// Policy has spoken, and more than that was not asked for.
    Surveyed {
        /// What would happen, in one sentence.
        sentence: String,
        /// What policy wants and cannot have now, a sentence each.
        left_out: Vec<String>,
    },
    /// What is pending could not be told, or only in part.
    Unclear {
        /// Why.
        reason: String,
    },
    /// The archives are there.
    Downloaded,
    /// The archives could not be had.
    DownloadFailed {
        /// The package manager's words.
        reason: String,
        /// Packages whose archives did not come.
        culprits: Vec<PackageName>,
    },
    /// The plan was tried in a throw-away view of the machine.
    Rehearsed(Box<Rehearsal>),
    /// What puts the plan's packages back is kept.
    Preserved,
    /// The transaction went through.
    Applied(Installed),
    /// The transaction did not go through.
    ApplyFailed {
        /// What it did all the same.
        installed: Installed,
        /// Why.
        failure: ApplyFailure,
    },
    /// What ran old code was restarted, or looked at.
    Restarted(Restarted),
    /// The machine is up again after the reboot that was asked for.
    Rebooted,
    /// Something stands against a reboot.
    NotRebooted {
        /// One sentence.
        reason: String,
    },
    /// What was installed was taken back, or could not be.
    RolledBack(Box<RolledBack>),
    /// Versions are kept away.
    Quarantined {
        /// A sentence each.
        kept_away: Vec<String>,
    },
    /// The operator's programs of one point have run.
    Hooked {
        /// Which one failed, and how.
        failure: Option<String>,
    },
    /// The machine was compared with the state before.
    Verified {
        /// What is not as it should be.
        findings: Vec<Finding>,
        /// Why a reboot is owed.
        reboot_reasons: Vec<String>,
    },
    /// The worker did not carry out its order; nothing was changed by it.
    Refused(Refusal),
    /// The worker ended without a report, or we were restarted: what became of
    /// the phase has to be found out.
    Lost,
    /// An operator asked to stop; given only before an effect starts.
    Cancelled,
    /// The state lasted longer than it should.
    DeadlinePassed,
    /// The ledger came from another machine.
    Cloned,
}

/// What a repair did, and what it could not do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What was done, in order.
    pub steps: Vec<String>,
    /// Packages that are still broken.
    pub broken: Vec<String>,
    /// What an interrupted transaction of this run turned out to have done.
    pub installed: Installed,
}

/// Something the shell shall do. Each is safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send this order to the worker.
    Order(Task),
    /// List what is pending and let policy decide.
    Check,
    /// Tell that a phase takes longer than it should; nothing is killed.
    ReportStalled,
    /// The run is over.
    Report,
}

impl Event {
    /// Its name in ledger and diagram.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Repaired(_) => "repaired",
            Self::Refreshed { .. } => "refreshed",
            Self::Planned { plan, .. } if plan.is_empty() => "nothing to do",
            Self::Planned { .. } => "planned",
            Self::Surveyed { .. } => "surveyed",
            Self::Unclear { .. } => "unclear",
            Self::Downloaded => "downloaded",
            Self::DownloadFailed { .. } => "download failed",
            Self::Rehearsed(it) => match it.verdict {
                Verdict::Passed => "rehearsed",
                Verdict::Confirmed => "rehearsal failed",
                Verdict::Unproven => "rehearsal unproven",
            },
            Self::Preserved => "preserved",
            Self::Restarted(_) => "restarted",
            Self::Rebooted => "rebooted",
            Self::NotRebooted { .. } => "not rebooted",
            Self::RolledBack(it) if it.failure.is_some() => "rollback failed",
            Self::RolledBack(_) => "rolled back",
            Self::Quarantined { .. } => "quarantined",
            Self::Hooked { failure: None } => "hook passed",
            Self::Hooked { failure: Some(_) } => "hook failed",
            Self::Applied(_) => "applied",
            Self::ApplyFailed { .. } => "apply failed",
            Self::Verified { .. } => "verified",
            Self::Refused(Refusal::Invalid { .. }) => "refused: invalid",
            Self::Refused(Refusal::Busy { .. }) => "refused: busy",
            Self::Refused(Refusal::Stale { .. }) => "refused: stale",
            Self::Refused(Refusal::Locked { .. }) => "refused: locked",
            Self::Refused(Refusal::Unfit { .. }) => "refused: unfit",
            Self::Refused(Refusal::Stopping) => "refused: stopping",
            Self::Refused(Refusal::Unable { .. }) => "refused: unable",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
            Self::DeadlinePassed => "deadline passed",
            Self::Cloned => "cloned",
        }
    }
}
