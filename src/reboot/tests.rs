use std::cell::Cell;

use jiff::SignedDuration;

use super::*;
use crate::os::command::{Answer, Command, CommandError, Output};

/// A logind that gives its answers to who forbids a shutdown in turn, the last
/// one for ever, and knows nobody who is logged in.
struct Logind {
    inhibitors: Vec<(i32, &'static str)>,
    asked: Cell<usize>,
    walls: Cell<usize>,
}

const NOBODY: (i32, &str) = (0, r#"{"type":"a(ssssuu)","data":[[]]}"#);
const BACKUP: (i32, &str) = (
    0,
    r#"{"type":"a(ssssuu)","data":[[["shutdown","backup","at work","block",0,7]]]}"#,
);
const SILENT: (i32, &str) = (1, "");

impl Logind {
    fn new(inhibitors: &[(i32, &'static str)]) -> Self {
        Self {
            inhibitors: inhibitors.to_vec(),
            asked: Cell::new(0),
            walls: Cell::new(0),
        }
    }
}

impl Runner for Logind {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        let argv = question.argv().join(" ");
        let (status, text) = if argv.ends_with("ListInhibitors") {
            let turn = self.asked.get();
            self.asked.set(turn + 1);
            let last = self.inhibitors.len() - 1;
            self.inhibitors[turn.min(last)]
        } else if argv.ends_with("ListSessions") {
            (0, r#"{"type":"a(susso)","data":[[]]}"#)
        } else {
            assert!(argv.contains("wall"), "{argv}");
            self.walls.set(self.walls.get() + 1);
            (0, "")
        };
        let output = Output {
            status,
            stdout: text.into(),
            stderr: Vec::new(),
        };
        Box::pin(std::future::ready(Ok(output)))
    }
}

async fn asked(logind: &Logind, minutes: i64) -> (Result<(), String>, Vec<String>) {
    let until = clock::now() + SignedDuration::from_mins(minutes);
    let mut waited_for = Vec::new();
    let mut waiting = |who| {
        waited_for.push(who);
        waited_for.len() < 2000
    };
    let answer = ask_everybody(logind, until, &mut waiting).await;
    (answer, waited_for)
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_nobody_needs_goes_down_without_a_word() {
    let logind = Logind::new(&[NOBODY]);
    assert_eq!(asked(&logind, 60).await, (Ok(()), vec![]));
    assert_eq!(logind.walls.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_forbids_it_is_waited_for_and_told_once() {
    let logind = Logind::new(&[BACKUP, BACKUP, NOBODY]);
    let (answer, waited_for) = asked(&logind, 60).await;
    assert_eq!((answer, waited_for.len()), (Ok(()), 2));
    assert_eq!(logind.walls.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_on_forbidding_it_keeps_the_machine_up() {
    let (answer, waited_for) = asked(&Logind::new(&[BACKUP]), 600).await;
    let why = answer.expect_err("it stays up");
    assert!(why.contains("backup forbids it (at work)"), "{why}");
    let bound = PATIENCE.as_secs() / LOOK.as_secs();
    assert_eq!(waited_for.len() as u64, bound);
}

#[tokio::test(start_paused = true)]
async fn a_logind_that_says_nothing_keeps_the_machine_up() {
    let (answer, _) = asked(&Logind::new(&[SILENT]), 600).await;
    assert!(answer.is_err_and(|why| why.contains("cannot tell")));
    let (answer, waited_for) = asked(&Logind::new(&[SILENT, NOBODY]), 600).await;
    assert_eq!((answer, waited_for.len()), (Ok(()), 1));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_over_waits_for_nobody() {
    let (answer, waited_for) = asked(&Logind::new(&[BACKUP]), -1).await;
    assert!(answer.is_err() && waited_for.is_empty());
}
