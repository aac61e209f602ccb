//! Switching rivals off, and giving the machine back. Both can be repeated
//! after a crash at any point: the record is written before a unit is touched,
//! and a unit leaves it only when it is as it was.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::judge::{Rival, rivals};
use super::look::look;
use super::record::{Record, Taken};
use crate::model::Handover;
use crate::os::command::Runner;
use crate::os::systemd::{self, SystemdError, UnitFile};

/// Why it stopped half-way; to repeat it is safe.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverError {
    /// systemd does not answer.
    #[error(transparent)]
    Systemd(#[from] SystemdError),
    /// The record cannot be read or written; no unit is touched without it.
    #[error("cannot use {path}: {cause}; check its owner, mode and content")]
    Record {
        /// Which file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
}

/// Switches off every rival below `root`, with a record at `path`.
pub async fn take_over(
    runner: &dyn Runner,
    root: &Path,
    path: &Path,
    now: Timestamp,
) -> Result<Handover, TakeoverError> {
    let facts = look(runner, root).await?;
    let mut record = read(path)?.unwrap_or(Record {
        at: now,
        units: Vec::new(),
    });
    let mut handover = Handover::default();
    for Rival { name, unit, stop } in rivals(&facts) {
        let found = facts.units.iter().find(|(it, _)| Some(it) == unit.as_ref());
        match found {
            None => handover.left.push(format!(
                "{name} cannot be switched off by patchd; remove it, or what it installs"
            )),
            Some((unit, file)) => remember(&mut record, unit, file, stop),
        }
    }
    write(&record, path)?;
    for taken in record.units.clone() {
        match switch_off(runner, &taken).await {
            Ok(()) => handover.done.push(taken.unit),
            Err(cause) => {
                record.units.retain(|it| it.unit != taken.unit);
                write(&record, path)?;
                handover.left.push(format!("{}: {cause}", taken.unit));
            }
        }
    }
    Ok(handover)
}

/// What is known of it already was true before we touched it.
fn remember(record: &mut Record, unit: &str, file: &UnitFile, stop: bool) {
    if record.units.iter().all(|taken| taken.unit != unit) {
        record.units.push(Taken {
            unit: unit.to_owned(),
            state: file.state.clone(),
            active: file.active.is_up(),
            stopped: stop,
        });
    }
}

async fn switch_off(runner: &dyn Runner, taken: &Taken) -> Result<(), SystemdError> {
    let now = systemd::unit_file(runner, &taken.unit).await?;
    // A timer that is masked while it is up counts as failed when it is stopped.
    let stops = taken.stopped && now.active.is_up();
    if stops {
        systemd::stop(runner, &taken.unit).await?;
    }
    if now.is_masked() {
        return Ok(());
    }
    let masked = systemd::mask(runner, &taken.unit).await;
    if masked.is_err() && stops {
        systemd::start(runner, &taken.unit).await?;
    }
    masked
}

/// Undoes what the record at `path` says, and removes it.
pub async fn give_back(runner: &dyn Runner, path: &Path) -> Result<Handover, TakeoverError> {
    let mut handover = Handover::default();
    let Some(mut record) = read(path)? else {
        return Ok(handover);
    };
    for taken in record.units.clone() {
        match switch_on(runner, &taken).await? {
            None => handover.done.push(taken.unit.clone()),
            Some(left) => handover.left.push(left),
        }
        record.units.retain(|it| it.unit != taken.unit);
        write(&record, path)?;
    }
    Ok(handover)
}

/// As it was before; or the sentence why it is left as it is.
async fn switch_on(runner: &dyn Runner, taken: &Taken) -> Result<Option<String>, SystemdError> {
    let unit = &taken.unit;
    let found = systemd::unit_file(runner, unit).await?;
    if !found.is_masked() && found.state != taken.state {
        let is = if found.exists() { &found.state } else { "gone" };
        return Ok(Some(format!(
            "{unit} was {} and is {is} now; somebody changed it since, so it is left as it is",
            taken.state
        )));
    }
    if found.is_masked() {
        systemd::unmask(runner, unit).await?;
    }
    let now = systemd::unit_file(runner, unit).await?;
    if taken.active && now.exists() && !now.is_masked() && !now.active.is_up() {
        systemd::start(runner, unit).await?;
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Option<Record>, TakeoverError> {
    Record::read(path).map_err(|cause| fault(path, cause))
}

fn write(record: &Record, path: &Path) -> Result<(), TakeoverError> {
    record.write(path).map_err(|cause| fault(path, cause))
}

fn fault(path: &Path, cause: std::io::Error) -> TakeoverError {
    let path = path.to_owned();
    TakeoverError::Record { path, cause }
}

#[cfg(test)]
mod tests;
