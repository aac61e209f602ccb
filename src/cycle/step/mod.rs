//! The transitions.

use jiff::Timestamp;

use super::course::{Course, SetAside};
use super::event::{Effect, Event};
use super::state::{Stage, State};
use crate::model::{ApplyFailure, Outcome, PackageName, Plan, Refusal};

/// How often a worker may be lost, a plan be stale, or something be set aside,
/// before a run gives up.
const TRIES: u32 = 3;

const CLONED: &str = "the ledger was cloned from another machine; its run is closed";
const BLIND: &str = "no repository can be relied on";

/// The next state, and what to do in it once it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The next state.
    pub to: State,
    /// What to do.
    pub effect: Effect,
}

/// An event that makes no sense here. The state stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {stage} cannot be {event}")]
pub struct Refused {
    stage: &'static str,
    event: &'static str,
}

/// What follows from an event.
pub fn step(at: &State, event: Event, now: Timestamp) -> Result<Step, Refused> {
    let refused = Refused {
        stage: at.stage.name(),
        event: event.name(),
    };
    let mut course = at.course.clone();
    let stalled = event == Event::DeadlinePassed;
    let stage = match event {
        _ if matches!(at.stage, Stage::Finished { .. }) => None,
        Event::Refused(refusal) => refuse(&at.stage, &mut course, &refusal),
        Event::Lost => Some(lose(&at.stage, &mut course)),
        Event::Cancelled => cancel(&at.stage, &mut course),
        Event::DeadlinePassed => Some(overrun(&at.stage, &mut course)),
        Event::Cloned => Some(end(&course, Outcome::Cloned, CLONED)),
        event => advance(&at.stage, event, &mut course, now),
    };
    let stage = stage.ok_or(refused)?;
    let stays = stalled && stage == at.stage;
    let to = State::at(stage, course, now);
    let effect = if stays {
        Effect::ReportStalled
    } else {
        to.effect()
    };
    Ok(Step { to, effect })
}

/// The way of an undisturbed run, and what it does when apply fails.
fn advance(at: &Stage, event: Event, course: &mut Course, now: Timestamp) -> Option<Stage> {
    match at {
        Stage::Repairing | Stage::Refreshing | Stage::Checking | Stage::Downloading { .. } => {
            prepare(at, event, course, now)
        }
        Stage::Applying { .. } | Stage::Mending | Stage::Verifying => transact(at, event, course),
        Stage::Finished { .. } => None,
    }
}

/// Up to the transaction: nothing of a plan is installed yet.
fn prepare(at: &Stage, event: Event, course: &mut Course, now: Timestamp) -> Option<Stage> {
    let next = match (at, event) {
        (Stage::Repairing, Event::Repaired(repaired)) => {
            course.learn_repair(repaired);
            Stage::Refreshing
        }
        (Stage::Refreshing, Event::Refreshed { gaps, blind }) => {
            course.gaps = gaps;
            match () {
                () if blind => give_up(course, Outcome::NeedsHuman, BLIND),
                // What no archive was at hand for may be mended with fresh indexes.
                () if !course.broken.is_empty() => Stage::Mending,
                () => Stage::Checking,
            }
        }
        (
            Stage::Checking,
            Event::Planned {
                plan,
                left_out,
                postponed,
                needs,
            },
        ) => {
            (course.left_out, course.postponed) = (left_out, postponed);
            course.needs = needs;
            if plan.is_empty() {
                Stage::Verifying
            } else {
                Stage::Downloading { plan }
            }
        }
        (Stage::Checking, Event::Surveyed { sentence, left_out }) => {
            course.left_out = left_out;
            let (outcome, summary) = course.looked(&sentence);
            Stage::Finished { outcome, summary }
        }
        (Stage::Checking, Event::Unclear { reason }) => {
            give_up(course, Outcome::NeedsHuman, &reason)
        }
        (Stage::Downloading { plan }, Event::Downloaded) => match course.too_late(now) {
            Some(sentence) => give_up(course, Outcome::Deferred, &sentence),
            None => Stage::Applying { plan: plan.clone() },
        },
        (Stage::Downloading { .. }, Event::DownloadFailed { reason, culprits }) => {
            skip(course, &reason, culprits)
        }
        // Refused: every other event.
        (
            Stage::Repairing
            | Stage::Refreshing
            | Stage::Checking
            | Stage::Downloading { .. }
            | Stage::Applying { .. }
            | Stage::Mending
            | Stage::Verifying
            | Stage::Finished { .. },
            _,
        ) => return None,
    };
    Some(next)
}

/// The transaction and what follows from it.
fn transact(at: &Stage, event: Event, course: &mut Course) -> Option<Stage> {
    let next = match (at, event) {
        (Stage::Applying { plan }, Event::Applied(installed)) => {
            course.learn(installed);
            // Old kernels have made room for the plan that is still to come.
            if plan.only_removes() {
                Stage::Checking
            } else {
                Stage::Verifying
            }
        }
        (Stage::Applying { plan }, Event::ApplyFailed { installed, failure }) => {
            course.learn(installed);
            set_aside(course, plan, failure);
            Stage::Mending
        }
        (Stage::Mending, Event::Repaired(repaired)) => {
            course.learn_repair(repaired);
            go_on(course)
        }
        (
            Stage::Verifying,
            Event::Verified {
                findings,
                reboot_reasons,
            },
        ) => {
            (course.findings, course.reboot_reasons) = (findings, reboot_reasons);
            course.verified = true;
            let (outcome, summary) = (course.outcome(), course.summary());
            Stage::Finished { outcome, summary }
        }
        // Refused: every other event.
        (
            Stage::Repairing
            | Stage::Refreshing
            | Stage::Checking
            | Stage::Downloading { .. }
            | Stage::Applying { .. }
            | Stage::Mending
            | Stage::Verifying
            | Stage::Finished { .. },
            _,
        ) => return None,
    };
    Some(next)
}

/// After mending: the rest of the plan, or the end when too much was set aside.
fn go_on(course: &Course) -> Stage {
    if course.rounds > TRIES {
        Stage::Verifying
    } else {
        Stage::Checking
    }
}

/// The worker ended without a report. A transaction is mended before anything
/// else; everything before it simply starts again.
fn lose(at: &Stage, course: &mut Course) -> Stage {
    course.lost += 1;
    if course.lost > TRIES {
        let sentence = format!(
            "the worker was lost {} times, the last time while {at}; see `patchd logs`",
            course.lost
        );
        return end(course, Outcome::NeedsHuman, &sentence);
    }
    match at {
        Stage::Applying { .. } | Stage::Mending => Stage::Mending,
        Stage::Verifying => Stage::Verifying,
        Stage::Repairing | Stage::Refreshing | Stage::Checking | Stage::Downloading { .. } => {
            course.mandate.first_stage()
        }
        Stage::Finished { .. } => at.clone(),
    }
}

/// Before the transaction nothing has begun; after it, verify is owed.
fn cancel(at: &Stage, course: &mut Course) -> Option<Stage> {
    match at {
        Stage::Repairing
        | Stage::Refreshing
        | Stage::Checking
        | Stage::Downloading { .. }
        | Stage::Applying { .. } => Some(give_up(
            course,
            Outcome::Deferred,
            "cancelled by the operator",
        )),
        Stage::Mending | Stage::Verifying | Stage::Finished { .. } => None,
    }
}

/// Whatever a package manager may be at work on goes on; only our own questions end.
fn overrun(at: &Stage, course: &mut Course) -> Stage {
    match at {
        Stage::Checking => give_up(course, Outcome::Failed, "listing the updates took too long"),
        Stage::Repairing
        | Stage::Refreshing
        | Stage::Downloading { .. }
        | Stage::Applying { .. }
        | Stage::Mending
        | Stage::Verifying
        | Stage::Finished { .. } => at.clone(),
    }
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
    };
    course.set_aside.extend(culprits.into_iter().map(aside));
    Stage::Checking
}

/// The culprits go aside. Without one it may have been an accident (somebody
/// killed dpkg), so the same is tried once more, and only then set aside whole.
fn set_aside(course: &mut Course, plan: &Plan, failure: ApplyFailure) {
    course.rounds += 1;
    if failure.culprits.is_empty() && course.rounds == 1 {
        return;
    }
    let whole_plan = || {
        plan.changes()
            .iter()
            .map(|change| change.id.name.clone())
            .collect()
    };
    let culprits: Vec<PackageName> = if failure.culprits.is_empty() {
        whole_plan()
    } else {
        failure.culprits
    };
    let known = |package: &PackageName| {
        course
            .set_aside
            .iter()
            .any(|aside| aside.package == *package)
    };
    let new: Vec<PackageName> = culprits
        .into_iter()
        .filter(|package| !known(package))
        .collect();
    if new.is_empty() {
        // The same ones again: another round would turn in a circle.
        course.rounds = TRIES + 1;
    }
    course
        .set_aside
        .extend(new.into_iter().map(|package| SetAside {
            package,
            reason: failure.summary.clone(),
        }));
}

/// The worker would not do it. Only a stage that sent an order can hear that.
fn refuse(at: &Stage, course: &mut Course, refusal: &Refusal) -> Option<Stage> {
    let outcome = match refusal {
        Refusal::Busy { .. } | Refusal::Locked { .. } | Refusal::Stopping => Outcome::Deferred,
        Refusal::Unfit { .. } => Outcome::NeedsHuman,
        Refusal::Stale { .. } | Refusal::Invalid { .. } | Refusal::Unable { .. } => Outcome::Failed,
    };
    let stale = matches!(refusal, Refusal::Stale { .. });
    if let (Stage::Downloading { .. }, Refusal::Unfit { room, .. }) = (at, refusal)
        && !room.is_empty()
        && !std::mem::replace(&mut course.room_made, true)
    {
        return Some(Stage::Applying { plan: room.clone() });
    }
    match at {
        // Something failed behind a transaction: what it did has to be found out.
        Stage::Applying { .. } if matches!(refusal, Refusal::Unable { .. }) => {
            Some(lose(at, course))
        }
        Stage::Downloading { .. } | Stage::Applying { .. } if stale && course.stale < TRIES => {
            course.stale += 1;
            Some(Stage::Checking)
        }
        Stage::Repairing
        | Stage::Refreshing
        | Stage::Downloading { .. }
        | Stage::Applying { .. } => Some(give_up(course, outcome, &refusal.to_string())),
        // The next start goes on with it.
        Stage::Mending | Stage::Verifying if *refusal == Refusal::Stopping => {
            Some(lose(at, course))
        }
        // What is installed must be looked at, and cannot be now.
        Stage::Mending | Stage::Verifying => {
            Some(end(course, Outcome::NeedsHuman, &refusal.to_string()))
        }
        Stage::Checking | Stage::Finished { .. } => None,
    }
}

/// Ends a run that cannot go on; what it has installed is verified first.
fn give_up(course: &mut Course, outcome: Outcome, sentence: &str) -> Stage {
    if course.changed.is_empty() {
        return end(course, outcome, sentence);
    }
    course.gaps.push(sentence.to_owned());
    Stage::Verifying
}

fn end(course: &Course, outcome: Outcome, sentence: &str) -> Stage {
    let mut summary = sentence.to_owned();
    if !course.changed.is_empty() || !course.gaps.is_empty() {
        summary = format!("{summary}; {}", course.summary());
    }
    Stage::Finished { outcome, summary }
}

#[cfg(test)]
pub(super) mod tests;
