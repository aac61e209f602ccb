//! `patchd logs`: what the package manager itself printed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::context::{Context, Trouble};
use super::history::parse;
use super::screen::{Screen, shown_lines};
use crate::daemon::answer::is_held;
use crate::model::{ExitCode, RunId};
use crate::worker;

/// How often a followed log is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// How much is read at once, bytes.
const CHUNK: u64 = 64 << 10;

/// Prints a run's log; with `follow`, until its driver has ended.
pub(super) async fn logs(
    context: &Context,
    run: Option<&str>,
    follow: bool,
) -> Result<ExitCode, Trouble> {
    let folder = &context.paths.logs;
    let path = match run {
        Some(run) => of_run(folder, parse(run)?),
        None => latest(folder)?,
    };
    let mut file = File::open(&path).map_err(|cause| trouble(&path, &cause))?;
    loop {
        let running = follow && is_held(&context.paths.run_lock());
        while copy(&mut file).map_err(|cause| trouble(&path, &cause))? {}
        if !running {
            return Ok(ExitCode::Success);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Where the logs were full, a run's output stayed in its own folder.
fn of_run(folder: &Path, run: RunId) -> PathBuf {
    let path = worker::log_file(folder, run);
    let in_folder = worker::run_folder(Path::new(worker::FOLDER), run).join("output.log");
    if path.exists() || !in_folder.exists() {
        path
    } else {
        in_folder
    }
}

/// Copies one chunk; false at the end.
fn copy(file: &mut File) -> std::io::Result<bool> {
    let mut bytes = Vec::new();
    let read = file.take(CHUNK).read_to_end(&mut bytes)?;
    Screen::raw(shown_lines(&String::from_utf8_lossy(&bytes).replace('\r', "\n")).as_bytes());
    Ok(read > 0)
}

/// Run ids sort by time, and so do the names of their logs.
fn latest(folder: &Path) -> Result<PathBuf, Trouble> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Err(none(folder)),
        Err(cause) => return Err(trouble(folder, &cause)),
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let newest = names.filter(|name| name.starts_with("run-")).max();
    newest
        .map(|name| folder.join(name))
        .ok_or_else(|| none(folder))
}

fn none(folder: &Path) -> Trouble {
    Trouble::failed(&format!(
        "there is no log in {} yet; a run writes one when it starts the package manager",
        folder.display()
    ))
}

fn trouble(path: &Path, cause: &std::io::Error) -> Trouble {
    match cause.kind() {
        std::io::ErrorKind::PermissionDenied => {
            Trouble::not_permitted("logs are for root and the group adm; run this with sudo")
        }
        std::io::ErrorKind::NotFound => Trouble::failed(&format!(
            "{} is not there; that run printed nothing, or its log has been dropped",
            path.display()
        )),
        _ => Trouble::failed(&format!("cannot read {}: {cause}", path.display())),
    }
}
