//! What a run may begin, and what its mandate keeps it from.

use std::future::pending;

use jiff::SignedDuration;

use super::*;
use crate::model::Action;

/// A run whose window closes in so many seconds.
async fn within(bench: &mut Bench, seconds: i64) -> RunReport {
    let closes = clock::now() + SignedDuration::from_secs(seconds);
    let request = Request {
        mandate: Mandate {
            closes: Some(closes),
            ..Mandate::default()
        },
        ..request()
    };
    let mut hands = bench.hands();
    let quiet = &mut |_: &Notice| {};
    run(&bench.parts, &mut hands, &request, quiet, pending())
        .await
        .expect("a run that is told to its end")
}

#[tokio::test]
async fn what_would_not_end_inside_the_window_does_not_begin() {
    let mut bench = Bench::with_updates(&["aa", "bb"]);
    let report = within(&mut bench, 100).await;
    assert_eq!(report.outcome, Outcome::Deferred);
    assert!(
        report.summary.contains("wait for the next one"),
        "{}",
        report.summary
    );
    assert_eq!(bench.machine.world().applied, []);
}

#[tokio::test]
async fn as_much_is_installed_as_ends_inside_the_window() {
    // Without history: twice three minutes and two seconds a package, and two
    // minutes for verify.
    let mut bench = Bench::with_updates(&["aa", "bb", "cc", "dd", "ee"]);
    let report = within(&mut bench, 490).await;
    assert_eq!(report.outcome, Outcome::Partial);
    assert_eq!(report.state.course.changed, [upgrade("aa"), upgrade("bb")]);
    let left = "3 updates would not end inside the window and wait for the next one: cc:amd64, dd:amd64, ee:amd64";
    assert!(report.summary.contains(left), "{}", report.summary);
}

#[tokio::test]
async fn a_long_window_holds_back_nothing() {
    let mut bench = Bench::with_updates(&["aa", "bb"]);
    let report = within(&mut bench, 7200).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(report.state.course.changed.len(), 2);
}

#[tokio::test]
async fn a_run_that_shall_only_look_installs_nothing_and_leaves_no_open_record() {
    let bench = Bench::with_updates(&["aa", "bb"]);
    let request = Request {
        mandate: Mandate {
            action: Action::Check,
            ..Mandate::default()
        },
        ..request()
    };
    let mut hands = bench.hands();
    let quiet = &mut |_: &Notice| {};
    let report = run(&bench.parts, &mut hands, &request, quiet, pending())
        .await
        .expect("told");
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert!(
        report.summary.starts_with("2 updates are pending"),
        "{}",
        report.summary
    );
    assert_eq!(hands.orders, [Phase::Refresh, Phase::Cleanup]);
    assert_eq!(bench.machine.world().applied, []);
}
