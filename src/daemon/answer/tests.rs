//! Questions to a fake machine.

use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::*;
use crate::config::Settings;
use crate::control::document::{Check, Explanation, History, RunDocument, Schedules, Status};
use crate::cycle::{Mandate, State};
use crate::daemon::parts::Paths;
use crate::model::{BootId, Host, PackageName, RunId, SkipReason};
use crate::package_manager::fake::Fake;
use crate::state::{NewRun, Skip};

struct Bench {
    parts: Parts<Fake>,
    _folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let parts = Parts {
            at_rest: false,
            package_manager: Fake::with_updates(&["aa", "bb"]),
            settings: Settings::default(),
            host: Host {
                name: "bench".to_owned(),
                machine_id: None,
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
            parts,
            _folder: folder,
        }
    }

    /// The document, which is read as it was written.
    async fn ask<T: DeserializeOwned + Serialize>(&self, question: Question) -> T {
        let told = answer(&self.view(Answerer::Daemon), &question)
            .await
            .expect("answered");
        let document: T = serde_json::from_value(told.clone()).expect("its shape");
        assert_eq!(serde_json::to_value(&document).expect("JSON"), told);
        document
    }

    fn view(&self, answerer: Answerer) -> View<'_, Fake> {
        View {
            parts: &self.parts,
            answerer,
            config_fault: None,
        }
    }

    fn open_run(&self) -> RunId {
        let run = NewRun {
            id: RunId::new(1, 1),
            opened_at: Timestamp::UNIX_EPOCH,
            origin: "now".to_owned(),
            asked_by: "somebody".to_owned(),
            policy: "default".to_owned(),
            asked: Vec::new(),
            machine_id: None,
            boot_id: BootId("boot".to_owned()),
            closes_at: None,
        };
        let mut ledger = Ledger::open(&self.parts.paths.ledger()).expect("opened");
        let state = State::opened(Mandate::default(), run.opened_at);
        ledger.open_run(&run, &state).expect("written");
        run.id
    }
}

fn name(text: &str) -> PackageName {
    PackageName::try_from(text.to_owned()).expect("a name")
}

#[tokio::test]
async fn check_tells_each_update_and_its_decision() {
    let bench = Bench::new();
    let check: Check = bench.ask(Question::Check { policy: None }).await;
    let told: Vec<(&str, &str)> = check
        .updates
        .iter()
        .map(|it| (it.package.as_str(), it.decision.as_str()))
        .collect();
    assert_eq!(told, [("aa", "install"), ("bb", "install")]);
    assert_eq!(check.exit_code(), ExitCode::Success);
}

#[tokio::test]
async fn explain_tells_of_one_package_and_refuses_what_is_not_installed() {
    let bench = Bench::new();
    let explain = |package| Question::Explain {
        package: name(package),
        policy: None,
    };
    let told: Explanation = bench.ask(explain("aa")).await;
    assert_eq!((told.updates.len(), told.installed.len()), (1, 1));
    let unknown = answer(&bench.view(Answerer::Owner), &explain("zz")).await;
    let error = unknown.expect_err("not installed");
    assert_eq!(error.exit_code(), ExitCode::Failed);
}

#[tokio::test]
async fn a_run_that_nobody_drives_was_interrupted() {
    let bench = Bench::new();
    let before: Status = bench.ask(Question::Status).await;
    assert_eq!(before.state, "never-run");
    assert_eq!(before.next.expect("nightly").schedule, "nightly");
    let run = bench.open_run();
    let after: Status = bench.ask(Question::Status).await;
    assert_eq!(after.state, "interrupted");
    let last = after.last_run.expect("there");
    assert_eq!(
        (last.id, last.stage.as_deref()),
        (run.to_string(), Some("repairing"))
    );
}

#[tokio::test]
async fn history_tells_all_runs_and_skips_and_each_run_in_full() {
    let bench = Bench::new();
    let none: History = bench.ask(Question::History { count: None }).await;
    assert!(none.runs.is_empty() && none.skips.is_empty());
    let run = bench.open_run();
    let mut ledger = Ledger::open(&bench.parts.paths.ledger()).expect("opened");
    let skip = Skip {
        at: Timestamp::UNIX_EPOCH,
        schedule: "nightly".to_owned(),
        reason: SkipReason::Frozen,
        sentence: "year's end".to_owned(),
    };
    ledger.skip(&skip).expect("kept");
    let all: History = bench.ask(Question::History { count: None }).await;
    assert_eq!(all.runs.len(), 1);
    let [skipped] = all.skips.as_slice() else {
        panic!("one skip");
    };
    assert_eq!(
        (&*skipped.at, &*skipped.reason),
        ("1970-01-01T00:00:00Z", "frozen")
    );
    let one: RunDocument = bench.ask(Question::Run { run }).await;
    assert_eq!((&one.run, one.phases.len()), (&all.runs[0], 1));
    let question = Question::Run {
        run: RunId::new(2, 2),
    };
    let unknown = answer(&bench.view(Answerer::Owner), &question).await;
    assert!(matches!(unknown, Err(ControlError::NoSuchRun { .. })));
}

#[tokio::test]
async fn without_the_ledger_only_what_needs_none_is_answered() {
    let bench = Bench::new();
    let view = bench.view(Answerer::Anybody);
    for question in [Question::Status, Question::History { count: None }] {
        let error = answer(&view, &question).await.expect_err("refused");
        assert_eq!(error.exit_code(), ExitCode::NotPermitted, "{question:?}");
    }
    assert!(
        answer(&view, &Question::Check { policy: None })
            .await
            .is_ok()
    );
    assert!(!bench.parts.paths.ledger().exists());
}

#[tokio::test]
async fn an_answer_holds_a_thousand_windows_at_most() {
    let bench = Bench::new();
    let question = Question::Schedule {
        name: None,
        from: Some(Timestamp::UNIX_EPOCH),
        count: Some(1000),
    };
    let told: Schedules = bench.ask(question).await;
    let [nightly] = told.schedules.as_slice() else {
        panic!("one schedule");
    };
    assert_eq!(nightly.windows.len(), 1000);
}
