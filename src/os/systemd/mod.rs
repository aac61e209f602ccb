//! What systemd says about the units of this machine, in its machine format
//! (`systemctl show`: stanzas of `Key=value`, one a unit).

mod logind;
mod relations;
mod show;
mod standing;
mod unit;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use logind::{
    Inhibitor, Session, inhibitors, parse_inhibitors, parse_session_ids, parse_sessions, reboot,
    sessions, wall,
};
pub use relations::{Relation, Relations, relations};
pub use show::parse_show;
pub use standing::{Standing, parse_standings, reexecute, restart, standings};
pub use unit::{Service, UnitFile, mask, service, start, stop, unit_file, unit_files, unmask};

use super::command::{Command, CommandError, Output, Runner};

/// Below `/bin` it is found on merged and on split `/usr` alike.
const SYSTEMCTL: &str = "/bin/systemctl";

/// A manager that does not answer a listing for this long is itself a finding.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A boot that takes longer hangs; what is up by then is looked at.
const BOOT: Duration = Duration::from_mins(5);

/// A machine with 10 000 units answers about 3 MB.
const OUTPUT_CAP: u64 = 16 << 20;

/// What we ask for; the parser knows exactly these.
const PROPERTIES: &str = "--property=Id,LoadState,ActiveState,SubState,Type,RemainAfterExit,\
MainPID,FragmentPath,UnitFileState,Transient,TriggeredBy,Result,NRestarts,Listen";

/// The units of a machine by name.
pub type Units = BTreeMap<String, Unit>;

/// One service or socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The coarse state.
    pub active: ActiveState,
    /// The fine state: `running`, `exited`, `auto-restart`.
    pub sub: String,
    /// How it ended last: `success`, `exit-code`, `oom-kill`.
    pub result: String,
    /// `Type=` of a service; absent for a socket.
    pub kind: Option<String>,
    /// Its main process.
    pub main_pid: Option<u32>,
    /// The file that defines it.
    pub fragment: Option<String>,
    /// How often systemd restarted it by itself since somebody last started it.
    pub restarts: u32,
    /// It may come to rest with nothing wrong: transient, one shot, started by
    /// a timer, or on demand by a socket or the message bus.
    pub ephemeral: bool,
    /// Ports that a socket unit listens on.
    pub listens: Vec<u16>,
}

/// systemd's `ActiveState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActiveState {
    /// It runs, or did its work and counts as on.
    Active,
    /// It runs and reads its configuration.
    Reloading,
    /// It runs and its mounts are renewed (systemd 257).
    Refreshing,
    /// It is off.
    Inactive,
    /// It ended badly.
    Failed,
    /// It is about to run, or waits to be restarted.
    Activating,
    /// It is about to be off.
    Deactivating,
    /// Something is being done to it.
    Maintenance,
    /// A word of a later systemd.
    Unknown,
}

/// Why there is no answer about units.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// There was none.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// It refused.
    #[error("systemctl failed: {words}; run `systemctl list-units` to see whether systemd answers")]
    Refused {
        /// Its own words.
        words: String,
    },
    /// It answered something we cannot read.
    #[error("systemctl show answered {line:?}, which patchd cannot read; please report it")]
    Unreadable {
        /// The line, or the name of what is missing.
        line: String,
    },
}

impl ActiveState {
    /// It does its work now.
    #[must_use]
    pub fn is_up(self) -> bool {
        matches!(self, Self::Active | Self::Reloading | Self::Refreshing)
    }

    /// It is on its way to another state; look again later.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Activating | Self::Deactivating | Self::Reloading | Self::Refreshing
        )
    }

    fn parse(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "reloading" => Self::Reloading,
            "refreshing" => Self::Refreshing,
            "inactive" => Self::Inactive,
            "failed" => Self::Failed,
            "activating" => Self::Activating,
            "deactivating" => Self::Deactivating,
            "maintenance" => Self::Maintenance,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for ActiveState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Reloading => "reloading",
            Self::Refreshing => "refreshing",
            Self::Inactive => "inactive",
            Self::Failed => "failed",
            Self::Activating => "activating",
            Self::Deactivating => "deactivating",
            Self::Maintenance => "maintenance",
            Self::Unknown => "in a state that patchd does not know",
        })
    }
}

impl fmt::Display for Unit {
    /// As a person says it: `active (running)`, `failed (exit-code)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = match self.active {
            ActiveState::Failed => &self.result,
            _ => &self.sub,
        };
        write!(f, "{} ({more})", self.active)
    }
}

/// Whether systemd runs the machine below `root`, as `sd_booted(3)` finds out.
#[must_use]
pub fn is_running(root: &Path) -> bool {
    root.join("run/systemd/system").is_dir()
}

/// All services and sockets that systemd has in memory.
pub async fn units(runner: &dyn Runner) -> Result<Units, SystemdError> {
    let question = Command::new(SYSTEMCTL)
        .args(["show", "--all", "--type=service", "--type=socket"])
        .args([PROPERTIES, "*"])
        .timeout(TIMEOUT)
        .output_cap(OUTPUT_CAP);
    parse_show(&answer(runner, &question).await?)
}

/// What systemctl says when it does not refuse.
async fn answer(runner: &dyn Runner, question: &Command) -> Result<String, SystemdError> {
    let output = runner.ask(question).await?;
    if output.status != 0 {
        return Err(SystemdError::Refused {
            words: output.last_words(),
        });
    }
    Ok(output.text())
}

/// Waits until the machine has come up, and tells whether it is going down:
/// in between, a unit that is not active tells nothing.
pub async fn goes_down(runner: &dyn Runner) -> bool {
    let question = Command::new(SYSTEMCTL)
        .args(["is-system-running", "--wait"])
        .timeout(BOOT);
    let answer = runner.ask(&question).await;
    answer.is_ok_and(|output| output.text().trim() == "stopping")
}

/// Whether one unit is active; the answer also has its state as a word.
pub async fn is_active(
    runner: &dyn Runner,
    unit: &str,
    timeout: Duration,
) -> Result<Output, CommandError> {
    let question = Command::new(SYSTEMCTL)
        .args(["is-active", "--", unit])
        .timeout(timeout);
    runner.ask(&question).await
}

/// The unit that a process belongs to, out of `/proc/PID/cgroup`: the outermost
/// service or scope, in the unified hierarchy or else in systemd's own.
#[must_use]
pub fn unit_of_cgroup(text: &str) -> Option<&str> {
    let mut found = None;
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let unit = path
            .split('/')
            .find(|part| matches!(type_of(part), "service" | "scope"));
        match (number, controllers) {
            ("0", "") if unit.is_some() => return unit,
            (_, "name=systemd") => found = unit,
            _ => {}
        }
    }
    found
}

/// What kind of unit a name names: `service`, `socket`, `scope`.
#[must_use]
pub fn type_of(unit: &str) -> &str {
    unit.rsplit_once('.').map_or("", |(_, suffix)| suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = include_str!("../../../tests/fixtures/systemd/cgroup-hybrid.txt");

    #[test]
    fn a_process_belongs_to_the_outermost_unit_of_its_cgroup() {
        let table = [
            ("0::/system.slice/nginx.service\n", Some("nginx.service")),
            (
                "0::/system.slice/docker-0af.scope/x.service\n",
                Some("docker-0af.scope"),
            ),
            (
                "0::/user.slice/user-0.slice/user@0.service/app.slice/a.service\n",
                Some("user@0.service"),
            ),
            (
                "4:memory:/a.service\n1:name=systemd:/system.slice/b.service\n0::/\n",
                Some("b.service"),
            ),
            ("0::/\n", None),
            ("", None),
            ("nonsense", None),
        ];
        for (text, expected) in table {
            assert_eq!(unit_of_cgroup(text), expected, "{text:?}");
        }
        assert_eq!(unit_of_cgroup(HYBRID), Some("dnsmasq.service"));
    }

    #[test]
    fn a_failed_unit_is_said_with_its_result_and_another_with_its_sub_state() {
        let mut unit = Unit {
            active: ActiveState::Failed,
            sub: "failed".into(),
            result: "exit-code".into(),
            kind: None,
            main_pid: None,
            fragment: None,
            restarts: 0,
            ephemeral: false,
            listens: vec![],
        };
        assert_eq!(unit.to_string(), "failed (exit-code)");
        unit.active = ActiveState::Active;
        unit.sub = "running".into();
        assert_eq!(unit.to_string(), "active (running)");
    }
}
