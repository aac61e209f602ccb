//! What happens around a transaction, in the journal: rehearsal, restarts, a
//! reboot that was put off, what was taken back and what is kept away.

use super::events::event;
use crate::cycle::Event;
use crate::model::{Rehearsal, Restarted, RolledBack, RunId, Verdict};

/// Tells what an event of a run is worth telling by itself.
pub(super) fn tell(run: RunId, event: &Event) {
    match event {
        Event::Rehearsed(rehearsal) => rehearsed(run, rehearsal),
        Event::Restarted(it) => restarted(run, it),
        Event::NotRebooted { reason } => {
            event!(REBOOT_PUT_OFF, PATCHD_RUN = %run, "run {run}: {reason}");
        }
        Event::RolledBack(back) => rolled_back(run, back),
        Event::Quarantined { kept_away } => {
            for sentence in kept_away {
                event!(KEPT_AWAY, PATCHD_RUN = %run, "{sentence}");
            }
        }
        Event::Hooked {
            failure: Some(failure),
        } => {
            event!(HOOK_FAILED, PATCHD_RUN = %run, "run {run}: {failure}");
        }
        _ => {}
    }
}

fn rehearsed(run: RunId, rehearsal: &Rehearsal) {
    let Rehearsal {
        verdict, summary, ..
    } = rehearsal;
    match verdict {
        Verdict::Passed => {
            event!(REHEARSED, PATCHD_RUN = %run, PATCHD_VERDICT = %verdict, "run {run}: {summary}");
        }
        Verdict::Unproven => {
            event!(REHEARSED as Warn, PATCHD_RUN = %run, PATCHD_VERDICT = %verdict,
                "run {run}: the rehearsal proves nothing: {summary}");
        }
        Verdict::Confirmed => {
            event!(REHEARSED as Error, PATCHD_RUN = %run, PATCHD_VERDICT = %verdict,
                "run {run}: the plan would fail: {summary}");
        }
    }
}

fn restarted(run: RunId, it: &Restarted) {
    if !it.restarted.is_empty() {
        let units = it.restarted.join(", ");
        event!(RESTARTED, PATCHD_RUN = %run, "run {run} has restarted {units}");
    }
    for failed in &it.failed {
        event!(RESTART_FAILED, PATCHD_RUN = %run, PATCHD_UNIT = failed.unit.as_str(),
            "{} did not come back after a restart: {}", failed.unit, failed.why);
    }
    for stale in &it.stale {
        event!(NEEDS_RESTART, PATCHD_RUN = %run, PATCHD_UNIT = stale.unit.as_str(),
            "{} still runs old code: {}", stale.unit, stale.why);
    }
}

fn rolled_back(run: RunId, back: &RolledBack) {
    if let Some(failure) = &back.failure {
        let steps = back.next_steps.join("; ");
        event!(ROLLBACK_FAILED, PATCHD_RUN = %run, "run {run}: {failure}; {steps}");
        return;
    }
    if let Some(why) = &back.not_rehearsed {
        event!(REHEARSED as Warn, PATCHD_RUN = %run, PATCHD_VERDICT = %Verdict::Unproven,
            "run {run}: its rollback was not rehearsed: {why}");
    }
    let count = back.restored.len();
    event!(ROLLED_BACK, PATCHD_RUN = %run, "run {run}: {count} packages have their old versions again");
}
