//! Feeds, as the daemon keeps them: looked at when they are due, beside the loop.
//! A feed that cannot be had stops nothing; what is not known is told as such.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::events::event;
use super::parts::Parts;
use crate::control::ControlError;
use crate::feeds::{FeedsError, Format, Library, Outcome, Shelf, Tried};
use crate::model::ExitCode;
use crate::os::net::Door;
use crate::os::{clock, machine};

/// The longest pause between two looks at what is due: the clock may be set, and
/// the configuration changed.
const LOOK: Duration = Duration::from_mins(5);

/// Who reaches out and reads: the daemon may start no programs that could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// The units that go with the daemon.
    OfDaemon,
    /// The same where they are there, else children.
    OfThisMachine,
}

/// The feeds of this machine.
pub fn library<P>(parts: &Parts<P>, ways: Ways) -> Result<Library, ControlError> {
    let distribution = machine::distribution().map_err(|cause| {
        let sentence =
            format!("cannot tell which release this is: {cause}; is /etc/os-release there?");
        ControlError::failed(sentence, ExitCode::Failed)
    })?;
    let (net, readers) = match ways {
        Ways::OfDaemon => (Door::of_daemon(), Library::readers_of_daemon()),
        Ways::OfThisMachine => (Door::of_this_machine(), Library::readers_of_this_machine()),
    };
    Ok(Library {
        settings: parts.settings.feeds.clone(),
        proxy: parts.settings.network.proxy.clone(),
        distribution,
        shelf: Shelf::new(&parts.paths.feeds),
        index: parts.paths.index.clone(),
        net,
        readers,
    })
}

/// Looks at all feeds, whether or not they are due.
pub async fn update(library: &Library) -> Result<Vec<Tried>, ControlError> {
    let tried = library.update(&Format::ALL).await?;
    tell(library, &tried);
    Ok(tried)
}

/// How long the daemon waits before its first look.
pub(super) fn first_wait<P>(parts: &Parts<P>) -> Duration {
    let waiting = library(parts, Ways::OfDaemon).map(|it| it.first_wait(&place(parts)));
    waiting.unwrap_or(LOOK)
}

/// Looks at what is due; returns when to come back, and whether anything was done.
pub(super) async fn tend<P>(parts: &Parts<P>) -> (Duration, bool) {
    let Ok(library) = library(parts, Ways::OfDaemon) else {
        return (LOOK, false);
    };
    let (due, next) = library.due(&place(parts), clock::now());
    if due.is_empty() {
        return (until(next), false);
    }
    match library.update(&due).await {
        Ok(tried) => tell(&library, &tried),
        // Whoever holds the lock does our work.
        Err(FeedsError::Busy) => {}
        Err(fault) => event!(
            FEEDS_UNUSABLE,
            "what is published about vulnerabilities cannot be kept: {fault}"
        ),
    }
    (LOOK, true)
}

fn until(next: Timestamp) -> Duration {
    let wait = next
        .duration_since(clock::now())
        .max(SignedDuration::from_secs(1));
    Duration::try_from(wait).unwrap_or(LOOK).min(LOOK)
}

/// What tells machines apart, so that not all of them ask at once.
fn place<P>(parts: &Parts<P>) -> String {
    let host = &parts.host;
    let id = host.machine_id.as_ref().map(|id| id.0.clone());
    id.unwrap_or_else(|| host.name.clone())
}

/// One line for what came; of what does not come, one when that begins.
fn tell(library: &Library, tried: &[Tried]) {
    for Tried { format, outcome } in tried {
        let name = format.name();
        match outcome {
            Outcome::Unchanged => {}
            Outcome::Taken(records) => event!(
                FEED_TAKEN,
                PATCHD_FEED = name,
                PATCHD_RECORDS = *records,
                "feed {name} has changed, and has {records} records for this machine"
            ),
            Outcome::Failed(cause) if library.shelf.state(*format).failures == 1 => event!(
                FEED_FAILED,
                PATCHD_FEED = name,
                "feed {name} cannot be had: {cause}; what was known before stays, and patching goes on"
            ),
            Outcome::Failed(_) => {}
        }
    }
}

impl From<FeedsError> for ControlError {
    fn from(fault: FeedsError) -> Self {
        let code = match &fault {
            FeedsError::Busy => ExitCode::Deferred,
            FeedsError::Unknown => ExitCode::Usage,
            FeedsError::Folder(_) | FeedsError::Index(_) => ExitCode::Failed,
        };
        Self::failed(fault.to_string(), code)
    }
}
