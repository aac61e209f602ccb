//! What decides whether and in which order services can be restarted, and
//! restarting them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::command::{Command, Output, Runner};
use super::{ActiveState, OUTPUT_CAP, SYSTEMCTL, SystemdError, TIMEOUT, answer};

const PROPERTIES: &str = "--property=Id,LoadState,ActiveState,SubState,Type,Result,Transient,\
RefuseManualStart,RefuseManualStop,TriggeredBy,After";

/// How often a manager that re-executes itself is asked whether it is back.
const LOOK: Duration = Duration::from_millis(100);

/// One loaded service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The coarse state.
    pub active: ActiveState,
    /// The fine state.
    pub sub: String,
    /// How it ended last.
    pub result: String,
    /// `Type=`.
    pub kind: String,
    /// It was made by a program, not by a file that stays.
    pub transient: bool,
    /// Its owner forbids to stop or start it by hand.
    pub refuses: bool,
    /// Sockets, timers and paths that start it.
    pub triggered_by: Vec<String>,
    /// What it is started after.
    pub after: Vec<String>,
}

/// These services as they stand, by name; one that systemd does not know is not
/// among them.
pub async fn standings(
    runner: &dyn Runner,
    units: &[&str],
) -> Result<BTreeMap<String, Standing>, SystemdError> {
    // Without a name systemctl would show the manager itself.
    if units.is_empty() {
        return Ok(BTreeMap::new());
    }
    parse_standings(&answer(runner, &question(units)).await?)
}

fn question(units: &[&str]) -> Command {
    Command::new(SYSTEMCTL)
        .args(["show", PROPERTIES, "--"])
        .args(units.iter().copied())
        .timeout(TIMEOUT)
        .output_cap(OUTPUT_CAP)
}

/// Reads the stanzas that `systemctl show` answers to [`standings`].
pub fn parse_standings(text: &str) -> Result<BTreeMap<String, Standing>, SystemdError> {
    let mut all = BTreeMap::new();
    for stanza in text.split("\n\n") {
        let mut values = BTreeMap::new();
        for line in stanza.lines().filter(|line| !line.is_empty()) {
            let (key, value) = line.split_once('=').ok_or_else(|| unreadable(line))?;
            values.insert(key, value);
        }
        let value = |key: &str| values.get(key).copied().unwrap_or_default();
        if values.is_empty() || value("LoadState") == "not-found" {
            continue;
        }
        let id = value("Id");
        if id.is_empty() || value("ActiveState").is_empty() {
            return Err(unreadable(stanza));
        }
        let words = |key: &str| value(key).split(' ').filter(|word| !word.is_empty());
        let standing = Standing {
            active: ActiveState::parse(value("ActiveState")),
            sub: value("SubState").to_owned(),
            result: value("Result").to_owned(),
            kind: value("Type").to_owned(),
            transient: value("Transient") == "yes",
            refuses: value("RefuseManualStop") == "yes" || value("RefuseManualStart") == "yes",
            triggered_by: words("TriggeredBy").map(str::to_owned).collect(),
            after: words("After").map(str::to_owned).collect(),
        };
        all.insert(id.to_owned(), standing);
    }
    Ok(all)
}

/// Restarts a service, and waits until it is up or has failed.
pub async fn restart(
    runner: &dyn Runner,
    unit: &str,
    timeout: Duration,
) -> Result<(), SystemdError> {
    let command = Command::new(SYSTEMCTL)
        .args(["restart", "--", unit])
        .timeout(timeout);
    answered(&runner.ask(&command).await?)
}

/// Has PID 1 start anew as what lies on disk, with all that it knows, and waits
/// until it answers again.
pub async fn reexecute(runner: &dyn Runner) -> Result<(), SystemdError> {
    let command = Command::new(SYSTEMCTL)
        .arg("daemon-reexec")
        .timeout(TIMEOUT);
    answered(&runner.ask(&command).await?)?;
    let question = Command::new(SYSTEMCTL).args(["show", "--property=Version"]);
    let until = tokio::time::Instant::now() + TIMEOUT;
    loop {
        let answer = runner.ask(&question).await.map_err(SystemdError::from);
        match answer.and_then(|output| answered(&output)) {
            Err(_) if tokio::time::Instant::now() < until => tokio::time::sleep(LOOK).await,
            answer => return answer,
        }
    }
}

fn answered(output: &Output) -> Result<(), SystemdError> {
    if output.status == 0 {
        return Ok(());
    }
    Err(SystemdError::Refused {
        words: output.last_words(),
    })
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

    #[test]
    fn what_systemd_knows_is_read_and_what_it_does_not_know_is_left_out() {
        let text = "Type=forking\nAfter=network.target  basic.target\nTriggeredBy=\nId=a.service\n\
                    LoadState=loaded\nActiveState=active\nSubState=running\nTransient=no\n\
                    RefuseManualStop=yes\n\n\
                    Id=gone.service\nLoadState=not-found\nActiveState=inactive\n";
        let all = parse_standings(text).expect("read");
        assert_eq!(all.len(), 1);
        let standing = &all["a.service"];
        assert!(standing.active.is_up() && standing.refuses && !standing.transient);
        assert_eq!(standing.after, ["network.target", "basic.target"]);
        assert_eq!(standing.triggered_by, Vec::<String>::new());
        for text in ["nonsense", "Id=a.service\n", "ActiveState=active\n"] {
            assert!(parse_standings(text).is_err(), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_manager_is_back_once_it_answers() {
        let reexec = Command::new(SYSTEMCTL).arg("daemon-reexec");
        let back = Command::new(SYSTEMCTL).args(["show", "--property=Version"]);
        let runner = Replay::new()
            .answer(&reexec, 0, "", "")
            .answer(&back, 1, "", "Failed to connect to bus")
            .answer(&back, 0, "Version=252\n", "");
        reexecute(&runner).await.expect("it came back");
    }

    #[tokio::test]
    async fn about_no_unit_nothing_is_asked() {
        let none = standings(&Replay::new(), &[]).await.expect("nothing");
        assert!(none.is_empty());
    }
}
