//! The transaction, and mending behind it.

use super::TRIES;
use super::ending::hook;
use crate::cycle::course::{Course, SetAside};
use crate::cycle::event::Event;
use crate::cycle::state::Stage;
use crate::model::{ApplyFailure, HookPoint, PackageName, Plan};

pub(super) fn applied(plan: &Plan, event: Event, course: &mut Course) -> Option<Stage> {
    match event {
        Event::Applied(installed) => {
            course.learn(installed);
            // Old kernels have made room for the plan that is still to come.
            Some(if plan.only_removes() {
                Stage::Checking
            } else {
                hook(course, HookPoint::PostApply, Stage::Restarting)
            })
        }
        Event::ApplyFailed { installed, failure } => {
            course.learn(installed);
            set_aside(course, plan, failure);
            Some(Stage::Mending)
        }
        _ => None,
    }
}

/// After mending: the rest of the plan, or the end when too much was set aside.
pub(super) fn mended(event: Event, course: &mut Course) -> Option<Stage> {
    let Event::Repaired(repaired) = event else {
        return None;
    };
    course.learn_repair(repaired);
    Some(match () {
        // The machine is up again; nothing new is begun behind a reboot.
        () if course.rebooted => Stage::Verifying,
        () if course.rounds > TRIES => Stage::Restarting,
        () => Stage::Checking,
    })
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
    let new = unknown(course, plan, culprits, &failure.summary);
    if new.is_empty() {
        // The same ones again: another round would turn in a circle.
        course.rounds = TRIES + 1;
    }
    course.set_aside.extend(new);
}

/// Those of the culprits that were not set aside yet, each with what it did.
pub(super) fn unknown(
    course: &Course,
    plan: &Plan,
    culprits: Vec<PackageName>,
    reason: &str,
) -> Vec<SetAside> {
    let known = |name: &PackageName| course.set_aside.iter().any(|it| it.package == *name);
    let harm = |name: &PackageName| plan.changes().iter().find(|it| it.id.name == *name);
    culprits
        .into_iter()
        .filter(|name| !known(name))
        .map(|package| SetAside {
            harm: harm(&package).cloned(),
            package,
            reason: reason.to_owned(),
        })
        .collect()
}
