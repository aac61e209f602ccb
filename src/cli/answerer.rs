//! Who answers: the daemon, or where there is none, this very process.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::{Context, Trouble};
use super::engine::is_ledgers_owner;
use crate::control::{
    ADMIN_SOCKET, Action, Answer, Call, Client, ControlError, PUBLIC_SOCKET, Question, Stream,
    Unanswered,
};
use crate::daemon::answer::{self, Answerer, View};
use crate::model::ExitCode;

/// Where the daemon's unit can be; the first that is there counts.
const UNITS: [&str; 4] = [
    "/etc/systemd/system/patchd.service",
    "/run/systemd/system/patchd.service",
    "/usr/lib/systemd/system/patchd.service",
    "/lib/systemd/system/patchd.service",
];

/// There when systemd is what started this system.
const SYSTEMD: &str = "/run/systemd/system";

/// Where this masks a unit, it leads.
const NOWHERE: &str = "/dev/null";

/// Whether this machine has a daemon. One that is installed and silent is an
/// error; one that cannot run here is none.
pub(super) fn is_daemon_here() -> bool {
    is_installed(Path::new("/"))
}

fn is_installed(root: &Path) -> bool {
    let below = |path: &str| root.join(path.trim_start_matches('/'));
    let unit = UNITS
        .map(below)
        .into_iter()
        .find(|it| it.is_symlink() || it.exists());
    let is_masked = |unit: &Path| fs::read_link(unit).is_ok_and(|to| to == Path::new(NOWHERE));
    below(SYSTEMD).is_dir() && unit.is_some_and(|unit| !is_masked(&unit))
}

/// The answer to a question: as it came, and understood.
pub(super) async fn ask<T: DeserializeOwned>(
    context: &Context,
    question: Question,
) -> Result<(Value, T), Trouble> {
    let value = if context.asks_daemon()? {
        ask_daemon(question).await?
    } else {
        let parts = context.parts()?;
        let view = View {
            parts: &parts,
            answerer: if is_ledgers_owner() {
                Answerer::Owner
            } else {
                Answerer::Anybody
            },
            config_fault: None,
        };
        answer::answer(&view, &question).await?
    };
    let document = T::deserialize(&value).map_err(|cause| Trouble {
        sentence: format!("patchd answered in a shape that is not known here: {cause}; restart it when it was upgraded"),
        code: ExitCode::Unreachable,
    })?;
    Ok((value, document))
}

/// The daemon's answer to a question.
pub(super) async fn ask_daemon(question: Question) -> Result<Value, Trouble> {
    let mut client = connect(PUBLIC_SOCKET).await?;
    let answer = client.call(&Call::Ask(question)).await?;
    Ok(answer.document.unwrap_or_default())
}

/// Has the daemon do something.
pub(super) async fn act(context: &Context, action: Action) -> Result<Answer, Trouble> {
    require_daemon(context)?;
    let mut client = connect(ADMIN_SOCKET).await?;
    Ok(client.call(&Call::Act(action)).await?)
}

/// What the daemon tells of a run. Everybody may watch, only administrators start one.
pub(super) async fn watch(call: &Call) -> Result<Stream, Trouble> {
    let socket = match call {
        Call::Act(_) => ADMIN_SOCKET,
        Call::Ask(_) | Call::Follow { .. } => PUBLIC_SOCKET,
    };
    let client = connect(socket).await?;
    Ok(client.stream(call).await?)
}

/// Some things only a daemon can do.
pub(super) fn require_daemon(context: &Context) -> Result<(), Trouble> {
    if context.asks_daemon()? {
        return Ok(());
    }
    Err(Trouble {
        sentence: "there is no daemon here to do that; install patchd's package, or `systemctl unmask patchd`".to_owned(),
        code: ExitCode::Unreachable,
    })
}

async fn connect(socket: &str) -> Result<Client, Trouble> {
    Ok(Client::connect(Path::new(socket)).await?)
}

impl From<ControlError> for Trouble {
    fn from(error: ControlError) -> Self {
        Self {
            code: error.exit_code(),
            sentence: error.to_string(),
        }
    }
}

impl From<Unanswered> for Trouble {
    fn from(fault: Unanswered) -> Self {
        let unreachable = |fault: &Unanswered| Self {
            sentence: format!("{fault} (as root, `--no-daemon` does without)"),
            code: ExitCode::Unreachable,
        };
        match fault {
            Unanswered::Refused(error) => error.into(),
            Unanswered::NotPermitted { .. } => Self::not_permitted(&fault.to_string()),
            Unanswered::NoSocket { .. }
            | Unanswered::Unreachable { .. }
            | Unanswered::Silent { .. }
            | Unanswered::Lost { .. } => unreachable(&fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A file system with these files; `name -> target` is a link.
    fn machine(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for file in files {
            let (name, target) = file.split_once(" -> ").unwrap_or((file, ""));
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            match target {
                "" => drop(fs::File::create(&path).expect("made")),
                target => symlink(target, &path).expect("linked"),
            }
        }
        root
    }

    #[test]
    fn a_daemon_is_here_when_its_unit_is_and_is_not_masked() {
        let unit = "usr/lib/systemd/system/patchd.service";
        let booted = "run/systemd/system/.there";
        let masked = "etc/systemd/system/patchd.service -> /dev/null";
        let own = "etc/systemd/system/patchd.service";
        let cases: [(&[&str], bool); 6] = [
            (&[], false),
            (&[booted], false),
            (&[booted, unit], true),
            (&[booted, unit, masked], false),
            (&[booted, unit, own], true),
            (&[unit], false),
        ];
        for (files, expected) in cases {
            let root = machine(files);
            assert_eq!(is_installed(root.path()), expected, "{files:?}");
        }
    }
}
