mod aftermath;

use jiff::SignedDuration;

use super::*;
use crate::cycle::diagram::{events, stages};
use crate::cycle::{Mandate, Repaired};
use crate::model::{
    Action, ApplyFailure, Change, Installed, PackageId, PackageName, Plan, Rehearsal, Restarted,
    Verdict, Version,
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn at(stage: Stage) -> State {
    State::at(stage, Course::default(), NOW)
}

fn change(name: &str) -> Change {
    let version = |text: &str| Some(Version::try_from(text.to_owned()).expect("valid"));
    Change {
        id: PackageId::parse(name, "amd64").expect("valid"),
        from: version("1"),
        to: version("2"),
    }
}

pub(crate) fn plan() -> Plan {
    Plan::new(vec![change("nginx"), change("openssl")])
}

fn failed(culprits: &[&str]) -> Event {
    let name = |name: &&str| PackageName::try_from((*name).to_owned()).expect("valid");
    let failure = ApplyFailure {
        summary: "postinst failed".into(),
        culprits: culprits.iter().map(name).collect(),
    };
    Event::ApplyFailed {
        installed: Installed::default(),
        failure,
    }
}

fn repaired() -> Event {
    Event::Repaired(Repaired::default())
}

fn verified() -> Event {
    Event::Verified {
        findings: vec![],
        reboot_reasons: vec![],
    }
}

fn rehearsed(verdict: Verdict, culprits: &[&str]) -> Event {
    let name = |name: &&str| PackageName::try_from((*name).to_owned()).expect("valid");
    Event::Rehearsed(Box::new(Rehearsal {
        verdict,
        summary: "nginx: its postinst exits 1".into(),
        culprits: culprits.iter().map(name).collect(),
        ..Rehearsal::default()
    }))
}

fn applied() -> Event {
    Event::Applied(Installed {
        changed: plan().changes().to_vec(),
        kept_conffiles: vec![],
    })
}

fn restarted() -> Event {
    Event::Restarted(Restarted::default())
}

/// Steps through all events; each must be accepted.
fn walk(mut state: State, events: Vec<Event>) -> State {
    for event in events {
        state = step(&state, event, NOW).expect("accepted").to;
    }
    state
}

fn outcome(state: &State) -> Outcome {
    match &state.stage {
        Stage::Finished { outcome, .. } => *outcome,
        other => panic!("not finished but {other}"),
    }
}

#[test]
fn a_good_night_ends_well() {
    let end = walk(
        State::opened(Mandate::default(), NOW),
        vec![
            repaired(),
            Event::Refreshed {
                gaps: vec![],
                blind: false,
            },
            Event::Planned {
                plan: plan(),
                left_out: vec![],
                postponed: vec![],
                needs: SignedDuration::ZERO,
            },
            Event::Downloaded,
            rehearsed(Verdict::Passed, &[]),
            Event::Preserved,
            applied(),
            restarted(),
            verified(),
        ],
    );
    assert_eq!(outcome(&end), Outcome::Succeeded);
    assert_eq!(end.course.changed.len(), 2);
}

#[test]
fn what_could_not_be_mended_without_indexes_is_tried_again_with_them() {
    let broken = Event::Repaired(Repaired {
        broken: vec!["nginx is broken".into()],
        ..Repaired::default()
    });
    let fresh = Event::Refreshed {
        gaps: vec![],
        blind: false,
    };
    let state = walk(State::opened(Mandate::default(), NOW), vec![broken, fresh]);
    assert_eq!(state.stage, Stage::Mending);
    assert_eq!(walk(state, vec![repaired()]).stage, Stage::Checking);
}

#[test]
fn a_culprit_is_set_aside_and_the_rest_is_planned_anew() {
    let state = walk(
        at(Stage::Applying { plan: plan() }),
        vec![failed(&["nginx"]), repaired()],
    );
    assert_eq!(state.stage, Stage::Checking);
    assert_eq!(state.course.set_aside.len(), 1);
    let end = walk(
        state,
        vec![
            Event::Planned {
                plan: Plan::default(),
                left_out: vec![],
                postponed: vec![],
                needs: SignedDuration::ZERO,
            },
            restarted(),
            verified(),
            Event::Quarantined { kept_away: vec![] },
        ],
    );
    assert_eq!(outcome(&end), Outcome::Partial);
}

#[test]
fn a_failure_without_a_culprit_is_tried_once_more_and_then_set_aside_whole() {
    let once = walk(
        at(Stage::Applying { plan: plan() }),
        vec![failed(&[]), repaired()],
    );
    assert!(once.course.set_aside.is_empty());
    let twice = walk(
        once,
        vec![
            Event::Planned {
                plan: plan(),
                left_out: vec![],
                postponed: vec![],
                needs: SignedDuration::ZERO,
            },
            Event::Downloaded,
            rehearsed(Verdict::Passed, &[]),
            Event::Preserved,
            failed(&[]),
        ],
    );
    assert_eq!(twice.course.set_aside.len(), 2);
}

#[test]
fn the_same_culprit_twice_ends_the_rounds() {
    let mut state = at(Stage::Applying { plan: plan() });
    state = walk(
        state,
        vec![
            failed(&["nginx"]),
            repaired(),
            Event::Planned {
                plan: plan(),
                left_out: vec![],
                postponed: vec![],
                needs: SignedDuration::ZERO,
            },
            Event::Downloaded,
            rehearsed(Verdict::Passed, &[]),
            Event::Preserved,
        ],
    );
    state = walk(state, vec![failed(&["nginx"]), repaired()]);
    assert_eq!(state.stage, Stage::Restarting);
}

#[test]
fn a_lost_worker_in_a_transaction_is_mended_before_anything_else() {
    let lost = walk(at(Stage::Applying { plan: plan() }), vec![Event::Lost]);
    assert_eq!(lost.stage, Stage::Mending);
}

#[test]
fn losing_the_worker_again_and_again_ends_with_a_person() {
    let end = walk(
        at(Stage::Refreshing),
        vec![Event::Lost, Event::Lost, Event::Lost, Event::Lost],
    );
    assert_eq!(outcome(&end), Outcome::NeedsHuman);
}

#[test]
fn what_fails_behind_a_transaction_is_mended_and_not_forgotten() {
    let unable = Event::Refused(Refusal::Unable {
        detail: "no space".into(),
    });
    let state = walk(at(Stage::Applying { plan: plan() }), vec![unable]);
    assert_eq!(state.stage, Stage::Mending);
}

#[test]
fn what_cannot_be_fetched_goes_aside_and_the_rest_is_planned_anew() {
    let nginx = PackageName::try_from("nginx".to_owned()).expect("valid");
    let missing = Event::DownloadFailed {
        reason: "404".into(),
        culprits: vec![nginx],
    };
    let state = walk(at(Stage::Downloading { plan: plan() }), vec![missing]);
    assert_eq!(state.stage, Stage::Checking);
    assert_eq!(state.course.set_aside.len(), 1);
}

#[test]
fn old_kernels_make_room_once_and_then_the_plan_comes() {
    let mut gone = change("linux-image-1");
    gone.to = None;
    let room = Plan::new(vec![gone]);
    let unfit = || {
        let faults = vec!["/boot is full".into()];
        Event::Refused(Refusal::Unfit {
            faults,
            room: room.clone(),
        })
    };
    let removed = Installed {
        changed: room.changes().to_vec(),
        kept_conffiles: vec![],
    };
    let state = walk(
        at(Stage::Downloading { plan: plan() }),
        vec![unfit(), Event::Applied(removed)],
    );
    assert_eq!(state.stage, Stage::Checking);
    let again = Event::Planned {
        plan: plan(),
        left_out: vec![],
        postponed: vec![],
        needs: SignedDuration::ZERO,
    };
    // Kernels are gone, so verify looks before the run ends.
    assert_eq!(walk(state, vec![again, unfit()]).stage, Stage::Verifying);
}

#[test]
fn a_stale_plan_is_made_anew_and_not_for_ever() {
    let refusal = || {
        Event::Refused(Refusal::Stale {
            differences: vec![],
        })
    };
    let mut state = at(Stage::Downloading { plan: plan() });
    for _ in 0..TRIES {
        state = walk(
            state,
            vec![
                refusal(),
                Event::Planned {
                    plan: plan(),
                    left_out: vec![],
                    postponed: vec![],
                    needs: SignedDuration::ZERO,
                },
            ],
        );
    }
    assert_eq!(outcome(&walk(state, vec![refusal()])), Outcome::Failed);
}

#[test]
fn cancelling_after_the_transaction_is_refused_because_verify_is_owed() {
    assert!(step(&at(Stage::Verifying), Event::Cancelled, NOW).is_err());
    assert!(step(&at(Stage::Mending), Event::Cancelled, NOW).is_err());
    assert_eq!(
        outcome(&walk(at(Stage::Checking), vec![Event::Cancelled])),
        Outcome::Deferred
    );
}

#[test]
fn what_is_installed_is_verified_even_if_the_run_gives_up() {
    let mut state = at(Stage::Downloading { plan: plan() });
    state.course.changed.push(change("nginx"));
    let state = walk(
        state,
        vec![Event::DownloadFailed {
            reason: "404".into(),
            culprits: vec![],
        }],
    );
    assert_eq!(state.stage, Stage::Verifying);
    assert_eq!(outcome(&walk(state, vec![verified()])), Outcome::Partial);
}

#[test]
fn a_deadline_never_ends_a_transaction() {
    let applying = at(Stage::Applying { plan: plan() });
    let overrun = step(&applying, Event::DeadlinePassed, NOW).expect("accepted");
    assert_eq!(overrun.to.stage, applying.stage);
    assert_eq!(overrun.effect, Effect::ReportStalled);
}

#[test]
fn a_finished_run_accepts_nothing() {
    let finished = stages().pop().expect("the last one");
    for event in events() {
        assert!(
            step(&at(finished.clone()), event.clone(), NOW).is_err(),
            "{event:?}"
        );
    }
}

#[test]
fn what_a_step_asks_for_is_what_a_restart_would_ask_for() {
    for stage in stages() {
        for event in events() {
            let stalled = event == Event::DeadlinePassed;
            if let Ok(next) = step(&at(stage.clone()), event, NOW) {
                let asked_again = next.to.effect();
                assert!(next.effect == asked_again || stalled, "{:?}", next.effect);
            }
        }
    }
}

#[test]
fn a_state_survives_being_written_down() {
    for stage in stages() {
        let state = at(stage);
        let text = serde_json::to_string(&state).expect("written");
        assert_eq!(serde_json::from_str::<State>(&text).expect("read"), state);
    }
}

#[test]
fn what_took_too_long_before_a_transaction_leaves_the_plan_for_the_next_window() {
    let after = |seconds| NOW + SignedDuration::from_secs(seconds);
    let course = Course {
        mandate: Mandate {
            closes: Some(after(1000)),
            ..Mandate::default()
        },
        needs: SignedDuration::from_secs(400),
        ..Course::default()
    };
    let at = State::at(Stage::Preserving { plan: plan() }, course, NOW);
    let in_time = step(&at, Event::Preserved, after(600)).expect("accepted");
    assert_eq!(in_time.to.stage, Stage::Applying { plan: plan() });
    let late = step(&at, Event::Preserved, after(601)).expect("accepted");
    assert_eq!(outcome(&late.to), Outcome::Deferred);
}

#[test]
fn a_look_that_lost_its_worker_looks_again_and_mends_nothing() {
    let mandate = Mandate {
        action: Action::Check,
        ..Mandate::default()
    };
    let at = State::opened(mandate, NOW);
    assert_eq!(at.stage, Stage::Refreshing);
    let again = step(&at, Event::Lost, NOW).expect("accepted");
    assert_eq!(again.to.stage, Stage::Refreshing);
}
