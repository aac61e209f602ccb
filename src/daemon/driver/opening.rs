//! How a run begins: alone, and where one that was cut short has stopped.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::FlockOperation;

use super::{Request, RunError};
use crate::cycle::{Event, Mandate, Stage, State, step};
use crate::daemon::parts::Parts;
use crate::model::RunId;
use crate::os::clock;
use crate::policy::RestartWhen;
use crate::state::{Ledger, NewRun, RunRow, make_folder};

/// How often, and how far apart, the run lock is tried.
const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// A policy that nobody configured is a mistake of whoever asked.
pub(super) fn known_policy<P>(parts: &Parts<P>, name: &str) -> Result<(), RunError> {
    let policies = &parts.settings.policies;
    if policies.contains_key(name) {
        return Ok(());
    }
    Err(RunError::NoPolicy {
        name: name.to_owned(),
        known: policies.keys().cloned().collect(),
    })
}

/// A run that was cut short: what became of its phase has to be found out. One
/// that came with a cloned image is closed and not gone on with.
pub(super) fn resume<P>(
    parts: &Parts<P>,
    ledger: &mut Ledger,
) -> Result<Option<(RunRow, State)>, RunError> {
    let Some(row) = ledger.unfinished()? else {
        return Ok(None);
    };
    let now = clock::now();
    let run = row.opened.id;
    // Either side may not be known, early in a machine's first boot.
    let known = row
        .opened
        .machine_id
        .as_ref()
        .zip(parts.host.machine_id.as_ref());
    let cloned = known.is_some_and(|(then, now)| then != now);
    let event = if cloned { Event::Cloned } else { Event::Lost };
    let name = if cloned { "cloned" } else { "resumed" };
    let state = match step(&row.state, event, now) {
        Ok(next) => next.to,
        // It had finished and was only not closed.
        Err(_) => row.state.clone(),
    };
    ledger.record(run, name, &state, now)?;
    if let Stage::Finished { outcome, summary } = &state.stage {
        ledger.close_run(run, (*outcome, summary), now)?;
        return Ok(None);
    }
    Ok(Some((row, state)))
}

/// Writes down a run that begins.
pub(super) fn open<P>(
    parts: &Parts<P>,
    ledger: &mut Ledger,
    request: &Request,
) -> Result<(NewRun, State), RunError> {
    let now = clock::now();
    let state = State::opened(mandate(parts, request), now);
    let opened = NewRun {
        id: new_id(now, ledger.latest()?),
        opened_at: now,
        origin: request.origin.clone(),
        closes_at: request.mandate.closes,
        asked_by: request.asked_by.clone(),
        policy: request.policy.clone(),
        asked: request.asked.0.clone(),
        machine_id: parts.host.machine_id.clone(),
        boot_id: parts.host.boot_id.clone(),
    };
    ledger.open_run(&opened, &state)?;
    Ok((opened, state))
}

/// What is asked for, as the configuration has it carried out.
fn mandate<P>(parts: &Parts<P>, request: &Request) -> Mandate {
    let settings = &parts.settings;
    let policy = settings.policies.get(&request.policy);
    let by_hand = request.origin == Request::BY_HAND;
    Mandate {
        conduct: policy.map(|it| it.conduct.clone()).unwrap_or_default(),
        restarts: match settings.restarts.when {
            RestartWhen::Now => true,
            RestartWhen::Window => !by_hand,
            RestartWhen::Never => false,
        },
        hooks: settings.hooks.programs.keys().copied().collect(),
        ..request.mandate.clone()
    }
}

/// Ids sort by time, also when the clock was set back since the latest one.
pub(in crate::daemon) fn new_id(now: Timestamp, latest: Option<RunId>) -> RunId {
    let mut random = [0; 16];
    // The first 256 bytes or less are never cut short once the pool is ready.
    let _filled = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let after = latest.map_or(0, |latest| latest.unix_milliseconds() + 1);
    RunId::new(now.max(after), u128::from_le_bytes(random))
}

/// Held by whoever drives a run.
const RUN_LOCK: &str = "run.lock";

/// One driver at a time.
pub(super) async fn run_lock(state: &Path) -> Result<File, RunError> {
    lock(state, RUN_LOCK).await
}

/// A lock that dies with its process. Somebody may only be looking whether it is
/// held, so it is tried more than once.
pub(in crate::daemon) async fn lock(state: &Path, name: &str) -> Result<File, RunError> {
    make_folder(state)?;
    let path = &state.join(name);
    let opened = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    let fault = |cause| RunError::Lock {
        path: path.to_owned(),
        cause,
    };
    let file = opened.map_err(fault)?;
    for _ in 0..LOCK_TRIES {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(cause) => return Err(fault(cause.into())),
        }
    }
    Err(RunError::Busy)
}
