//! `patchd logs`: what the package manager itself printed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::answerer::watch;
use super::context::{Context, Trouble};
use super::history::parse;
use super::screen::{Screen, shown_lines};
use crate::control::{Call, Stream};
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
    let run = run.map(parse).transpose()?;
    let path = match run {
        Some(run) => of_run(folder, run),
        None => latest(folder)?,
    };
    let mut file = File::open(&path).map_err(|cause| trouble(&path, &cause))?;
    let mut print = || copy(&mut file).map_err(|cause| trouble(&path, &cause));
    print()?;
    if follow {
        let mut driver = Driver::of(context, run).await?;
        while driver.goes_on().await {
            print()?;
        }
        print()?;
    }
    Ok(ExitCode::Success)
}

/// Whoever drives the run that is followed.
enum Driver {
    /// A command that holds this lock.
    Holds(PathBuf),
    /// The daemon tells of it.
    Tells(Stream),
}

impl Driver {
    async fn of(context: &Context, run: Option<RunId>) -> Result<Self, Trouble> {
        Ok(if context.asks_daemon()? {
            Self::Tells(watch(&Call::Follow { run }).await?)
        } else {
            Self::Holds(context.paths.run_lock())
        })
    }

    /// Whether it still does, after a moment.
    async fn goes_on(&mut self) -> bool {
        match self {
            Self::Holds(lock) => {
                tokio::time::sleep(LOOK).await;
                is_held(lock)
            }
            Self::Tells(stream) => {
                let told = tokio::time::timeout(LOOK, stream.next()).await;
                told.map_or(true, |told| matches!(told, Ok(Some(_))))
            }
        }
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

/// Copies what is there, a chunk at a time.
fn copy(file: &mut File) -> std::io::Result<()> {
    loop {
        let mut bytes = Vec::new();
        if file.take(CHUNK).read_to_end(&mut bytes)? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&bytes).replace('\r', "\n");
        Screen::raw(shown_lines(&text).as_bytes());
    }
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
