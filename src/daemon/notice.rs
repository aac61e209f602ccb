//! What a run tells while it lasts: to the log for everybody, and to whoever watches.

use crate::cycle::Stage;
use crate::daemon::events::event;
use crate::model::{Class, Decided, Decision, Finding, Outcome, Plan, RunId};

/// Something worth showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A run begins.
    Opened {
        /// Which.
        run: RunId,
        /// Whether it goes on with one that was cut short.
        resumed: bool,
    },
    /// A stage begins.
    Stage(Stage),
    /// Policy has spoken.
    Planned {
        /// What will be installed.
        plan: Plan,
        /// Every decision.
        decisions: Vec<Decided>,
    },
    /// How far the worker is.
    Progress {
        /// 0 to 100.
        percent: u8,
        /// What is being done.
        doing: String,
    },
    /// The worker waits for somebody.
    Waiting {
        /// For whom.
        holder: String,
    },
    /// Somebody asked to stop; the phase at work ends first.
    Stopping,
    /// A stage lasts longer than it should; nothing is killed.
    Stalled(Stage),
    /// Verify found something.
    Found(Finding),
    /// The run is over.
    Finished {
        /// How.
        outcome: Outcome,
        /// One sentence.
        summary: String,
    },
}

/// Who watches.
pub type Notify<'a> = &'a mut dyn FnMut(&Notice);

/// Writes a notice to the log: a run can be told from these lines alone.
pub(super) fn log(run: RunId, notice: &Notice) {
    match notice {
        Notice::Opened { resumed: false, .. } => {
            event!(RUN_OPENED, PATCHD_RUN = %run, "run {run} begins");
        }
        Notice::Opened { resumed: true, .. } => {
            event!(RUN_RESUMED, PATCHD_RUN = %run, "run {run} was cut short and goes on");
        }
        Notice::Stage(Stage::Finished { .. }) | Notice::Progress { .. } => {}
        Notice::Stage(stage) => {
            event!(STAGE, PATCHD_RUN = %run, PATCHD_PHASE = %stage, "run {run} is {stage}");
        }
        Notice::Planned { plan, decisions } => planned(run, plan, decisions),
        Notice::Waiting { holder } => {
            event!(WAITING, PATCHD_RUN = %run, "run {run} waits for {holder}");
        }
        Notice::Stopping => {
            event!(RUN_STOPPING, PATCHD_RUN = %run,
                "run {run} ends before its next phase, as somebody asked; the one at work is not cut short");
        }
        Notice::Stalled(stage) => {
            event!(STALLED, PATCHD_RUN = %run, PATCHD_PHASE = %stage,
                "run {run} has been {stage} for longer than it should; nothing is killed, see `patchd logs {run}`");
        }
        Notice::Found(finding) => found(run, finding),
        Notice::Finished { outcome, summary } => finished(run, *outcome, summary),
    }
}

fn planned(run: RunId, plan: &Plan, decisions: &[Decided]) {
    let count = |decision| {
        decisions
            .iter()
            .filter(|decided| decided.decision == decision)
            .count()
    };
    let (changes, blocked) = (plan.changes().len(), count(Decision::Blocked));
    let others = decisions.len() - count(Decision::Install) - blocked;
    event!(PLANNED, PATCHD_RUN = %run, PATCHD_PLAN = %plan.digest(),
        "run {run} plans {changes} changes; {blocked} updates are blocked and {others} not due");
    for decided in decisions
        .iter()
        .filter(|decided| decided.decision == Decision::Blocked)
    {
        event!(BLOCKED, PATCHD_RUN = %run, PATCHD_PACKAGE = %decided.id,
            "{} stays: {}", decided.id, decided.reason);
    }
}

fn found(run: RunId, finding: &Finding) {
    let Finding {
        class,
        check,
        subject,
        detail,
        ..
    } = finding;
    match class {
        Class::Breaks => {
            event!(BROKEN, PATCHD_RUN = %run, PATCHD_CHECK = %check, PATCHD_SUBJECT = %subject, "{detail}");
        }
        Class::Warns => {
            event!(WARNING, PATCHD_RUN = %run, PATCHD_CHECK = %check, PATCHD_SUBJECT = %subject, "{detail}");
        }
    }
}

fn finished(run: RunId, outcome: Outcome, summary: &str) {
    match outcome {
        Outcome::Succeeded | Outcome::RebootOwed => {
            event!(RUN_FINISHED, PATCHD_RUN = %run, PATCHD_OUTCOME = %outcome, "run {run} {outcome}: {summary}");
        }
        Outcome::Partial | Outcome::RolledBack | Outcome::Deferred | Outcome::Cloned => {
            event!(RUN_FINISHED as Warn, PATCHD_RUN = %run, PATCHD_OUTCOME = %outcome, "run {run} {outcome}: {summary}");
        }
        Outcome::Failed | Outcome::NeedsHuman => {
            event!(RUN_FINISHED as Error, PATCHD_RUN = %run, PATCHD_OUTCOME = %outcome, "run {run} {outcome}: {summary}");
        }
    }
}
