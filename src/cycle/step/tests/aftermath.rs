//! Rehearsal, restarts, reboots, rollback, hooks.

use super::*;
use crate::model::{Class, Errand, Extent, Finding, HookPoint, Reboot, RolledBack, RunId, Task};

fn broken(since: Option<RunId>) -> Event {
    let finding = Finding {
        class: Class::Breaks,
        check: "unit".into(),
        subject: "nginx.service".into(),
        detail: "nginx.service was active and is failed".into(),
        since,
    };
    Event::Verified {
        findings: vec![finding],
        reboot_reasons: vec![],
    }
}

/// A run that has installed the plan and is verifying.
fn installed() -> State {
    walk(
        at(Stage::Applying { plan: plan() }),
        vec![applied(), restarted()],
    )
}

fn taken_back(left: Vec<Change>) -> Event {
    Event::RolledBack(Box::new(RolledBack {
        restored: plan().changes().iter().map(Change::reversed).collect(),
        left,
        ..RolledBack::default()
    }))
}

#[test]
fn what_broke_something_is_taken_back_and_kept_away() {
    let back = walk(installed(), vec![broken(None), taken_back(vec![])]);
    assert_eq!(back.stage, Stage::Restarting);
    let asked = walk(back, vec![restarted(), verified()]);
    let Effect::Order(Task {
        errand: Some(Errand::Quarantine(quarantining)),
        ..
    }) = asked.effect()
    else {
        panic!("nothing is kept away")
    };
    let kept = &quarantining.add[0];
    assert_eq!(kept.changes, plan().changes());
    assert!(!kept.known, "one of two packages is to blame");
    let end = walk(asked, vec![Event::Quarantined { kept_away: vec![] }]);
    assert_eq!(outcome(&end), Outcome::RolledBack);
    assert!(end.course.changed.is_empty(), "the machine is as before");
}

#[test]
fn an_old_kernel_that_made_room_does_not_come_back_and_it_is_rolled_back_all_the_same() {
    let mut state = installed();
    let mut room = change("linux-image-old");
    room.to = None;
    state.course.changed.push(room);
    let events = vec![
        broken(None),
        taken_back(vec![]),
        restarted(),
        verified(),
        Event::Quarantined { kept_away: vec![] },
    ];
    assert_eq!(outcome(&walk(state, events)), Outcome::RolledBack);
}

fn half_configured() -> Event {
    let finding = Finding {
        class: Class::Breaks,
        check: "database".into(),
        subject: String::new(),
        detail: "openssl is half-configured".into(),
        since: None,
    };
    Event::Verified {
        findings: vec![finding],
        reboot_reasons: vec![],
    }
}

/// openssl was set aside and is half-configured; it went back alone.
fn went_back_alone() -> State {
    let mut state = installed();
    state.course.broken = vec!["openssl is half-configured".to_owned()];
    state.course.set_aside.push(crate::cycle::SetAside {
        package: change("openssl").id.name,
        reason: "its postinst failed".to_owned(),
        harm: Some(change("openssl")),
    });
    let state = walk(state, vec![half_configured()]);
    let Effect::Order(Task {
        errand: Some(Errand::RollBack { extent, .. }),
        ..
    }) = state.effect()
    else {
        panic!("nothing is taken back")
    };
    assert_eq!(extent, Extent::Unsound);
    let alone = RolledBack {
        extent,
        restored: vec![change("openssl").reversed()],
        ..RolledBack::default()
    };
    walk(state, vec![Event::RolledBack(Box::new(alone)), restarted()])
}

#[test]
fn what_would_not_be_installed_goes_back_alone_and_is_kept_away_alone() {
    let asked = walk(went_back_alone(), vec![verified()]);
    let suspicions = asked.course.suspicions().add;
    assert_eq!(suspicions.len(), 1);
    assert_eq!(suspicions[0].changes, [change("openssl")]);
    let end = walk(asked, vec![Event::Quarantined { kept_away: vec![] }]);
    assert_eq!(outcome(&end), Outcome::Partial);
    assert_eq!(end.course.changed, [change("nginx")]);
}

#[test]
fn what_breaks_without_it_takes_all_the_rest_back() {
    let state = walk(went_back_alone(), vec![broken(None)]);
    assert_eq!(state.stage, Stage::RollingBack);
    assert_eq!(state.course.extent(), Extent::Whole);
    assert_eq!(state.course.broke.len(), 2);
}

#[test]
fn what_is_never_rolled_back_is_left_to_a_person() {
    let left = vec![change("nginx")];
    let end = walk(
        installed(),
        vec![
            broken(None),
            taken_back(left),
            restarted(),
            verified(),
            Event::Quarantined { kept_away: vec![] },
        ],
    );
    assert_eq!(outcome(&end), Outcome::NeedsHuman);
}

#[test]
fn a_run_is_not_taken_back_for_what_an_earlier_one_broke() {
    let earlier = Some(RunId::new(1, 1));
    let end = walk(installed(), vec![broken(earlier)]);
    assert_eq!(outcome(&end), Outcome::NeedsHuman);
}

#[test]
fn what_is_broken_after_a_rollback_is_not_rolled_back_again() {
    let end = walk(
        installed(),
        vec![
            broken(None),
            taken_back(vec![]),
            restarted(),
            broken(None),
            Event::Quarantined { kept_away: vec![] },
        ],
    );
    assert_eq!(outcome(&end), Outcome::NeedsHuman);
}

#[test]
fn without_rollback_a_break_is_left_as_it_is() {
    let mut state = installed();
    state.course.mandate.conduct.roll_back = false;
    assert_eq!(
        outcome(&walk(state, vec![broken(None)])),
        Outcome::NeedsHuman
    );
}

#[test]
fn a_culprit_of_the_rehearsal_never_touches_the_machine() {
    let rehearsing = at(Stage::Rehearsing { plan: plan() });
    let state = walk(rehearsing, vec![rehearsed(Verdict::Confirmed, &["nginx"])]);
    assert_eq!(state.stage, Stage::Checking);
    assert_eq!(state.course.set_aside[0].harm, Some(change("nginx")));
    // The same again: nothing else can be set aside.
    let again = State::at(Stage::Rehearsing { plan: plan() }, state.course, NOW);
    let end = walk(again, vec![rehearsed(Verdict::Confirmed, &["nginx"])]);
    assert_eq!(outcome(&end), Outcome::Failed);
}

#[test]
fn an_unproven_rehearsal_stops_a_run_only_where_that_is_wanted() {
    let unproven = || vec![rehearsed(Verdict::Unproven, &[])];
    let rehearsing = at(Stage::Rehearsing { plan: plan() });
    let goes_on = walk(rehearsing.clone(), unproven());
    assert_eq!(goes_on.stage, Stage::Preserving { plan: plan() });
    let mut strict = rehearsing;
    strict.course.mandate.conduct.unproven_stops = true;
    assert_eq!(outcome(&walk(strict, unproven())), Outcome::NeedsHuman);
}

#[test]
fn a_rehearsal_alone_ends_before_anything_is_installed() {
    let mandate = Mandate {
        action: Action::Rehearse,
        ..Mandate::default()
    };
    let course = Course {
        mandate,
        ..Course::default()
    };
    let at = State::at(Stage::Rehearsing { plan: plan() }, course, NOW);
    let table = [
        (Verdict::Passed, Outcome::Succeeded),
        (Verdict::Confirmed, Outcome::Failed),
        (Verdict::Unproven, Outcome::NeedsHuman),
    ];
    for (verdict, expected) in table {
        let end = walk(at.clone(), vec![rehearsed(verdict, &[])]);
        assert_eq!(outcome(&end), expected, "{verdict}");
    }
}

fn rebooting(reboot: Reboot, reasons: &[&str]) -> State {
    let mut state = at(Stage::Restarting);
    state.course.mandate.conduct.reboot = reboot;
    let restarted = Restarted {
        reboot_reasons: reasons.iter().map(|it| (*it).to_owned()).collect(),
        ..Restarted::default()
    };
    walk(state, vec![Event::Restarted(restarted)])
}

#[test]
fn a_reboot_comes_only_when_policy_wants_it_and_something_needs_it() {
    assert_eq!(
        rebooting(Reboot::Never, &["kernel"]).stage,
        Stage::Verifying
    );
    assert_eq!(rebooting(Reboot::WhenNeeded, &[]).stage, Stage::Verifying);
    let state = rebooting(Reboot::WhenNeeded, &["kernel"]);
    assert_eq!(state.stage, Stage::Rebooting);
    // Cut short by the reboot itself, it is asked for again, mended, and verified.
    let up = walk(state, vec![Event::Lost, Event::Rebooted, repaired()]);
    assert_eq!(up.stage, Stage::Verifying);
}

#[test]
fn a_reboot_that_is_put_off_is_told() {
    let state = rebooting(Reboot::WhenNeeded, &["kernel"]);
    let reason = "2 users are logged in".to_owned();
    let owed = Event::Verified {
        findings: vec![],
        reboot_reasons: vec!["kernel".into()],
    };
    let end = walk(state, vec![Event::NotRebooted { reason }, owed]);
    assert_eq!(outcome(&end), Outcome::RebootOwed);
    assert!(end.course.summary().contains("2 users are logged in"));
}

#[test]
fn a_hook_runs_once_and_a_failing_one_before_apply_stops_the_run() {
    let mut state = at(Stage::Rehearsing { plan: plan() });
    state.course.mandate.hooks = vec![HookPoint::PreApply, HookPoint::OnFailure];
    let hooking = walk(state, vec![rehearsed(Verdict::Passed, &[])]);
    assert_eq!(hooking.stage.name(), "hooking");
    let passed = walk(hooking.clone(), vec![Event::Hooked { failure: None }]);
    assert_eq!(passed.stage, Stage::Preserving { plan: plan() });
    assert_eq!(passed.course.hooked, [HookPoint::PreApply]);
    let failure = Some("/etc/patchd/hooks/drain: exit status 1".to_owned());
    let stopped = walk(hooking, vec![Event::Hooked { failure }]);
    let Stage::Hooking { point, .. } = &stopped.stage else {
        panic!("nobody hears of the failure")
    };
    assert_eq!(*point, HookPoint::OnFailure);
    let end = walk(stopped, vec![Event::Hooked { failure: None }]);
    assert_eq!(outcome(&end), Outcome::Failed);
}

#[test]
fn a_rollback_that_is_taken_back_accuses_nobody() {
    let mandate = Mandate {
        action: Action::RollBack,
        of: Some(RunId::new(1, 1)),
        ..Mandate::default()
    };
    let brought = RolledBack {
        restored: plan().changes().to_vec(),
        ..RolledBack::default()
    };
    let end = walk(
        State::opened(mandate, NOW),
        vec![
            repaired(),
            Event::RolledBack(Box::new(brought)),
            restarted(),
            verified(),
        ],
    );
    assert_eq!(outcome(&end), Outcome::Succeeded);
    assert_eq!(end.course.kept_away, None, "the older versions did no harm");
}

#[test]
fn a_rollback_by_hand_repairs_first_and_plans_nothing() {
    let of = Some(RunId::new(1, 1));
    let mandate = Mandate {
        action: Action::RollBack,
        of,
        ..Mandate::default()
    };
    let state = walk(State::opened(mandate, NOW), vec![repaired()]);
    assert_eq!(
        state.effect(),
        Effect::Order(Task::on(Errand::RollBack {
            of,
            extent: Extent::Whole,
            rehearse: true,
        }))
    );
    let end = walk(
        state,
        vec![
            taken_back(vec![]),
            restarted(),
            verified(),
            Event::Quarantined { kept_away: vec![] },
        ],
    );
    assert_eq!(outcome(&end), Outcome::Succeeded);
    assert_eq!(end.course.changed.len(), 2);
}
