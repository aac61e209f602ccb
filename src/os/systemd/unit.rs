//! One unit at a time: whether a service came up, whether a unit is switched
//! on, and switching it off and on again.

use std::collections::BTreeMap;

use super::super::command::{Command, Runner};
use super::{ActiveState, SYSTEMCTL, SystemdError, TIMEOUT, answer};

/// How a service stands. With `Type=notify` it is active only once it has said
/// that it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The coarse state.
    pub active: ActiveState,
    /// When its main process was started, microseconds after boot; 0 for never.
    pub started: u64,
    /// How often systemd restarted it by itself.
    pub restarts: u32,
}

/// How a unit is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFile {
    /// systemd's word: `enabled`, `disabled`, `static`, `masked`; empty when
    /// there is no such unit.
    pub state: String,
    /// The coarse state.
    pub active: ActiveState,
}

impl UnitFile {
    /// Whether the unit can never start.
    #[must_use]
    pub fn is_masked(&self) -> bool {
        self.state.starts_with("masked")
    }

    /// Whether there is such a unit at all.
    #[must_use]
    pub fn exists(&self) -> bool {
        !self.state.is_empty()
    }
}

/// How one service stands.
pub async fn service(runner: &dyn Runner, unit: &str) -> Result<Service, SystemdError> {
    let properties = "ActiveState,ExecMainStartTimestampMonotonic,NRestarts";
    let values = only(show(runner, &[unit], properties).await?)?;
    Ok(Service {
        active: ActiveState::parse(value(&values, "ActiveState")?),
        started: number(value(&values, "ExecMainStartTimestampMonotonic")?)?,
        restarts: number(value(&values, "NRestarts")?)?,
    })
}

/// How one unit is installed.
pub async fn unit_file(runner: &dyn Runner, unit: &str) -> Result<UnitFile, SystemdError> {
    only(unit_files(runner, &[unit]).await?)
}

/// How each of these units is installed, in one question.
pub async fn unit_files(
    runner: &dyn Runner,
    units: &[&str],
) -> Result<Vec<UnitFile>, SystemdError> {
    let answers = show(runner, units, "ActiveState,UnitFileState").await?;
    let file = |values: &Values| {
        Ok(UnitFile {
            state: value(values, "UnitFileState")?.to_owned(),
            active: ActiveState::parse(value(values, "ActiveState")?),
        })
    };
    answers.iter().map(file).collect()
}

/// Keeps a unit from ever starting, which an upgrade of its package does not
/// undo. It is not stopped.
pub async fn mask(runner: &dyn Runner, unit: &str) -> Result<(), SystemdError> {
    act(runner, "mask", unit).await
}

/// Undoes [`mask`].
pub async fn unmask(runner: &dyn Runner, unit: &str) -> Result<(), SystemdError> {
    act(runner, "unmask", unit).await
}

/// Stops a unit.
pub async fn stop(runner: &dyn Runner, unit: &str) -> Result<(), SystemdError> {
    act(runner, "stop", unit).await
}

/// Starts a unit.
pub async fn start(runner: &dyn Runner, unit: &str) -> Result<(), SystemdError> {
    act(runner, "start", unit).await
}

async fn act(runner: &dyn Runner, verb: &str, unit: &str) -> Result<(), SystemdError> {
    let command = Command::new(SYSTEMCTL)
        .args([verb, "--", unit])
        .timeout(TIMEOUT);
    let output = runner.ask(&command).await?;
    if output.status == 0 {
        return Ok(());
    }
    Err(SystemdError::Refused {
        words: output.last_words(),
    })
}

type Values = BTreeMap<String, String>;

/// One stanza a unit, in the order in which they are named.
async fn show(
    runner: &dyn Runner,
    units: &[&str],
    properties: &str,
) -> Result<Vec<Values>, SystemdError> {
    let question = Command::new(SYSTEMCTL)
        .args(["show", &format!("--property={properties}"), "--"])
        .args(units.iter().copied())
        .timeout(TIMEOUT);
    let text = answer(runner, &question).await?;
    let answers: Vec<Values> = text.split("\n\n").map(stanza).collect::<Result<_, _>>()?;
    if answers.len() == units.len() {
        return Ok(answers);
    }
    Err(unreadable("more or fewer units than were named"))
}

fn only<T>(mut answers: Vec<T>) -> Result<T, SystemdError> {
    answers.pop().ok_or_else(|| unreadable("nothing"))
}

fn stanza(text: &str) -> Result<Values, SystemdError> {
    let pairs = text.lines().map(|line| {
        let (key, value) = line.split_once('=').ok_or_else(|| unreadable(line))?;
        Ok((key.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

fn value<'a>(values: &'a Values, key: &str) -> Result<&'a str, SystemdError> {
    values
        .get(key)
        .map(String::as_str)
        .ok_or_else(|| unreadable(key))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, SystemdError> {
    text.parse().map_err(|_| unreadable(text))
}

fn unreadable(line: &str) -> SystemdError {
    SystemdError::Unreadable {
        line: line.chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::command::replay::Replay;
    use super::*;

    fn question(properties: &str) -> Command {
        Command::new(SYSTEMCTL).args([
            "show",
            &format!("--property={properties}"),
            "--",
            "a.service",
        ])
    }

    #[tokio::test]
    async fn a_service_that_is_ready_and_one_that_is_not_there_are_told_apart() {
        let asked = question("ActiveState,ExecMainStartTimestampMonotonic,NRestarts");
        let runner = Replay::new()
            .answer(
                &asked,
                0,
                "NRestarts=2\nExecMainStartTimestampMonotonic=41\nActiveState=active\n",
                "",
            )
            .answer(
                &asked,
                0,
                "NRestarts=0\nExecMainStartTimestampMonotonic=0\nActiveState=inactive\n",
                "",
            );
        let ready = service(&runner, "a.service").await.expect("read");
        assert_eq!(
            (ready.active, ready.started, ready.restarts),
            (ActiveState::Active, 41, 2)
        );
        let absent = service(&runner, "a.service").await.expect("read");
        assert_eq!((absent.active, absent.started), (ActiveState::Inactive, 0));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error() {
        let asked = question("ActiveState,UnitFileState");
        let twice = "ActiveState=active\nUnitFileState=\n\nActiveState=active\nUnitFileState=\n";
        for answer in ["", "nonsense\n", "ActiveState=active\n", twice] {
            let runner = Replay::new().answer(&asked, 0, answer, "");
            assert!(unit_file(&runner, "a.service").await.is_err(), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn several_units_are_one_question() {
        let asked = question("ActiveState,UnitFileState").arg("b.timer");
        let answer =
            "UnitFileState=masked\nActiveState=inactive\n\nUnitFileState=\nActiveState=active\n";
        let runner = Replay::new().answer(&asked, 0, answer, "");
        let units = ["a.service", "b.timer"];
        let files = unit_files(&runner, &units).await.expect("read");
        let facts = files
            .iter()
            .map(|it| (it.is_masked(), it.exists(), it.active.is_up()));
        assert_eq!(
            facts.collect::<Vec<_>>(),
            [(true, true, false), (false, false, true)]
        );
    }
}
