//! The composition root: everything is put together here and nowhere else.

use std::path::Path;
use std::rc::Rc;

use tokio::net::UnixListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, LocalSet};

use super::keeper::{Inbox, Keeper};
use super::proving;
use super::report::taken_away;
use super::standing::{self, Standing};
use super::telling::Post;
use super::timekeeping::Timekeeping;
use crate::control::{Asked, Level, Server};
use crate::daemon::driver::RunError;
use crate::daemon::driver::opening;
use crate::daemon::events::event;
use crate::daemon::hands::SocketWorker;
use crate::daemon::parts::{Parts, Paths};
use crate::daemon::triggers::{TickerError, Triggers};
use crate::model::ExitCode;
use crate::os::command::System;
use crate::os::net::Door;
use crate::os::{journal, machine, service, signals};
use crate::package_manager::{Fault, detect};
use crate::state::{Ledger, LedgerError};

/// Held as long as a daemon is at work: two would drive the same ledger.
const DAEMON_LOCK: &str = "daemon.lock";

/// How many calls may wait for the loop; callers behind them wait as well.
const CALLS: usize = 16;
/// How many ticks may wait for it; a lost one is made up by the next look.
const TICKS: usize = 64;

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// Another daemon is at work, or the state folder cannot be used.
    #[error(transparent)]
    Lock(#[from] RunError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The package manager.
    #[error(transparent)]
    PackageManager(#[from] Fault),
    /// The ticker.
    #[error(transparent)]
    Ticker(#[from] TickerError),
    /// The machine.
    #[error("cannot {what}: {cause}")]
    Machine {
        /// What could not be done.
        what: &'static str,
        /// The system's words.
        cause: std::io::Error,
    },
}

impl StartError {
    /// A ledger of a newer patchd, or a full disk, is not mended by another start.
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Lock(fault) => fault.exit_code(),
            Self::Ledger(fault) => fault.exit_code(),
            Self::PackageManager(fault) => fault.exit_code(),
            Self::Ticker(_) | Self::Machine { .. } => ExitCode::Failed,
        }
    }
}

/// The program `patchd daemon`.
#[must_use]
pub fn main() -> ExitCode {
    journal::start(journal::Detail::Usual);
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match built {
        Ok(runtime) => {
            let ended = LocalSet::new().block_on(&runtime, work());
            // An index that is being built is built again; nobody waits for it.
            runtime.shutdown_background();
            ended
        }
        Err(cause) => Err(StartError::Machine {
            what: "start a runtime",
            cause,
        }),
    };
    match ended {
        Ok(()) => ExitCode::Success,
        Err(error) => {
            let code = error.exit_code();
            event!(
                SERVICE_FAILED,
                PATCHD_REASON = code.reason(),
                "patchd does not start: {error}"
            );
            code
        }
    }
}

async fn work() -> Result<(), StartError> {
    let paths = Paths::default();
    let host = machine::host().map_err(|cause| StartError::Machine {
        what: "tell which machine this is",
        cause,
    })?;
    let (stop, reload) = signals::service_requests().map_err(|cause| StartError::Machine {
        what: "listen for signals",
        cause,
    })?;
    let _alone = opening::lock(&paths.state, DAEMON_LOCK).await?;
    let ledger = open_ledger(&paths.ledger())?;
    let state = paths.state.clone();
    let (settings, faults, in_force) = standing::at_start();
    let assemble = move |settings: crate::config::Settings| {
        let package_manager = detect(Box::new(System), settings.package_manager.clone())?;
        Ok(Parts {
            at_rest: false,
            package_manager,
            settings,
            host: host.clone(),
            paths: paths.clone(),
        })
    };
    let parts = Rc::new(assemble(settings)?);
    let (tick, ticks) = mpsc::channel(TICKS);
    let (ask, asked) = mpsc::channel(CALLS);
    let _listening = listen(ask)?;
    let mut triggers = Triggers::start(tick).await?;
    triggers.replace(&parts.settings.schedules).await?;
    let mut keeper = Keeper {
        parts,
        hands: SocketWorker::default(),
        ledger,
        standing: Standing {
            assemble: Box::new(assemble),
            unkept: in_force && faults.is_none(),
            faults,
            in_force,
        },
        survey: None,
        triggers,
        at_work: None,
        looks: Rc::new(Semaphore::new(1)),
        timekeeping: Timekeeping::begin(),
        post: Post::begin(Door::of_daemon()),
        evidence: proving::open(&state),
        tasks: JoinSet::new(),
    };
    keeper.announce();
    keeper.forget_other_schedules();
    service::ready();
    keeper.forget_other_receivers();
    keeper.prove_configuration();
    keeper.tell_configuration();
    keeper
        .keep(Inbox {
            stop,
            reload,
            ticks,
            asked,
        })
        .await;
    service::stopping();
    event!(
        SERVICE_STOPPING,
        "patchd stops; what the worker has begun goes on"
    );
    Ok(())
}

/// When a newer patchd was put back, its ledger goes back with it.
fn open_ledger(path: &Path) -> Result<Ledger, LedgerError> {
    let opened = Ledger::open(path);
    if !matches!(opened, Err(LedgerError::TooNew { .. })) || taken_away().is_none() {
        return opened;
    }
    let Some(aside) = Ledger::put_back(path)? else {
        return opened;
    };
    event!(LEDGER_PUT_BACK, PATCHD_FILE = %aside.display(),
        "the ledger of the newer patchd lies in {}; its copy from before is in use", aside.display());
    Ledger::open(path)
}

/// Serves the sockets that systemd made. Without them nobody can ask, but the
/// machine is patched all the same.
fn listen(ask: mpsc::Sender<Asked>) -> Result<JoinSet<()>, StartError> {
    let server = Server::new(ask, |cause| {
        event!(CONTROL_SHORT, "no connection can be taken for now: {cause}");
    });
    let mut listening = JoinSet::new();
    let fault = |cause| StartError::Machine {
        what: "take the control sockets",
        cause,
    };
    for (name, socket) in service::sockets().map_err(fault)? {
        let level = match name.as_str() {
            "control" => Level::Public,
            "admin" => Level::Admin,
            _ => continue,
        };
        socket.set_nonblocking(true).map_err(fault)?;
        let listener = UnixListener::from_std(socket).map_err(fault)?;
        listening.spawn_local(server.clone().serve(listener, level));
    }
    if listening.is_empty() {
        event!(
            CONTROL_MISSING,
            "systemd handed over no control socket, so nobody can ask; `systemctl restart patchd-control.socket patchd-admin.socket` brings them back"
        );
    }
    Ok(listening)
}
