//! A shutdown that comes while an order is carried out.

use super::post::Bare;
use super::*;
use crate::os::command::{Answer, Command, CommandError, Companion, Output, Runner};
use crate::os::signals::Noted;

/// SIGTERM comes when the shutdown's lock is asked for, as the last thing
/// before the transaction, or while it runs.
struct Shutdown<'a> {
    noted: &'a Noted,
}

impl Runner for Shutdown<'_> {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        Bare.ask(question)
    }

    fn accompany<'a>(&'a self, _: &'a Command) -> Answer<'a, Result<Companion, CommandError>> {
        self.noted.ask();
        let lost = CommandError::Lost {
            program: "systemd-inhibit".to_owned(),
            cause: std::io::ErrorKind::BrokenPipe.into(),
        };
        Box::pin(std::future::ready(Err(lost)))
    }
}

#[tokio::test]
async fn asked_to_stop_it_begins_nothing_further() {
    let machine = Fake::with_updates(&["aa"]);
    let post = Post::on(&machine);
    let plan = plan_of(&["aa"]);
    post.prepared(run(ONE), &plan).await;
    let shutdown = Shutdown { noted: &post.noted };
    let events = post
        .events_with(&shutdown, &order(run(ONE), Phase::Apply, &plan))
        .await;
    let stopping = WorkerEvent::Refused {
        refusal: Refusal::Stopping,
    };
    assert_eq!(events.last(), Some(&stopping));
    assert_eq!(machine.world().calls, Vec::<&str>::new());
    for phase in [Phase::Repair, Phase::Refresh] {
        let refusal = post.refuses(run(ONE), phase, &none()).await;
        assert_eq!(refusal, Refusal::Stopping);
    }
}

#[tokio::test]
async fn what_runs_in_a_shutdown_ends_and_nobody_is_blamed() {
    let machine = Fake::with_updates(&["aa", "bb"]);
    let post = Post::on(&machine);
    let plan = plan_of(&["aa", "bb"]);
    post.prepared(run(ONE), &plan).await;
    machine.world().failing.insert(name("aa"));
    machine.world().stops = Some(post.noted.clone());
    let Report::Apply {
        failure: Some(failure),
        ..
    } = post.does(run(ONE), Phase::Apply, &plan).await
    else {
        panic!("it failed")
    };
    assert!(
        failure.summary.starts_with("interrupted by shutdown"),
        "{failure:?}"
    );
    assert_eq!(failure.culprits, []);
    let told = post.lines(run(ONE)).into_iter().any(|line| match line {
        Line::Event { event, .. } => matches!(&*event, WorkerEvent::Note { sentence } if sentence.contains("interrupted by shutdown")),
        _ => false,
    });
    assert!(told);
}

/// systemd says that the machine is going down.
struct GoingDown;

impl Runner for GoingDown {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        if !question.argv().contains(&"is-system-running") {
            return Bare.ask(question);
        }
        let output = Output {
            status: 1,
            stdout: b"stopping\n".to_vec(),
            stderr: Vec::new(),
        };
        Box::pin(std::future::ready(Ok(output)))
    }
}

#[tokio::test]
async fn what_a_shutdown_stops_is_not_broken() {
    let machine = Fake::with_updates(&["aa"]);
    let post = Post::on(&machine);
    let plan = plan_of(&["aa"]);
    post.prepared(run(ONE), &plan).await;
    post.does(run(ONE), Phase::Apply, &plan).await;
    let verify = order(run(ONE), Phase::Verify, &none());
    let stopping = WorkerEvent::Refused {
        refusal: Refusal::Stopping,
    };
    let events = post.events_with(&GoingDown, &verify).await;
    assert_eq!(events.last(), Some(&stopping));
    let open = Record::find_open(post.root.path()).expect("read");
    assert_eq!(open, Some(run(ONE)));
}
