//! Draws `docs/run.md` from `step` itself, and fails when the two differ.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Course, Event, Repaired, Stage, State, step};
use crate::model::{
    ApplyFailure, HookPoint, Installed, Outcome, Plan, Refusal, Rehearsal, Restarted, Verdict,
};

/// One state of each kind, in the order of a run.
pub(super) fn stages() -> Vec<Stage> {
    let plan = Plan::default();
    vec![
        Stage::Repairing,
        Stage::Refreshing,
        Stage::Checking,
        Stage::Downloading { plan: plan.clone() },
        Stage::Rehearsing { plan: plan.clone() },
        Stage::Preserving { plan: plan.clone() },
        Stage::Applying { plan },
        Stage::Mending,
        Stage::Restarting,
        Stage::Rebooting,
        Stage::Verifying,
        Stage::RollingBack,
        Stage::Quarantining,
        Stage::Hooking {
            point: HookPoint::PreApply,
            next: Box::new(Stage::Preserving {
                plan: Plan::default(),
            }),
        },
        Stage::Finished {
            outcome: Outcome::Succeeded,
            summary: String::new(),
        },
    ]
}

/// One event of each kind.
pub(super) fn events() -> Vec<Event> {
    let mut events = done();
    events.extend(refused());
    events.extend([
        Event::Lost,
        Event::Cancelled,
        Event::DeadlinePassed,
        Event::Cloned,
    ]);
    events
}

fn done() -> Vec<Event> {
    let planned = crate::cycle::step::tests::plan();
    let failure = ApplyFailure {
        summary: "x".into(),
        culprits: vec![],
    };
    vec![
        Event::Repaired(Repaired::default()),
        Event::Refreshed {
            gaps: vec![],
            blind: false,
        },
        Event::Planned {
            plan: planned,
            left_out: vec![],
            postponed: vec![],
            needs: SignedDuration::ZERO,
        },
        Event::Planned {
            plan: Plan::default(),
            left_out: vec![],
            postponed: vec![],
            needs: SignedDuration::ZERO,
        },
        Event::Surveyed {
            sentence: String::new(),
            left_out: vec![],
        },
        Event::Unclear {
            reason: String::new(),
        },
        Event::Downloaded,
        Event::DownloadFailed {
            reason: String::new(),
            culprits: vec![],
        },
        rehearsed(Verdict::Passed),
        rehearsed(Verdict::Confirmed),
        rehearsed(Verdict::Unproven),
        Event::Preserved,
        Event::Applied(Installed::default()),
        Event::ApplyFailed {
            installed: Installed::default(),
            failure,
        },
        Event::Verified {
            findings: vec![],
            reboot_reasons: vec![],
        },
        Event::Restarted(Restarted::default()),
        Event::Rebooted,
        Event::NotRebooted {
            reason: String::new(),
        },
        Event::RolledBack(Box::default()),
        Event::Quarantined { kept_away: vec![] },
        Event::Hooked { failure: None },
        Event::Hooked {
            failure: Some(String::new()),
        },
    ]
}

fn refused() -> Vec<Event> {
    vec![
        Event::Refused(Refusal::Invalid {
            detail: String::new(),
        }),
        Event::Refused(Refusal::Busy { run: None }),
        Event::Refused(Refusal::Stale {
            differences: vec![],
        }),
        Event::Refused(Refusal::Locked {
            holder: String::new(),
            waited_seconds: 0,
        }),
        Event::Refused(Refusal::Unfit {
            faults: vec![],
            room: Plan::default(),
        }),
        Event::Refused(Refusal::Stopping),
        Event::Refused(Refusal::Unable {
            detail: String::new(),
        }),
    ]
}

fn rehearsed(verdict: Verdict) -> Event {
    Event::Rehearsed(Box::new(Rehearsal {
        verdict,
        ..Rehearsal::default()
    }))
}

fn diagram() -> String {
    let now = Timestamp::UNIX_EPOCH;
    let mut arrows: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
    let stages = stages();
    let place = |stage: &Stage| {
        stages
            .iter()
            .position(|other| other.name() == stage.name())
            .expect("listed")
    };
    for from in &stages {
        for event in events() {
            let name = event.name();
            let at = State::at(from.clone(), Course::default(), now);
            if let Ok(next) = step(&at, event, now) {
                arrows
                    .entry((place(from), place(&next.to.stage)))
                    .or_default()
                    .push(name);
            }
        }
    }
    let mut text = String::from(
        "# The states of a run\n\nDrawn from `src/cycle` by a test, which fails when this page and the code differ.\n\
         Each arrow is the first such event; after three losses or stale plans a run gives up.\n\
         What a run has installed is always verified before it ends.\n\n\
         ```mermaid\nstateDiagram-v2\n    [*] --> repairing\n",
    );
    for ((from, to), events) in arrows {
        let (from, to) = (stages[from].name(), stages[to].name());
        text.extend(["    ", from, " --> ", to, ": ", &events.join(", "), "\n"]);
    }
    text.push_str("    finished --> [*]\n```\n");
    text
}

#[test]
fn the_diagram_in_the_docs_is_the_machine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/run.md");
    let drawn = diagram();
    if option_env!("PATCHD_DRAW").is_some() {
        let mut page = std::fs::File::create(path).expect("made");
        std::io::Write::write_all(&mut page, drawn.as_bytes()).expect("written");
    }
    let kept = std::fs::read_to_string(path).expect("docs/run.md is there");
    assert_eq!(
        kept, drawn,
        "run `PATCHD_DRAW=1 cargo test the_diagram` and commit docs/run.md"
    );
}
