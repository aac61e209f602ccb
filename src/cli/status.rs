//! `patchd status`: how the last run ended, and what is owed.

use std::fs::File;
use std::path::Path;

use rustix::fs::FlockOperation;

use super::context::{Context, Trouble, is_root};
use super::json::{self, Reboot, Run};
use super::rivals;
use super::screen::Screen;
use crate::model::{ExitCode, Outcome};
use crate::os::clock;
use crate::running;
use crate::state::{Ledger, RunRow};
use crate::worker;

/// Shows it and exits with the last run's code, or 3 when a reboot is owed.
pub(super) async fn status(context: &Context, screen: &Screen) -> Result<ExitCode, Trouble> {
    context.load()?;
    if !is_root() {
        return Err(Trouble::not_permitted(
            "the ledger is for root alone; run this with sudo",
        ));
    }
    let kernel = running::kernel(Path::new("/"));
    let reasons = running::reboot_reasons(Path::new("/"), &kernel);
    let (last, since) = match Ledger::open_existing(&context.paths.ledger())? {
        Some(mut ledger) => (
            ledger.runs(1)?.pop(),
            ledger.owe_reboot(&reasons, clock::now())?,
        ),
        None => (None, None),
    };
    let reboot = Reboot::new(reasons, since);
    let driver = is_running(&context.paths.state.join("run.lock"));
    // The command may have been killed: its worker, and apt, go on.
    let at_work = is_running(&Path::new(worker::FOLDER).join("lock"));
    let state = state(last.as_ref(), driver || at_work);
    let rivals = rivals::active().await;
    let code = code(last.as_ref(), &state, reboot.owed);
    if screen.wants_json() {
        let last_run = last.as_ref().map(Run::from);
        let schema = "patchd/status/1";
        Screen::document(&json::Status {
            schema,
            state,
            last_run,
            reboot,
            rivals,
        });
    } else {
        print(screen, last.as_ref(), &state, &reboot);
        for rival in rivals {
            Screen::line(&format!("{rival} patches this machine too"));
        }
    }
    Ok(code)
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

fn code(last: Option<&RunRow>, state: &str, owed: bool) -> ExitCode {
    let code = last
        .and_then(|run| run.outcome)
        .map_or(ExitCode::Success, Outcome::exit_code);
    match code {
        _ if state == "interrupted" => ExitCode::NeedsHuman,
        // A reboot since then has paid what the last run owed.
        ExitCode::Owed | ExitCode::Success if owed => ExitCode::Owed,
        ExitCode::Owed => ExitCode::Success,
        code => code,
    }
}

fn print(screen: &Screen, last: Option<&RunRow>, state: &str, reboot: &Reboot) {
    match last {
        None => Screen::line("no run yet; `sudo patchd run --now` patches this machine"),
        Some(run) => {
            let id = run.opened.id;
            screen.heading(&format!(
                "{state}: run {id} of {}",
                json::time(run.opened.opened_at)
            ));
            match (&run.summary, state) {
                (Some(summary), _) => Screen::line(&format!("  {summary}")),
                (None, "interrupted") => Screen::line(&format!(
                    "  it was cut short while {}; `sudo patchd run --now` finds out what became of it and goes on",
                    run.state.stage
                )),
                (None, _) => Screen::line(&format!(
                    "  it is {}; `patchd logs -f {id}` shows more",
                    run.state.stage
                )),
            }
        }
    }
    if reboot.owed {
        let since = reboot
            .since
            .as_ref()
            .map(|since| format!(" since {since}"))
            .unwrap_or_default();
        Screen::line(&format!(
            "a reboot is owed{since}: {}",
            reboot.reasons.join(", ")
        ));
    }
}

/// Whether a driver holds the run lock.
pub(super) fn is_running(lock: &Path) -> bool {
    let Ok(file) = File::open(lock) else {
        return false;
    };
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared)
        == Err(rustix::io::Errno::WOULDBLOCK)
}
