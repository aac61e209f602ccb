//! The end of a run does not depend on where it was cut short.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::Poll;

use super::*;
use crate::model::{Change, Order, PackageId, Task, Version};

const NAMES: [&str; 3] = ["aa", "bad", "cc"];

/// What must be the same however often a run was cut short.
#[derive(Debug, PartialEq, Eq)]
struct End {
    outcome: Outcome,
    changed: Vec<Change>,
    installed: BTreeMap<PackageId, Version>,
    applies: usize,
}

/// Polls a future at most `polls` times; `None` when it is not ready by then.
pub(super) async fn poll<F: Future>(mut future: Pin<&mut F>, polls: usize) -> Option<F::Output> {
    for _ in 0..polls {
        let once = std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context)));
        if let Poll::Ready(output) = once.await {
            return Some(output);
        }
    }
    None
}

/// Drives a run for `polls` steps, and drops it there: its process was killed.
pub(super) async fn cut_short(
    bench: &Bench,
    hands: &mut FakeHands,
    polls: usize,
) -> Option<Result<RunReport, RunError>> {
    let (request, quiet) = (request(), &mut |_: &Notice| {});
    let run = run(&bench.parts, hands, &request, quiet, pending());
    poll(std::pin::pin!(run), polls).await
}

async fn end(bench: &mut Bench, hands: &mut FakeHands) -> End {
    let report = bench.run(hands).await;
    assert!(bench.ledger().unfinished().expect("read").is_none());
    let world = bench.machine.world();
    End {
        outcome: report.outcome,
        changed: report.state.course.changed,
        installed: world.installed.clone(),
        applies: world.applied.len(),
    }
}

#[tokio::test]
async fn a_run_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    let mut bench = Bench::with_updates(&["aa", "bb"]);
    let mut hands = bench.hands();
    let undisturbed = end(&mut bench, &mut hands).await;
    assert_eq!(undisturbed.applies, 1);

    let mut cuts = 0;
    for polls in 1.. {
        let mut bench = Bench::with_updates(&["aa", "bb"]);
        let mut hands = bench.hands();
        if cut_short(&bench, &mut hands, polls).await.is_some() {
            break;
        }
        // Cut behind its end it is over, and only the worker's record was not closed.
        let open = bench.ledger().unfinished().expect("read");
        if open.is_some_and(|row| matches!(row.state.stage, Stage::Finished { .. })) {
            break;
        }
        cuts = polls;
        assert_eq!(
            end(&mut bench, &mut hands).await,
            undisturbed,
            "cut at {polls}"
        );
        assert_eq!(bench.ledger().runs(9).expect("read").len(), 1);
    }
    assert!(cuts > 15, "only {cuts} places to cut");
}

#[tokio::test]
async fn a_run_with_a_failing_package_survives_a_kill_too() {
    let failing = || {
        let bench = Bench::with_updates(&NAMES);
        bench.machine.world().failing.insert(name("bad"));
        bench
    };
    let mut bench = failing();
    let mut hands = bench.hands();
    let undisturbed = end(&mut bench, &mut hands).await;
    assert_eq!(undisturbed.outcome, Outcome::Partial);

    for polls in 1.. {
        let mut bench = failing();
        let mut hands = bench.hands();
        if cut_short(&bench, &mut hands, polls).await.is_some() {
            break;
        }
        let open = bench.ledger().unfinished().expect("read");
        if open.is_some_and(|row| matches!(row.state.stage, Stage::Finished { .. })) {
            break;
        }
        let end = end(&mut bench, &mut hands).await;
        // Whoever did not hear of the failure tries it once more.
        let same = End {
            applies: undisturbed.applies,
            ..end
        };
        assert_eq!(same, undisturbed, "cut at {polls}");
        assert!(bench.machine.world().applied.len() <= 3);
    }
}

/// The ledger refuses its n-th row: what led to it was done and not written down.
#[tokio::test]
async fn a_run_whose_ledger_fails_at_any_write_ends_as_if_it_had_not() {
    let mut bench = Bench::with_updates(&["aa", "bb"]);
    let mut hands = bench.hands();
    let undisturbed = end(&mut bench, &mut hands).await;

    for row in 1.. {
        let mut bench = Bench::with_updates(&["aa", "bb"]);
        let mut hands = bench.hands();
        full_after(&bench, row);
        let cut = cut_short(&bench, &mut hands, usize::MAX).await;
        match cut.expect("ready") {
            Ok(_) => break,
            Err(fault) => assert!(matches!(fault, RunError::Ledger(_)), "{fault:?}"),
        }
        roomy(&bench);
        assert_eq!(end(&mut bench, &mut hands).await, undisturbed, "row {row}");
        assert!(row < 100, "it never gets through");
    }
}

const TABLES: [&str; 3] = ["transition", "decision", "seen"];

/// Lets the ledger refuse everything beyond `rows` rows, and the end of a run as the last.
fn full_after(bench: &Bench, rows: usize) {
    drop(bench.ledger());
    let database = rusqlite::Connection::open(bench.parts.paths.ledger()).expect("opened");
    let counted: Vec<String> = TABLES
        .iter()
        .map(|table| format!("(SELECT count(*) FROM {table})"))
        .collect();
    let full = format!("{} >= {rows}", counted.join(" + "));
    let refuse = "BEGIN SELECT RAISE(ABORT, 'no more'); END";
    let inserts = TABLES.map(|table| {
        format!("CREATE TRIGGER full_{table} BEFORE INSERT ON {table} WHEN {full} {refuse};")
    });
    let end =
        format!("CREATE TRIGGER full_run BEFORE UPDATE OF closed_at ON run WHEN {full} {refuse};");
    let script = inserts.concat() + &end;
    database.execute_batch(&script).expect("made");
}

fn roomy(bench: &Bench) {
    let database = rusqlite::Connection::open(bench.parts.paths.ledger()).expect("opened");
    let drops: Vec<String> = TABLES
        .iter()
        .chain(&["run"])
        .map(|table| format!("DROP TRIGGER full_{table};"))
        .collect();
    database.execute_batch(&drops.concat()).expect("dropped");
}

#[tokio::test]
async fn a_record_that_was_not_closed_is_closed_at_the_next_start() {
    let bench = Bench::with_updates(&["aa"]);
    let mut hands = bench.hands();
    let run = RunId::new(1, 1);
    let folder = bench.parts.paths.worker.join(format!("runs/{run}"));
    std::fs::create_dir_all(&folder).expect("made");
    let line = serde_json::json!({
        "line": "order", "at": "2026-11-21T03:00:00Z", "boot": "boot",
        "order": Order::new(run, Task::plain(Phase::Refresh)),
    });
    let text = format!("{line}\n");
    crate::os::files::replace(&folder.join("record.jsonl"), text.as_bytes(), 0o640)
        .expect("written");
    let quiet = &mut |_: &Notice| {};
    let resumed = resume(&bench.parts, &mut hands, quiet, pending()).await;
    assert!(resumed.expect("nothing to go on with").is_none());
    assert_eq!(hands.orders, [Phase::Cleanup]);
}
