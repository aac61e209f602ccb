//! Looking at this machine. Asks only, and needs no rights.

use std::path::Path;

use super::judge::{Facts, OFFLINE, SHUTDOWN, UPGRADE_TIMER};
use crate::os::command::{Command, Runner};
use crate::os::systemd::{self, SystemdError};

const UNATTENDED: &str = "usr/bin/unattended-upgrade";
const CRON_APT: [&str; 2] = ["usr/sbin/cron-apt", "etc/cron.d/cron-apt"];

/// What there is below `root`, which is `/` but for tests.
pub async fn look(runner: &dyn Runner, root: &Path) -> Result<Facts, SystemdError> {
    let mut facts = Facts {
        unattended: root.join(UNATTENDED).exists(),
        cron_apt: CRON_APT.iter().all(|path| root.join(path).exists()),
        ..Facts::default()
    };
    if systemd::is_running(root) {
        let units = [UPGRADE_TIMER, SHUTDOWN, OFFLINE];
        let files = systemd::unit_files(runner, &units).await?;
        facts.units = units.map(str::to_owned).into_iter().zip(files).collect();
    }
    if facts.unattended {
        let output = runner.ask(&configuration()).await;
        let text = output.ok().filter(|it| it.status == 0).map(|it| it.text());
        if let Some(text) = text {
            let value = |name: &str| Some(value(&text, name).unwrap_or_default().to_owned());
            facts.on_shutdown = value("SHUTDOWN");
            facts.periodic = if value("ENABLE").as_deref() == Some("0") {
                Some(String::new())
            } else {
                value("PERIODIC")
            };
        }
    }
    Ok(facts)
}

fn configuration() -> Command {
    Command::new("/usr/bin/apt-config").args([
        "shell",
        "ENABLE",
        "APT::Periodic::Enable",
        "PERIODIC",
        "APT::Periodic::Unattended-Upgrade",
        "SHUTDOWN",
        "Unattended-Upgrade::InstallOnShutdown",
    ])
}

/// `NAME='value'`; a value that is not set may have no line.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = |line: &'a str| line.strip_prefix(name)?.strip_prefix("='");
    text.lines().find_map(line)?.strip_suffix('\'')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::command::replay::Replay;

    async fn periodic(answer: &str) -> Option<String> {
        let root = tempfile::tempdir().expect("a folder");
        let program = root.path().join(UNATTENDED);
        std::fs::create_dir_all(program.parent().expect("a folder")).expect("made");
        crate::os::files::replace(&program, b"", 0o755).expect("written");
        let runner = Replay::new().answer(&configuration(), 0, answer, "");
        let facts = look(&runner, root.path()).await.expect("seen");
        facts.periodic
    }

    #[tokio::test]
    async fn apt_is_asked_what_is_effective() {
        let table = [
            ("PERIODIC='1'\n", "1"),
            ("ENABLE='1'\nPERIODIC='1'\nSHUTDOWN='true'\n", "1"),
            ("ENABLE='0'\nPERIODIC='1'\n", ""),
            ("", ""),
        ];
        for (answer, expected) in table {
            assert_eq!(
                periodic(answer).await.as_deref(),
                Some(expected),
                "{answer}"
            );
        }
    }

    #[tokio::test]
    async fn without_systemd_nothing_starts_anything() {
        let root = tempfile::tempdir().expect("a folder");
        let facts = look(&Replay::new(), root.path()).await.expect("seen");
        assert_eq!(facts, Facts::default());
    }
}
