//! Behind the transaction: until what was installed is in use, or taken back.

use super::ending::{conclude, hook};
use crate::cycle::course::{Course, own_breaks};
use crate::cycle::event::Event;
use crate::cycle::state::Stage;
use crate::model::{Extent, HookPoint, RolledBack};

pub(super) fn restarted(event: Event, course: &mut Course) -> Option<Stage> {
    let Event::Restarted(restarted) = event else {
        return None;
    };
    course.reboot_reasons.clone_from(&restarted.reboot_reasons);
    course.restarted = restarted;
    // What was taken back is looked at first.
    Some(if course.wants_reboot() && course.rolled_back.is_none() {
        hook(course, HookPoint::PreReboot, Stage::Rebooting)
    } else {
        Stage::Verifying
    })
}

pub(super) fn rebooted(event: Event, course: &mut Course) -> Option<Stage> {
    match event {
        Event::Rebooted => {
            course.rebooted = true;
            course.restarted.stale.clear();
            Some(Stage::Mending)
        }
        Event::NotRebooted { reason } => {
            course.put_off = Some(reason);
            Some(Stage::Verifying)
        }
        _ => None,
    }
}

pub(super) fn verified(event: Event, course: &mut Course) -> Option<Stage> {
    let Event::Verified {
        findings,
        reboot_reasons,
    } = event
    else {
        return None;
    };
    course.reboot_reasons = reboot_reasons;
    if course.takes_back(&findings) {
        course.broke.extend(own_breaks(&findings).cloned());
        return Some(Stage::RollingBack);
    }
    course.findings = findings;
    course.verified = true;
    Some(keep_away(course))
}

/// What did harm is kept away before the run ends.
fn keep_away(course: &Course) -> Stage {
    if course.suspicions().add.is_empty() || course.kept_away.is_some() {
        return conclude(course);
    }
    Stage::Quarantining
}

pub(super) fn rolled_back(event: Event, course: &mut Course) -> Option<Stage> {
    let Event::RolledBack(back) = event else {
        return None;
    };
    take_back(course, *back);
    Some(Stage::Restarting)
}

fn take_back(course: &mut Course, back: RolledBack) {
    if back.extent == Extent::Whole {
        course.kept_conffiles.clear();
    }
    course.learn_rollback(back);
}

/// The worker would not take it back, or was lost over it too often: a person
/// has to, and what is there is looked at all the same.
pub(super) fn not_rolled_back(course: &mut Course, sentence: &str) -> Stage {
    let back = RolledBack {
        failure: Some(format!("it could not be rolled back: {sentence}")),
        next_steps: vec!["look at `patchd logs`, then try `patchd rollback`".to_owned()],
        ..RolledBack::default()
    };
    course.learn_rollback(back);
    Stage::Verifying
}

pub(super) fn quarantined(event: Event, course: &mut Course) -> Option<Stage> {
    let Event::Quarantined { kept_away } = event else {
        return None;
    };
    course.kept_away = Some(kept_away);
    Some(conclude(course))
}
