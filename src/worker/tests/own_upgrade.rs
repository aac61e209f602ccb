//! The package patchd in its own transaction.

use super::post::Bare;
use super::*;
use crate::model::OwnOutcome;
use crate::os::command::{Answer, Command, CommandError, Output, Runner};
use crate::worker::put_back;

/// systemd, with a daemon that starts as its installed version does.
struct Daemon {
    machine: Fake,
    /// Versions that never become ready.
    bad: Vec<&'static str>,
    /// Whether an upgrade restarts it.
    restarts: bool,
}

impl Runner for Daemon {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        if !question.argv().contains(&"patchd.service") {
            return Bare.ask(question);
        }
        let world = self.machine.world();
        let version = world.installed[&id("patchd")].to_string();
        let changes = world
            .calls
            .iter()
            .filter(|it| ["apply", "put back"].contains(it));
        let started = if self.restarts {
            1 + changes.count()
        } else {
            1
        };
        let active = if self.bad.contains(&version.as_str()) {
            "activating"
        } else {
            "active"
        };
        let text = format!(
            "ActiveState={active}\nExecMainStartTimestampMonotonic={started}\nNRestarts=0\n"
        );
        let output = Output {
            status: 0,
            stdout: text.into(),
            stderr: Vec::new(),
        };
        Box::pin(std::future::ready(Ok(output)))
    }
}

/// Upgrades patchd and one other package.
async fn upgraded(daemon: &Daemon, post: &Post) -> Report {
    let plan = plan_of(&["aa", "patchd"]);
    post.prepared(run(ONE), &plan).await;
    let text = order(run(ONE), Phase::Apply, &plan);
    match post.events_with(daemon, &text).await.pop() {
        Some(WorkerEvent::Done { report }) => report,
        other => panic!("{other:?}"),
    }
}

fn machine() -> (Fake, Post) {
    let machine = Fake::with_updates(&["aa", "patchd"]);
    machine.world().archives = true;
    let post = Post::on(&machine);
    (machine, post)
}

fn daemon(machine: &Fake, bad: &[&'static str]) -> Daemon {
    Daemon {
        machine: machine.clone(),
        bad: bad.to_vec(),
        restarts: true,
    }
}

fn outcome(report: &Report) -> Option<OwnOutcome> {
    match report {
        Report::Apply { own_upgrade, .. } => own_upgrade.as_ref().map(|it| it.outcome),
        other => panic!("{other:?}"),
    }
}

fn failure(report: &Report) -> Option<String> {
    match report {
        Report::Apply { failure, .. } => failure.as_ref().map(|it| it.summary.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_daemon_that_becomes_ready_is_kept() {
    let (machine, post) = machine();
    let report = upgraded(&daemon(&machine, &[]), &post).await;
    assert_eq!(outcome(&report), Some(OwnOutcome::Kept));
    assert_eq!(failure(&report), None);
    assert_eq!(machine.world().calls, ["apply"]);
    assert_eq!(put_back(post.root.path()).expect("read"), None);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_is_put_back_and_set_aside() {
    let (machine, post) = machine();
    let report = upgraded(&daemon(&machine, &["2"]), &post).await;
    assert_eq!(outcome(&report), Some(OwnOutcome::PutBack));
    assert_eq!(machine.world().installed[&id("patchd")], version("1"));
    let sentence = "patchd 2 did not become ready, and 1 was put back";
    assert_eq!(failure(&report).as_deref(), Some(sentence));
    let Report::Apply {
        failure: Some(failure),
        ..
    } = &report
    else {
        panic!("told above")
    };
    assert_eq!(failure.culprits, [name("patchd")]);
    // The others stay.
    assert_eq!(installed(report), [upgrade("aa")]);
    let told = put_back(post.root.path()).expect("read").expect("there");
    assert_eq!(
        (told.from, told.to, told.run),
        (version("1"), version("2"), run(ONE))
    );
}

#[tokio::test(start_paused = true)]
async fn without_the_old_package_the_upgrade_goes_on_and_says_so() {
    let (machine, post) = machine();
    machine.world().archives = false;
    let report = upgraded(&daemon(&machine, &["2"]), &post).await;
    assert_eq!(outcome(&report), Some(OwnOutcome::NoWayBack));
    assert_eq!(machine.world().installed[&id("patchd")], version("2"));
    let record = std::fs::read_to_string(post.record(run(ONE))).expect("there");
    assert!(
        record.contains("no way back: the package of patchd 1"),
        "{record}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_old_daemon_that_does_not_come_back_either_is_told() {
    let (machine, post) = machine();
    let plan = plan_of(&["aa", "patchd"]);
    post.prepared(run(ONE), &plan).await;
    // It runs before, and no version does from the transaction on.
    let daemon = Flapping(daemon(&machine, &[]));
    let text = order(run(ONE), Phase::Apply, &plan);
    let Some(WorkerEvent::Done { report }) = post.events_with(&daemon, &text).await.pop() else {
        panic!("it reports")
    };
    assert_eq!(outcome(&report), Some(OwnOutcome::Failed));
}

/// As the daemon before the transaction, and started anew at each look after it.
struct Flapping(Daemon);

impl Runner for Flapping {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        let answer = self.0.ask(question);
        if self.0.machine.world().calls.is_empty() {
            return answer;
        }
        Box::pin(async move {
            let mut output = answer.await?;
            let failed = output.text().replace("active", "failed");
            output.stdout = failed.into();
            Ok(output)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_nobody_restarts_is_left_alone() {
    let (machine, post) = machine();
    let daemon = Daemon {
        restarts: false,
        ..daemon(&machine, &[])
    };
    let report = upgraded(&daemon, &post).await;
    assert_eq!(outcome(&report), Some(OwnOutcome::Kept));
    assert_eq!(machine.world().installed[&id("patchd")], version("2"));
}

#[tokio::test]
async fn where_no_daemon_runs_nobody_waits_for_one() {
    let (machine, post) = machine();
    let report = upgraded(&daemon(&machine, &["1"]), &post).await;
    assert_eq!(outcome(&report), None);
    assert_eq!(machine.world().calls, ["apply"]);
}
