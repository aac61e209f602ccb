//! Whole runs, on a fake machine.

mod hands;
mod interruption;
mod windows;

use std::future::{pending, ready};
use std::time::Duration;

use tempfile::TempDir;

use self::hands::{FakeHands, Mishap};
use super::*;
use crate::config::Settings;
use crate::daemon::parts::Paths;
use crate::model::{BootId, Decision, Host, MachineId, Phase, Refusal};
use crate::package_manager::fake::{Fake, id, name, upgrade};
use crate::state::RunDetail;

/// A machine of its own for each test.
struct Bench {
    machine: Fake,
    parts: Parts<Fake>,
    notices: Vec<Notice>,
    _folder: TempDir,
}

impl Bench {
    fn with_updates(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let machine = Fake::with_updates(names);
        let parts = Parts {
            at_rest: false,
            package_manager: machine.clone(),
            settings: Settings::default(),
            host: Host {
                name: "bench".to_owned(),
                machine_id: Some(MachineId("1".repeat(32))),
                boot_id: BootId("boot".to_owned()),
            },
            paths: Paths {
                state: folder.path().join("state"),
                logs: folder.path().join("logs"),
                worker: folder.path().join("worker"),
                feeds: folder.path().join("feeds"),
                index: folder.path().join("index.db"),
            },
        };
        Self {
            machine,
            parts,
            notices: Vec::new(),
            _folder: folder,
        }
    }

    fn hands(&self) -> FakeHands {
        FakeHands::on(&self.machine)
    }

    async fn run(&mut self, hands: &mut FakeHands) -> RunReport {
        self.run_until(hands, pending()).await
    }

    async fn run_until(
        &mut self,
        hands: &mut FakeHands,
        stop: impl Future<Output = ()>,
    ) -> RunReport {
        let notices = &mut self.notices;
        let notify = &mut |notice: &Notice| notices.push(notice.clone());
        run(&self.parts, hands, &request(), notify, stop)
            .await
            .expect("a run that is told to its end")
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.parts.paths.ledger()).expect("opened")
    }

    fn detail(&self, run: RunId) -> RunDetail {
        self.ledger().run(run).expect("read").expect("there")
    }

    fn steps(&self, run: RunId) -> Vec<String> {
        let step = |it: &crate::state::Transition| format!("{} -> {}", it.event, it.stage);
        self.detail(run).transitions.iter().map(step).collect()
    }
}

fn request() -> Request {
    Request {
        origin: "now".to_owned(),
        mandate: Mandate::default(),
        policy: "default".to_owned(),
        asked: Asked::default(),
        asked_by: "somebody".to_owned(),
    }
}

const GOOD: [&str; 10] = [
    "opened -> repairing",
    "repaired -> refreshing",
    "refreshed -> checking",
    "planned -> downloading",
    "downloaded -> rehearsing",
    "rehearsed -> preserving",
    "preserved -> applying",
    "applied -> restarting",
    "restarted -> verifying",
    "verified -> finished",
];

#[tokio::test]
async fn a_good_run_is_written_down_whole() {
    let mut bench = Bench::with_updates(&["aa", "bb"]);
    let mut hands = bench.hands();
    let report = bench.run(&mut hands).await;

    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(report.summary, "2 packages changed");
    assert_eq!(bench.steps(report.run), GOOD);
    let told = bench.detail(report.run);
    assert_eq!(told.row.outcome, Some(Outcome::Succeeded));
    assert_eq!(told.row.opened.asked_by, "somebody");
    assert_eq!(told.row.state, report.state);
    assert!(
        told.decisions
            .iter()
            .all(|decided| decided.decision == Decision::Install)
    );
    assert_eq!(told.decisions.len(), 2);
    assert!(bench.ledger().unfinished().expect("read").is_none());
    let plan = Plan::new(vec![upgrade("aa"), upgrade("bb")]);
    assert_eq!(bench.machine.world().applied, [plan]);
}

#[tokio::test]
async fn a_run_tells_whoever_watches_what_it_is_at() {
    let mut bench = Bench::with_updates(&["aa"]);
    let mut hands = bench.hands();
    bench.run(&mut hands).await;
    let named: Vec<String> = bench
        .notices
        .iter()
        .map(|notice| match notice {
            Notice::Opened { resumed, .. } => format!("opened, resumed: {resumed}"),
            Notice::Stage(stage) => stage.name().to_owned(),
            Notice::Planned { plan, .. } => format!("planned {}", plan.changes().len()),
            Notice::Finished { outcome, .. } => format!("finished: {outcome}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        named,
        [
            "opened, resumed: false",
            "repairing",
            "refreshing",
            "checking",
            "planned 1",
            "downloading",
            "rehearsing",
            "preserving",
            "applying",
            "restarting",
            "verifying",
            "finished: succeeded"
        ]
    );
}

#[tokio::test]
async fn a_machine_that_is_up_to_date_is_verified_and_left_alone() {
    let mut bench = Bench::with_updates(&[]);
    let mut hands = bench.hands();
    let report = bench.run(&mut hands).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    let ordered = [
        Phase::Repair,
        Phase::Refresh,
        Phase::Restart,
        Phase::Verify,
        Phase::Cleanup,
    ];
    assert_eq!(hands.orders, ordered);
}

#[tokio::test]
async fn a_package_that_fails_is_set_aside_and_the_rest_is_installed() {
    let mut bench = Bench::with_updates(&["aa", "bad", "cc"]);
    bench.machine.world().failing.insert(name("bad"));
    let mut hands = bench.hands();
    let report = bench.run(&mut hands).await;
    assert_eq!(report.outcome, Outcome::Partial);
    assert_eq!(report.state.course.changed, [upgrade("aa"), upgrade("cc")]);
    let decisions = bench.detail(report.run).decisions;
    let bad = decisions.iter().find(|it| it.id == id("bad"));
    assert_eq!(
        bad.map(|it| (it.decision, it.reason.as_str())),
        Some((
            Decision::Blocked,
            "set aside in this run: a maintainer script failed"
        ))
    );
}

#[tokio::test]
async fn what_could_not_be_seen_in_full_is_not_patched() {
    let mut bench = Bench::with_updates(&["aa"]);
    bench.machine.world().gaps = vec!["a source list is unreadable".to_owned()];
    let mut hands = bench.hands();
    let report = bench.run(&mut hands).await;
    assert_eq!(report.outcome, Outcome::NeedsHuman);
    assert!(report.summary.contains("a source list is unreadable"));
    assert_eq!(bench.machine.world().applied, []);
}

#[tokio::test]
async fn a_worker_that_is_lost_in_any_phase_does_not_lose_the_run() {
    let phases = [
        Phase::Repair,
        Phase::Refresh,
        Phase::Download,
        Phase::Apply,
        Phase::Verify,
    ];
    for phase in phases {
        for mishap in [Mishap::LostBefore, Mishap::LostHalfway, Mishap::LostAfter] {
            let mut bench = Bench::with_updates(&["aa", "bb"]);
            let mut hands = bench.hands().with(phase, mishap.clone());
            let report = bench.run(&mut hands).await;
            let case = format!("{phase} {mishap:?}: {}", report.summary);
            assert_eq!(report.outcome, Outcome::Succeeded, "{case}");
            assert_eq!(
                report.state.course.changed,
                [upgrade("aa"), upgrade("bb")],
                "{case}"
            );
            assert_eq!(hands.mishaps, [], "{case}");
        }
    }
}

#[tokio::test]
async fn a_worker_that_is_lost_again_and_again_is_somebodys_business() {
    let mut bench = Bench::with_updates(&["aa"]);
    let mut hands = bench.hands();
    for _ in 0..4 {
        hands = hands.with(Phase::Apply, Mishap::LostBefore);
    }
    let report = bench.run(&mut hands).await;
    assert_eq!(report.outcome, Outcome::NeedsHuman);
    assert_eq!(
        report.summary,
        "the worker was lost 4 times, the last time while applying; see `patchd logs`"
    );
}

#[tokio::test]
async fn where_a_worker_is_lost_closing_the_record_another_one_does_it() {
    for mishap in [Mishap::LostBefore, Mishap::LostHalfway] {
        let mut bench = Bench::with_updates(&["aa"]);
        let mut hands = bench.hands().with(Phase::Cleanup, mishap);
        let report = bench.run(&mut hands).await;
        assert_eq!(report.outcome, Outcome::Succeeded);
        assert_eq!(
            hands
                .orders
                .iter()
                .filter(|it| **it == Phase::Cleanup)
                .count(),
            2
        );
    }
}

#[tokio::test]
async fn a_stale_plan_is_planned_anew_and_not_forever() {
    let stale = || {
        Mishap::Refused(Refusal::Stale {
            differences: vec!["not planned: cc".to_owned()],
        })
    };
    let mut bench = Bench::with_updates(&["aa"]);
    let mut hands = bench.hands().with(Phase::Apply, stale());
    let report = bench.run(&mut hands).await;
    assert_eq!(report.outcome, Outcome::Succeeded);

    let mut bench = Bench::with_updates(&["aa"]);
    let mut hands = bench.hands();
    for _ in 0..10 {
        hands = hands.with(Phase::Apply, stale());
    }
    let report = bench.run(&mut hands).await;
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(hands.mishaps.len(), 6);
}

#[tokio::test]
async fn a_cancelled_run_ends_before_its_next_phase() {
    let mut bench = Bench::with_updates(&["aa"]);
    let mut hands = bench.hands();
    let report = bench.run_until(&mut hands, ready(())).await;
    assert_eq!(
        (report.outcome, report.summary.as_str()),
        (Outcome::Deferred, "cancelled by the operator")
    );
    assert_eq!(hands.orders, []);
}

/// Says stop once the given phase was ordered; the phase itself goes on.
#[tokio::test]
async fn a_stop_in_any_phase_lets_it_end_and_begins_no_other() {
    for (at, stage) in ["repairing", "refreshing", "checking", "downloading"]
        .into_iter()
        .enumerate()
    {
        let mut bench = Bench::with_updates(&["aa"]);
        let mut hands = bench.hands();
        let report = stopped_in(&mut bench, &mut hands, stage).await;
        assert_eq!(report.outcome, Outcome::Deferred, "{stage}");
        // A check is no order, and the last one closes the record.
        assert_eq!(hands.orders.len(), [1, 2, 2, 3][at] + 1, "{stage}");
        assert_eq!(hands.orders.last(), Some(&Phase::Cleanup), "{stage}");
        assert_eq!(bench.machine.world().applied, [], "{stage}");
    }
}

#[tokio::test]
async fn a_stop_while_applying_lets_it_end_and_be_verified() {
    let ends = [
        // What runs old code is not restarted any more.
        ("applying", Outcome::Partial),
        ("verifying", Outcome::Succeeded),
    ];
    for (stage, outcome) in ends {
        let mut bench = Bench::with_updates(&["aa"]);
        let mut hands = bench.hands();
        let report = stopped_in(&mut bench, &mut hands, stage).await;
        assert_eq!(report.outcome, outcome, "{stage}");
        assert!(
            hands.orders.ends_with(&[Phase::Verify, Phase::Cleanup]),
            "{stage}: {:?}",
            hands.orders
        );
    }
}

async fn stopped_in(bench: &mut Bench, hands: &mut FakeHands, stage: &str) -> RunReport {
    let (send, receive) = tokio::sync::oneshot::channel();
    let mut send = Some(send);
    let notify = &mut |notice: &Notice| {
        if matches!(notice, Notice::Stage(at) if at.name() == stage) {
            let _told = send.take().map(|send| send.send(()));
        }
    };
    let stop = async move {
        if receive.await.is_err() {
            pending::<()>().await;
        }
    };
    run(&bench.parts, hands, &request(), notify, stop)
        .await
        .expect("a run that is told to its end")
}

#[tokio::test(start_paused = true)]
async fn a_second_driver_is_turned_away() {
    let bench = Bench::with_updates(&["aa"]);
    bench.machine.world().slowness = Duration::from_mins(1);
    let (mut one, mut two) = (bench.hands(), bench.hands());
    let (request, quiet, still) = (request(), &mut |_: &Notice| {}, &mut |_: &Notice| {});
    let first = run(&bench.parts, &mut one, &request, quiet, pending());
    let second = run(&bench.parts, &mut two, &request, still, pending());
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.expect("alone").outcome, Outcome::Succeeded);
    assert!(matches!(second, Err(RunError::Busy)), "{second:?}");
    assert_eq!(two.orders, []);
}

#[tokio::test]
async fn a_policy_that_nobody_configured_is_refused_by_name() {
    let bench = Bench::with_updates(&["aa"]);
    let request = Request {
        policy: "night".to_owned(),
        ..request()
    };
    let (mut hands, quiet) = (bench.hands(), &mut |_: &Notice| {});
    let refused = run(&bench.parts, &mut hands, &request, quiet, pending());
    let refused = refused.await.expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "there is no policy \"night\"; there is default"
    );
}

#[tokio::test(start_paused = true)]
async fn a_transaction_past_its_deadline_is_reported_and_never_ended() {
    let mut bench = Bench::with_updates(&["aa"]);
    let slow = Mishap::Slow(Duration::from_hours(2));
    let mut hands = bench.hands().with(Phase::Apply, slow);
    let report = bench.run(&mut hands).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    let stalled = bench
        .notices
        .iter()
        .filter(|notice| matches!(notice, Notice::Stalled(Stage::Applying { .. })));
    assert!(stalled.count() > 2, "{:?}", bench.notices);
    assert_eq!(bench.machine.world().applied.len(), 1);
    assert!(
        bench
            .steps(report.run)
            .contains(&"deadline passed -> applying".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_that_takes_too_long_ends_the_run() {
    let mut bench = Bench::with_updates(&["aa"]);
    bench.machine.world().slowness = Duration::from_hours(1);
    let mut hands = bench.hands();
    let report = bench.run(&mut hands).await;
    assert_eq!(
        (report.outcome, report.summary.as_str()),
        (Outcome::Failed, "listing the updates took too long")
    );
    assert_eq!(bench.machine.world().applied, []);
}

#[tokio::test]
async fn a_ledger_of_another_machine_is_closed_and_a_new_run_begins() {
    let mut bench = Bench::with_updates(&["aa"]);
    let mut hands = bench.hands();
    interruption::cut_short(&bench, &mut hands, 4).await;
    let theirs = bench.ledger().unfinished().expect("read").expect("open");
    bench.parts.host.machine_id = Some(MachineId("2".repeat(32)));

    let mut hands = bench.hands();
    let report = bench.run(&mut hands).await;
    assert_ne!(report.run, theirs.opened.id);
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(bench.steps(report.run), GOOD);
    let closed = bench.detail(theirs.opened.id).row;
    assert_eq!(closed.outcome, Some(Outcome::Cloned));
    assert_eq!(
        closed.summary.as_deref(),
        Some("the ledger was cloned from another machine; its run is closed")
    );
}

#[tokio::test]
async fn a_resumed_run_whose_policy_is_gone_ends_with_advice() {
    let mut bench = Bench::with_updates(&["aa"]);
    bench
        .parts
        .settings
        .policies
        .insert("night".to_owned(), crate::policy::Settings::default());
    let night = Request {
        policy: "night".to_owned(),
        ..request()
    };
    let mut hands = bench.hands();
    {
        let quiet = &mut |_: &Notice| {};
        let run = run(&bench.parts, &mut hands, &night, quiet, pending());
        interruption::poll(std::pin::pin!(run), 2).await;
    }
    bench.parts.settings.policies.remove("night");
    let report = bench.run(&mut hands).await;
    let runs = bench.ledger().runs(2).expect("read");
    assert_eq!(runs[1].outcome, Some(Outcome::NeedsHuman));
    let summary = runs[1].summary.as_deref().unwrap_or_default();
    assert!(summary.contains("\"night\""), "{summary}");
    // What was asked for now is a run of its own.
    assert_eq!(
        (report.run, report.outcome),
        (runs[0].opened.id, Outcome::Succeeded)
    );
}
