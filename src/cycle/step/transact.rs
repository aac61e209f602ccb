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
    let new = new
        .into_iter()
        .map(|package| aside(plan, package, &failure.summary));
    course.set_aside.extend(new);
}

/// A package of the plan that failed by itself.
pub(super) fn aside(plan: &Plan, package: PackageName, reason: &str) -> SetAside {
    let harm = plan
        .changes()
        .iter()
        .find(|change| change.id.name == package);
    SetAside {
        harm: harm.cloned(),
        package,
        reason: reason.to_owned(),
    }
}
