//! The two hidden entrances: `patchd worker`, which reads one order, and
//! `patchd transaction-guard`, which the package manager calls under its lock.

use std::io::Read;
use std::path::Path;

use super::log::LOGS;
use super::phases::Tools;
use super::record::FOLDER;
use super::serve::{send, serve};
use super::validate::ORDER_CAP;
use crate::config::{self, Reader, Sources};
use crate::model::{ExitCode, Refusal, WorkerEvent};
use crate::os::command::System;
use crate::os::{machine, signals};
use crate::package_manager::{apt, detect};

/// Reads one order from standard input and carries it out. Exits 0 whatever
/// came of it: that is told in events.
#[must_use]
pub fn main() -> ExitCode {
    // Out of the terminal's reach: a Ctrl-C is for whoever gave the order, and a
    // maintainer script finds no terminal to ask on.
    let _already_leader = rustix::process::setsid();
    signals::outlive();
    let mut out = std::io::stdout();
    if let Err(refusal) = work(&mut out) {
        send(&mut out, &WorkerEvent::Refused { refusal });
    }
    ExitCode::Success
}

fn work(out: &mut std::io::Stdout) -> Result<(), Refusal> {
    if !rustix::process::geteuid().is_root() {
        return Err(unable("the worker must be root"));
    }
    let mut text = String::new();
    let read = std::io::stdin().take(ORDER_CAP).read_to_string(&mut text);
    read.map_err(|cause| Refusal::Invalid {
        detail: format!("it cannot be read: {cause}"),
    })?;
    // Read by ourselves: what the sender knows of the configuration does not count.
    let loaded = config::load(&Sources::default(), &Reader::this_process())
        .map_err(|faults| unable(&faults.to_string()))?;
    let settings = loaded.settings;
    let removals: Vec<_> = settings
        .policies
        .values()
        .flat_map(|policy| policy.removals.clone())
        .collect();
    let package_manager = detect(Box::new(System), settings.package_manager)
        .map_err(|fault| unable(&fault.to_string()))?;
    let host = machine::host().map_err(|cause| unable(&cause.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|cause| unable(&cause.to_string()))?;
    let tools = Tools {
        package_manager: &package_manager,
        runner: &System,
        verify: &settings.verify,
        host: &host,
        root: Path::new(FOLDER),
        logs: Path::new(LOGS),
    };
    runtime.block_on(serve(&tools, &removals, &text, out));
    runtime.shutdown_background();
    Ok(())
}

/// Compares what the package manager is about to do with the plan in `plan`;
/// anything but success makes it stop before it has touched a package.
#[must_use]
pub fn transaction_guard(plan: &Path) -> ExitCode {
    match apt::guard::guard(plan, std::io::stdin().lock()) {
        Ok(()) => ExitCode::Success,
        Err(_differences) => ExitCode::Failed,
    }
}

fn unable(detail: &str) -> Refusal {
    Refusal::Unable {
        detail: detail.to_owned(),
    }
}
