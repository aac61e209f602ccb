//! The transitions.

mod aftermath;
mod ending;
mod prepare;
mod transact;

use jiff::Timestamp;

use super::course::Course;
use super::event::{Effect, Event};
use super::state::{Stage, State};
use crate::model::{Outcome, Refusal};
use ending::{conclude, end, give_up, hook_at_end};

/// How often a worker may be lost, a plan be stale, or something be set aside,
/// before a run gives up.
const TRIES: u32 = 3;

const CLONED: &str = "the ledger was cloned from another machine; its run is closed";
const CANCELLED: &str = "cancelled by the operator";

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
    let stage = hook_at_end(&course, stage.ok_or(refused)?);
    let stays = stalled && stage == at.stage;
    let to = State::at(stage, course, now);
    let effect = if stays {
        Effect::ReportStalled
    } else {
        to.effect()
    };
    Ok(Step { to, effect })
}

/// The way of an undisturbed run, and what it does when something fails.
fn advance(at: &Stage, event: Event, course: &mut Course, now: Timestamp) -> Option<Stage> {
    match at {
        Stage::Repairing => prepare::repaired(event, course),
        Stage::Refreshing => prepare::refreshed(event, course),
        Stage::Checking => prepare::checked(event, course),
        Stage::Downloading { plan } => prepare::downloaded(plan, event, course, now),
        Stage::Rehearsing { plan } => prepare::rehearsed(plan, event, course, now),
        Stage::Preserving { plan } => prepare::preserved(plan, &event, course, now),
        Stage::Applying { plan } => transact::applied(plan, event, course),
        Stage::Mending => transact::mended(event, course),
        Stage::Restarting => aftermath::restarted(event, course),
        Stage::Rebooting => aftermath::rebooted(event, course),
        Stage::Verifying => aftermath::verified(event, course),
        Stage::RollingBack => aftermath::rolled_back(event, course),
        Stage::Quarantining => aftermath::quarantined(event, course),
        Stage::Hooking { point, next } => ending::hooked(*point, next, event, course),
        Stage::Finished { .. } => None,
    }
}

/// The worker ended without a report. A transaction is mended before anything
/// else; everything before it simply starts again.
fn lose(at: &Stage, course: &mut Course) -> Stage {
    course.lost += 1;
    if course.lost > TRIES {
        if let Stage::Hooking { point, .. } = at {
            course.hooked.push(*point);
        }
        let sentence = format!(
            "the worker was lost {} times, the last time while {at}; see `patchd logs`",
            course.lost
        );
        return end(course, Outcome::NeedsHuman, &sentence);
    }
    match at {
        Stage::Applying { .. } | Stage::Mending => Stage::Mending,
        // Asked again; the worker knows how far it was.
        Stage::Restarting
        | Stage::Rebooting
        | Stage::Verifying
        | Stage::RollingBack
        | Stage::Quarantining
        | Stage::Hooking { .. }
        | Stage::Finished { .. } => at.clone(),
        Stage::Repairing
        | Stage::Refreshing
        | Stage::Checking
        | Stage::Downloading { .. }
        | Stage::Rehearsing { .. }
        | Stage::Preserving { .. } => course.mandate.first_stage(),
    }
}

/// Before the transaction nothing has begun; after it, verify is owed, and no
/// more than that.
fn cancel(at: &Stage, course: &mut Course) -> Option<Stage> {
    match at {
        Stage::Repairing
        | Stage::Refreshing
        | Stage::Checking
        | Stage::Downloading { .. }
        | Stage::Rehearsing { .. }
        | Stage::Preserving { .. }
        | Stage::Applying { .. } => Some(give_up(course, Outcome::Deferred, CANCELLED)),
        Stage::Hooking { point, .. } if point.may_stop() => {
            Some(give_up(course, Outcome::Deferred, CANCELLED))
        }
        Stage::Restarting | Stage::Rebooting => {
            course.gaps.push(CANCELLED.to_owned());
            Some(Stage::Verifying)
        }
        Stage::Mending
        | Stage::Verifying
        | Stage::RollingBack
        | Stage::Quarantining
        | Stage::Hooking { .. }
        | Stage::Finished { .. } => None,
    }
}

/// Whatever a package manager may be at work on goes on; only our own questions end.
fn overrun(at: &Stage, course: &mut Course) -> Stage {
    match at {
        Stage::Checking => give_up(course, Outcome::Failed, "listing the updates took too long"),
        Stage::Repairing
        | Stage::Refreshing
        | Stage::Downloading { .. }
        | Stage::Rehearsing { .. }
        | Stage::Preserving { .. }
        | Stage::Applying { .. }
        | Stage::Mending
        | Stage::Restarting
        | Stage::Rebooting
        | Stage::Verifying
        | Stage::RollingBack
        | Stage::Quarantining
        | Stage::Hooking { .. }
        | Stage::Finished { .. } => at.clone(),
    }
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
        Stage::Downloading { .. }
        | Stage::Rehearsing { .. }
        | Stage::Preserving { .. }
        | Stage::Applying { .. }
            if stale && course.stale < TRIES =>
        {
            course.stale += 1;
            Some(Stage::Checking)
        }
        Stage::Repairing
        | Stage::Refreshing
        | Stage::Downloading { .. }
        | Stage::Rehearsing { .. }
        | Stage::Preserving { .. }
        | Stage::Applying { .. } => Some(give_up(course, outcome, &refusal.to_string())),
        // The next start goes on with it.
        Stage::Mending
        | Stage::Restarting
        | Stage::Rebooting
        | Stage::Verifying
        | Stage::RollingBack
        | Stage::Quarantining
            if *refusal == Refusal::Stopping =>
        {
            Some(lose(at, course))
        }
        // What is installed must be looked at, and cannot be now.
        Stage::Mending | Stage::Verifying => {
            Some(end(course, Outcome::NeedsHuman, &refusal.to_string()))
        }
        Stage::Restarting => {
            course.gaps.push(refusal.to_string());
            Some(Stage::Verifying)
        }
        Stage::Rebooting => {
            course.put_off = Some(refusal.to_string());
            Some(Stage::Verifying)
        }
        Stage::RollingBack => Some(aftermath::not_rolled_back(course, &refusal.to_string())),
        Stage::Quarantining => {
            course.gaps.push(refusal.to_string());
            Some(conclude(course))
        }
        Stage::Hooking { point, next } => {
            let failure = Some(refusal.to_string());
            ending::hooked(*point, next, Event::Hooked { failure }, course)
        }
        Stage::Checking | Stage::Finished { .. } => None,
    }
}

#[cfg(test)]
pub(super) mod tests;
