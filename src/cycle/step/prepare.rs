//! Up to the transaction: nothing of a plan is installed yet.

use jiff::Timestamp;

use super::TRIES;
use super::ending::{conclude, give_up, hook};
use super::transact::unknown;
use crate::cycle::course::{Course, SetAside};
use crate::cycle::event::Event;
use crate::cycle::state::Stage;
use crate::model::{Action, HookPoint, Outcome, PackageName, Plan, Rehearsal, Verdict};

const BLIND: &str = "no repository can be relied on";

pub(super) fn repaired(event: Event, course: &mut Course) -> Option<Stage> {
    let Event::Repaired(repaired) = event else {
        return None;
    };
    course.learn_repair(repaired);
    Some(match course.mandate.action {
        Action::RollBack => Stage::RollingBack,
        Action::Check | Action::Patch | Action::Rehearse => {
            hook(course, HookPoint::PreCheck, Stage::Refreshing)
        }
    })
}

pub(super) fn refreshed(event: Event, course: &mut Course) -> Option<Stage> {
    let Event::Refreshed { gaps, blind } = event else {
        return None;
    };
    course.gaps = gaps;
    Some(match () {
        () if blind => give_up(course, Outcome::NeedsHuman, BLIND),
        // What no archive was at hand for may be mended with fresh indexes.
        () if !course.broken.is_empty() => Stage::Mending,
        () => Stage::Checking,
    })
}

pub(super) fn checked(event: Event, course: &mut Course) -> Option<Stage> {
    match event {
        Event::Planned {
            plan,
            left_out,
            postponed,
            needs,
        } => {
            (course.left_out, course.postponed) = (left_out, postponed);
            course.needs = needs;
            Some(if plan.is_empty() {
                nothing_more(course)
            } else {
                Stage::Downloading { plan }
            })
        }
        Event::Surveyed { sentence, left_out } => {
            course.left_out = left_out;
            let (outcome, summary) = course.looked(&sentence);
            Some(Stage::Finished { outcome, summary })
        }
        Event::Unclear { reason } => Some(give_up(course, Outcome::NeedsHuman, &reason)),
        _ => None,
    }
}

/// All that could be installed is. What runs old code since an earlier run is
/// looked at, too.
fn nothing_more(course: &Course) -> Stage {
    match course.mandate.action {
        Action::Rehearse => conclude(course),
        Action::Check | Action::Patch | Action::RollBack if course.changed.is_empty() => {
            Stage::Restarting
        }
        Action::Check | Action::Patch | Action::RollBack => {
            hook(course, HookPoint::PostApply, Stage::Restarting)
        }
    }
}

pub(super) fn downloaded(
    plan: &Plan,
    event: Event,
    course: &mut Course,
    now: Timestamp,
) -> Option<Stage> {
    match event {
        Event::Downloaded if rehearses(course) => Some(Stage::Rehearsing { plan: plan.clone() }),
        Event::Downloaded => Some(install(plan, course, now)),
        Event::DownloadFailed { reason, culprits } => Some(skip(course, &reason, culprits)),
        _ => None,
    }
}

fn rehearses(course: &Course) -> bool {
    course.mandate.action == Action::Rehearse || course.mandate.conduct.rehearse
}

pub(super) fn rehearsed(
    plan: &Plan,
    event: Event,
    course: &mut Course,
    now: Timestamp,
) -> Option<Stage> {
    let Event::Rehearsed(rehearsal) = event else {
        return None;
    };
    let verdict = rehearsal.verdict;
    course.rehearsal = Some(rehearsal.clone());
    let only = course.mandate.action == Action::Rehearse;
    Some(match verdict {
        Verdict::Confirmed => would_fail(plan, course, &rehearsal),
        Verdict::Passed | Verdict::Unproven if only => conclude(course),
        Verdict::Unproven if course.mandate.conduct.unproven_stops => {
            let sentence = format!("the rehearsal proves nothing: {}", rehearsal.summary);
            give_up(course, Outcome::NeedsHuman, &sentence)
        }
        Verdict::Passed | Verdict::Unproven => install(plan, course, now),
    })
}

/// The culprits go aside, and the rest is planned and rehearsed anew.
fn would_fail(plan: &Plan, course: &mut Course, rehearsal: &Rehearsal) -> Stage {
    course.rounds += 1;
    let reason = format!("in rehearsal: {}", rehearsal.summary);
    let new = unknown(course, plan, rehearsal.culprits.clone(), &reason);
    if new.is_empty() || course.rounds > TRIES {
        if course.mandate.action == Action::Rehearse {
            return conclude(course);
        }
        let sentence = format!("the rehearsal failed: {}", rehearsal.summary);
        return give_up(course, Outcome::Failed, &sentence);
    }
    course.set_aside.extend(new);
    Stage::Checking
}

/// On to the transaction, if it still ends inside the window.
fn install(plan: &Plan, course: &mut Course, now: Timestamp) -> Stage {
    match course.too_late(now) {
        Some(sentence) => give_up(course, Outcome::Deferred, &sentence),
        None => hook(
            course,
            HookPoint::PreApply,
            Stage::Preserving { plan: plan.clone() },
        ),
    }
}

pub(super) fn preserved(
    plan: &Plan,
    event: &Event,
    course: &mut Course,
    now: Timestamp,
) -> Option<Stage> {
    let Event::Preserved = event else {
        return None;
    };
    // The operator's programs take their time, too.
    Some(match course.too_late(now) {
        Some(sentence) => give_up(course, Outcome::Deferred, &sentence),
        None => Stage::Applying { plan: plan.clone() },
    })
}

/// What cannot be fetched goes aside, and the rest is planned anew: one dead
/// repository must not keep the others' fixes away.
fn skip(course: &mut Course, reason: &str, culprits: Vec<PackageName>) -> Stage {
    course.rounds += 1;
    if culprits.is_empty() || course.rounds > TRIES {
        return give_up(course, Outcome::Failed, reason);
    }
    let aside = |package| SetAside {
        package,
        reason: reason.to_owned(),
        harm: None,
    };
    course.set_aside.extend(culprits.into_iter().map(aside));
    Stage::Checking
}
