//! What logind knows: who is logged in, and who asks that the machine stays up.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::command::{Command, Output, Runner};
use super::{SYSTEMCTL, SystemdError};

const BUSCTL: &str = "/usr/bin/busctl";
const LOGINCTL: &str = "/bin/loginctl";
const WALL: &str = "/usr/bin/wall";

/// A logind that does not answer for this long says nothing.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A thousand sessions are a tenth of it, bytes.
const OUTPUT_CAP: u64 = 4 << 20;

/// Somebody who asks for something not to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inhibitor {
    /// What is not to happen: `shutdown`, `sleep`, several with colons between.
    pub what: String,
    /// Who asks.
    pub who: String,
    /// For which reason.
    pub why: String,
    /// `block`, or `delay`: only a little later.
    pub mode: String,
}

/// One who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// The user's name.
    pub user: String,
    /// `user`, `greeter`, `background`, `manager`.
    pub class: String,
    /// `active`, `online`, `closing`.
    pub state: String,
}

impl Inhibitor {
    /// Whether it forbids a shutdown. A way to ask that we do not know counts
    /// as forbidding.
    #[must_use]
    pub fn blocks_shutdown(&self) -> bool {
        self.mode != "delay" && self.what.split(':').any(|what| what == "shutdown")
    }
}

impl Session {
    /// Whether a person sits there: neither a login screen, nor a job, nor
    /// somebody who is leaving.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.class.starts_with("user") && self.state != "closing"
    }
}

/// Everybody who asks for something not to happen.
pub async fn inhibitors(runner: &dyn Runner) -> Result<Vec<Inhibitor>, SystemdError> {
    parse_inhibitors(&text(&runner.ask(&ask("ListInhibitors")).await?)?)
}

/// Everybody who is logged in.
pub async fn sessions(runner: &dyn Runner) -> Result<Vec<Session>, SystemdError> {
    let ids = parse_session_ids(&text(&runner.ask(&ask("ListSessions")).await?)?)?;
    // Without an id loginctl would show its own.
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let question = Command::new(LOGINCTL)
        .args(["show-session", "--property=Id", "--property=Name"])
        .args(["--property=Class", "--property=State", "--"])
        .args(ids)
        .timeout(TIMEOUT)
        .output_cap(OUTPUT_CAP);
    parse_sessions(&text(&runner.ask(&question).await?)?)
}

/// Writes to every terminal. Whoever cannot be reached is not.
pub async fn wall(runner: &dyn Runner, words: &str) {
    let command = Command::new(WALL).arg(words).timeout(TIMEOUT);
    let _nobody_hears = runner.ask(&command).await;
}

/// Has the machine reboot, with all that systemd and logind do before it.
pub async fn reboot(runner: &dyn Runner) -> Result<(), SystemdError> {
    let command = Command::new(SYSTEMCTL).arg("reboot").timeout(TIMEOUT);
    text(&runner.ask(&command).await?).map(drop)
}

fn ask(method: &str) -> Command {
    let manager = "org.freedesktop.login1.Manager";
    Command::new(BUSCTL)
        .args(["call", "--json=short", "org.freedesktop.login1"])
        .args(["/org/freedesktop/login1", manager, method])
        .timeout(TIMEOUT)
        .output_cap(OUTPUT_CAP)
}

fn text(output: &Output) -> Result<String, SystemdError> {
    if output.status == 0 {
        return Ok(output.text());
    }
    Err(SystemdError::Refused {
        words: output.last_words(),
    })
}

/// The answer of one call: what it returns is always one list.
#[derive(Debug, Deserialize)]
struct Answer<T> {
    data: (Vec<T>,),
}

fn list<T: DeserializeOwned>(json: &str) -> Result<Vec<T>, SystemdError> {
    let answer: Result<Answer<T>, _> = serde_json::from_str(json);
    answer
        .map(|answer| answer.data.0)
        .map_err(|_| unreadable(json))
}

/// Reads what `busctl --json=short` says of `ListInhibitors`.
pub fn parse_inhibitors(json: &str) -> Result<Vec<Inhibitor>, SystemdError> {
    let listed: Vec<(String, String, String, String, u32, u32)> = list(json)?;
    let inhibitor = |(what, who, why, mode, _, _)| Inhibitor {
        what,
        who,
        why,
        mode,
    };
    Ok(listed.into_iter().map(inhibitor).collect())
}

/// Reads what `busctl --json=short` says of `ListSessions`.
pub fn parse_session_ids(json: &str) -> Result<Vec<String>, SystemdError> {
    let listed: Vec<(String, u32, String, String, String)> = list(json)?;
    Ok(listed.into_iter().map(|(id, ..)| id).collect())
}

/// Reads the stanzas of `loginctl show-session`.
pub fn parse_sessions(text: &str) -> Result<Vec<Session>, SystemdError> {
    let stanzas = text.split("\n\n").filter(|it| !it.trim().is_empty());
    let session = |stanza: &str| {
        let value = |key: &str| {
            let mut pairs = stanza.lines().filter_map(|line| line.split_once('='));
            let found = pairs.find(|(name, _)| *name == key);
            found
                .map(|(_, value)| value.to_owned())
                .ok_or_else(|| unreadable(stanza))
        };
        Ok(Session {
            id: value("Id")?,
            user: value("Name")?,
            class: value("Class")?,
            state: value("State")?,
        })
    };
    stanzas.map(session).collect()
}

fn unreadable(text: &str) -> SystemdError {
    SystemdError::Unreadable {
        line: text.chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_a_delay_forbids_a_shutdown() {
        let json = r#"{"type":"a(ssssuu)","data":[[["shutdown","Unattended Upgrades Shutdown","Stop ongoing upgrades","delay",0,55],["sleep","a","b","block",0,1],["shutdown:idle","backup","at work","block",0,2],["shutdown","x","y","block-weak",0,3]]]}"#;
        let all = parse_inhibitors(json).expect("a real answer");
        let blocks: Vec<&str> = all
            .iter()
            .filter(|it| it.blocks_shutdown())
            .map(|it| it.who.as_str())
            .collect();
        assert_eq!(blocks, ["backup", "x"]);
    }

    #[test]
    fn nobody_is_an_answer_and_nonsense_is_none() {
        assert_eq!(
            parse_inhibitors(r#"{"type":"a(ssssuu)","data":[[]]}"#).ok(),
            Some(vec![])
        );
        assert_eq!(
            parse_session_ids(r#"{"type":"a(susso)","data":[[]]}"#).ok(),
            Some(vec![])
        );
        for text in [
            "",
            "{}",
            r#"{"data":[]}"#,
            r#"{"data":[[["shutdown"]]]}"#,
            "[]",
        ] {
            assert!(parse_inhibitors(text).is_err(), "{text}");
            assert!(parse_session_ids(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_person_is_told_from_a_login_screen_and_a_job() {
        let text = "Id=3\nName=alice\nClass=user\nState=active\n\n\
                    Name=root\nId=4\nClass=user\nState=closing\n\n\
                    Id=c1\nName=gdm\nClass=greeter\nState=online\n\n\
                    Id=9\nName=bob\nClass=manager\nState=active\n\n\
                    Id=7\nName=bob\nClass=background\nState=active\n";
        let all = parse_sessions(text).expect("read");
        let people: Vec<&str> = all
            .iter()
            .filter(|it| it.is_person())
            .map(|it| it.user.as_str())
            .collect();
        assert_eq!(people, ["alice"]);
        assert!(parse_sessions("Id=3\nName=alice\n").is_err());
        assert_eq!(parse_sessions("\n").ok(), Some(vec![]));
    }
}
