//! How the last run ended, and what is owed.

use std::fs::File;
use std::path::Path;

use rustix::fs::FlockOperation;

use super::{Answerer, View, history, machine, quarantine, rivals, schedule, time};
use crate::control::{ControlError, document};
use crate::os::clock;
use crate::running;
use crate::state::{Pause, RunRow};
use crate::worker::FOLDER;

pub(super) async fn status<P>(view: &View<'_, P>) -> Result<document::Status, ControlError> {
    let kernel = running::kernel(Path::new("/"));
    let live = running::live_look(Path::new(FOLDER), &view.parts.host.boot_id);
    let reasons = machine::reasons(view.parts, &kernel, live.as_ref());
    let (last, since, pause) = match view.ledger()? {
        Some(mut ledger) => (
            ledger.runs(1)?.pop(),
            ledger.owe_reboot(&reasons, clock::now())?,
            ledger.paused()?,
        ),
        None => (None, None, None),
    };
    let driver = is_held(&view.parts.paths.run_lock());
    // The command may have been killed: its worker, and apt, go on.
    let at_work = driver || is_held(&Path::new(FOLDER).join("lock"));
    Ok(document::Status {
        schema: "patchd/status/1".to_owned(),
        state: state(last.as_ref(), at_work),
        last_run: last.as_ref().map(history::row),
        reboot: machine::reboot(reasons, since),
        rivals: rivals::active().await,
        quarantine: quarantine::kept(view.parts).ok(),
        paused: pause.map(paused),
        next: match view.answerer {
            Answerer::Daemon => schedule::next(view, clock::now()),
            Answerer::Owner | Answerer::Anybody => None,
        },
        config_fault: view.config_fault.map(str::to_owned),
    })
}

fn paused(pause: Pause) -> document::Pause {
    document::Pause {
        since: time(pause.since),
        by: pause.by,
        reason: pause.reason,
    }
}

fn state(last: Option<&RunRow>, running: bool) -> String {
    match last {
        None => "never-run".to_owned(),
        Some(run) => match run.outcome {
            Some(outcome) => outcome.to_string(),
            None if running => "running".to_owned(),
            None => "interrupted".to_owned(),
        },
    }
}

/// Whether somebody holds this lock: a driver, or a worker.
#[must_use]
pub fn is_held(lock: &Path) -> bool {
    let Ok(file) = File::open(lock) else {
        return false;
    };
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared)
        == Err(rustix::io::Errno::WOULDBLOCK)
}
