//! Ways to an end, and the operator's programs on the way.

use crate::cycle::course::Course;
use crate::cycle::event::Event;
use crate::cycle::state::Stage;
use crate::model::{Action, HookPoint, Outcome};

/// Ends a run that cannot go on; what it has installed is verified first.
pub(super) fn give_up(course: &mut Course, outcome: Outcome, sentence: &str) -> Stage {
    if course.changed.is_empty() {
        return end(course, outcome, sentence);
    }
    course.gaps.push(sentence.to_owned());
    Stage::Verifying
}

/// Ends a run here and now.
pub(super) fn end(course: &Course, outcome: Outcome, sentence: &str) -> Stage {
    let mut summary = sentence.to_owned();
    if !course.changed.is_empty() || !course.gaps.is_empty() {
        summary = format!("{summary}; {}", course.summary());
    }
    Stage::Finished { outcome, summary }
}

/// Ends a run that came to its regular end.
pub(super) fn conclude(course: &Course) -> Stage {
    let (outcome, summary) = match course.mandate.action {
        Action::Rehearse => (course.rehearsed(), course.rehearsal_told()),
        Action::Check | Action::Patch | Action::RollBack => (course.outcome(), course.summary()),
    };
    Stage::Finished { outcome, summary }
}

/// The operator's programs of this point come before the next stage, once in a run.
pub(super) fn hook(course: &Course, point: HookPoint, next: Stage) -> Stage {
    let has = course.mandate.hooks.contains(&point) && !course.hooked.contains(&point);
    if !has {
        return next;
    }
    Stage::Hooking {
        point,
        next: Box::new(next),
    }
}

/// Whoever has programs for the end of a run gets them before it ends.
pub(super) fn hook_at_end(course: &Course, stage: Stage) -> Stage {
    let Stage::Finished { outcome, .. } = &stage else {
        return stage;
    };
    let patches = matches!(course.mandate.action, Action::Patch | Action::RollBack);
    let point = match outcome {
        Outcome::Failed | Outcome::NeedsHuman | Outcome::RolledBack => HookPoint::OnFailure,
        Outcome::Succeeded | Outcome::RebootOwed | Outcome::Partial if course.verified => {
            HookPoint::PostVerify
        }
        Outcome::Succeeded
        | Outcome::RebootOwed
        | Outcome::Partial
        | Outcome::Deferred
        | Outcome::Cloned => return stage,
    };
    if patches {
        hook(course, point, stage)
    } else {
        stage
    }
}

/// The programs of a point have run. Some may stop what comes next.
pub(super) fn hooked(
    point: HookPoint,
    next: &Stage,
    event: Event,
    course: &mut Course,
) -> Option<Stage> {
    let Event::Hooked { failure } = event else {
        return None;
    };
    course.hooked.push(point);
    let Some(failure) = failure else {
        return Some(next.clone());
    };
    Some(match point {
        HookPoint::PreCheck | HookPoint::PreApply => {
            give_up(course, Outcome::Failed, &format!("stopped by {failure}"))
        }
        HookPoint::PreReboot => {
            course.put_off = Some(format!("the reboot was stopped by {failure}"));
            Stage::Verifying
        }
        HookPoint::PostApply | HookPoint::PostVerify | HookPoint::OnFailure => {
            course.gaps.push(failure.clone());
            warned(next, &failure)
        }
    })
}

/// An end that somebody's program has still failed behind.
fn warned(next: &Stage, failure: &str) -> Stage {
    let Stage::Finished { outcome, summary } = next else {
        return next.clone();
    };
    let outcome = match outcome {
        Outcome::Succeeded | Outcome::RebootOwed => Outcome::Partial,
        graver => *graver,
    };
    Stage::Finished {
        outcome,
        summary: format!("{summary}; {failure}"),
    }
}
