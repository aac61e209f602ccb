use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::os::command::{Answer, Command, CommandError, Output};
use tempfile::TempDir;

const TIMER: &str = "apt-daily-upgrade.timer";

/// A machine with unattended-upgrades, and a systemd that does as it is told.
struct Machine {
    root: TempDir,
    /// State and whether it is up.
    units: RefCell<BTreeMap<String, (&'static str, bool)>>,
    /// Behind so many acts nothing answers any more.
    dies_at: RefCell<Option<usize>>,
    acts: RefCell<Vec<String>>,
    unmaskable: bool,
}

impl Machine {
    fn usual() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        for folder in ["run/systemd/system", "usr/bin"] {
            std::fs::create_dir_all(root.path().join(folder)).expect("made");
        }
        let program = root.path().join("usr/bin/unattended-upgrade");
        crate::os::files::replace(&program, b"", 0o755).expect("written");
        Self {
            root,
            units: RefCell::new([(TIMER.to_owned(), ("enabled", true))].into()),
            dies_at: RefCell::new(None),
            acts: RefCell::default(),
            unmaskable: false,
        }
    }

    fn record(&self) -> PathBuf {
        self.root.path().join("takeover.json")
    }

    fn is(&self, unit: &str) -> (&'static str, bool) {
        self.units
            .borrow()
            .get(unit)
            .copied()
            .unwrap_or(("", false))
    }

    fn set(&self, unit: &str, state: (&'static str, bool)) {
        self.units.borrow_mut().insert(unit.to_owned(), state);
    }

    async fn take_over(&self) -> Result<Handover, TakeoverError> {
        let now = Timestamp::UNIX_EPOCH;
        super::take_over(self, self.root.path(), &self.record(), now).await
    }

    async fn give_back(&self) -> Result<Handover, TakeoverError> {
        super::give_back(self, &self.record()).await
    }

    fn show(&self, unit: &str) -> String {
        let (state, up) = self.is(unit);
        let active = if up { "active" } else { "inactive" };
        format!("UnitFileState={state}\nActiveState={active}\n")
    }

    fn answer(&self, argv: &[&str]) -> Option<String> {
        let unit = *argv.last()?;
        let (state, up) = self.is(unit);
        match *argv.get(1)? {
            "shell" => return Some("PERIODIC='1'\n".to_owned()),
            "show" => {
                let units = argv.iter().skip_while(|word| **word != "--").skip(1);
                let shown: Vec<String> = units.map(|unit| self.show(unit)).collect();
                return Some(shown.join("\n"));
            }
            _ => {}
        }
        self.acts.borrow_mut().push(argv[1..].join(" "));
        match argv[1] {
            "mask" if self.unmaskable => return None,
            "mask" => self.set(unit, ("masked", up)),
            "unmask" => self.set(unit, ("enabled", up)),
            "stop" => self.set(unit, (state, false)),
            "start" => self.set(unit, (state, true)),
            other => panic!("{other}"),
        }
        Some(String::new())
    }
}

impl Runner for Machine {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        let answer = self.answer(&question.argv());
        if *self.dies_at.borrow() == Some(self.acts.borrow().len()) {
            return Box::pin(std::future::pending());
        }
        let output = Output {
            status: i32::from(answer.is_none()),
            stdout: answer.unwrap_or_default().into(),
            stderr: b"Failed: no\n".to_vec(),
        };
        Box::pin(std::future::ready(Ok(output)))
    }
}

#[tokio::test]
async fn a_rival_is_masked_and_given_back_as_it_was() {
    let machine = Machine::usual();
    let taken = machine.take_over().await.expect("taken");
    assert_eq!(taken.done, [TIMER]);
    assert_eq!(machine.is(TIMER), ("masked", false));
    assert!(machine.record().exists());

    let given = machine.give_back().await.expect("given back");
    assert_eq!((given.done, given.left), (vec![TIMER.to_owned()], vec![]));
    assert_eq!(machine.is(TIMER), ("enabled", true));
    assert!(!machine.record().exists());
}

#[tokio::test]
async fn a_second_time_changes_nothing() {
    let machine = Machine::usual();
    machine.take_over().await.expect("taken");
    let acts = machine.acts.borrow().len();
    let again = machine.take_over().await.expect("taken");
    assert_eq!(again.done, [TIMER]);
    assert_eq!(machine.acts.borrow().len(), acts);
    let record = Record::read(&machine.record())
        .expect("read")
        .expect("there");
    assert_eq!(record.units[0].state, "enabled");
    machine.give_back().await.expect("given back");
    assert_eq!(
        machine.give_back().await.expect("nothing"),
        Handover::default()
    );
}

/// Loses its power behind that act.
async fn cut_short<T>(machine: &Machine, act: usize, work: impl Future<Output = T>) {
    machine.acts.borrow_mut().clear();
    machine.dies_at.replace(Some(act));
    let ended = tokio::time::timeout(Duration::from_mins(1), work).await;
    assert!(ended.is_err(), "it has fewer than {act} acts");
    machine.dies_at.replace(None);
}

#[tokio::test(start_paused = true)]
async fn a_crash_behind_any_act_can_be_repeated_and_undone() {
    for act in 1..=2 {
        let machine = Machine::usual();
        cut_short(&machine, act, machine.take_over()).await;
        assert!(machine.record().exists());
        machine.take_over().await.expect("taken");
        assert_eq!(machine.is(TIMER), ("masked", false), "{act}");

        cut_short(&machine, act, machine.give_back()).await;
        assert!(machine.record().exists());
        machine.give_back().await.expect("given back");
        assert_eq!(machine.is(TIMER), ("enabled", true), "{act}");
        assert!(!machine.record().exists());
    }
}

#[tokio::test]
async fn what_the_admin_changed_meanwhile_is_left_and_told() {
    let machine = Machine::usual();
    machine.take_over().await.expect("taken");
    machine.set(TIMER, ("disabled", false));
    let given = machine.give_back().await.expect("looked at");
    assert_eq!(given.done, Vec::<String>::new());
    assert!(given.left[0].contains("is disabled now"), "{given:?}");
    assert_eq!(machine.is(TIMER), ("disabled", false));
    assert!(!machine.record().exists());
}

#[tokio::test]
async fn what_cannot_be_masked_is_told_and_left_running() {
    let machine = Machine {
        unmaskable: true,
        ..Machine::usual()
    };
    let taken = machine.take_over().await.expect("told");
    assert!(
        taken.done.is_empty() && taken.left[0].contains(TIMER),
        "{taken:?}"
    );
    assert_eq!(machine.is(TIMER), ("enabled", true));
    assert!(!machine.record().exists());
}

#[tokio::test]
async fn without_a_readable_record_no_unit_is_touched() {
    let machine = Machine::usual();
    crate::os::files::replace(&machine.record(), b"garbage", 0o640).expect("written");
    assert!(machine.take_over().await.is_err());
    assert!(machine.give_back().await.is_err());
    assert_eq!(machine.is(TIMER), ("enabled", true));
}
