//! One order, from its first byte to its last event.

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::log;
use super::phases::Tools;
use super::record::{Line, Record};
use super::validate::{Bounds, validate};
use crate::model::{Order, Phase, Plan, Refusal, Report, RunId, WorkerEvent};
use crate::os::clock;
use crate::os::files::no_follow;
use crate::package_manager::{Activity, PackageManager};
use crate::policy::Pattern;

/// Where events go: first into the record, then to whoever listens. A listener
/// that has gone is no reason to stop.
pub(super) struct Desk<'a> {
    run: RunId,
    record: Record,
    listener: &'a mut dyn Write,
}

impl Desk<'_> {
    pub fn run(&self) -> RunId {
        self.run
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    pub fn folder(&self) -> PathBuf {
        self.record.folder().to_owned()
    }

    pub fn tell(&mut self, activity: Activity) {
        self.emit(&activity.into());
    }

    pub fn waiting(&mut self, holder: String) {
        self.emit(&WorkerEvent::Waiting { holder });
    }

    pub fn progress(&mut self, percent: u8, doing: &str) {
        self.emit(&WorkerEvent::Progress {
            percent,
            doing: doing.to_owned(),
        });
    }

    fn emit(&mut self, event: &WorkerEvent) {
        if !matches!(event, WorkerEvent::Progress { .. }) {
            // A full disk must not stop a transaction that is at work; what is
            // lost here is judged by the package database later.
            let _full_disk = self.note(event);
        }
        send(self.listener, event);
    }

    fn note(&mut self, event: &WorkerEvent) -> std::io::Result<()> {
        let event = Box::new(event.clone());
        self.record.append(Line::Event {
            at: clock::now(),
            event,
        })
    }
}

/// Tells somebody who may have gone.
pub(super) fn send(listener: &mut dyn Write, event: &WorkerEvent) {
    if let Ok(mut text) = serde_json::to_string(event) {
        text.push('\n');
        let _gone = listener
            .write_all(text.as_bytes())
            .and_then(|()| listener.flush());
    }
}

/// Carries out the order in `text`. Everything that can be said about it is
/// said to the listener; nothing is returned.
pub(super) async fn serve<P: PackageManager>(
    tools: &Tools<'_, P>,
    removals: &[Pattern],
    text: &str,
    listener: &mut dyn Write,
) {
    match accept(tools, removals, text, listener).await {
        Err(refusal) => send(listener, &WorkerEvent::Refused { refusal }),
        Ok(accepted) => carry_out(tools, accepted, listener).await,
    }
}

struct Accepted {
    order: Order,
    open: Option<RunId>,
    record: Record,
    /// Held until the order is done: one worker at a time.
    _lock: File,
}

async fn accept<P: PackageManager>(
    tools: &Tools<'_, P>,
    removals: &[Pattern],
    text: &str,
    listener: &mut dyn Write,
) -> Result<Accepted, Refusal> {
    let order: Order = serde_json::from_str(text).map_err(|cause| Refusal::Invalid {
        detail: format!("it is not an order: {cause}"),
    })?;
    let lock = lock(tools.root, &order, listener)?;
    let open = Record::find_open(tools.root).map_err(|cause| unusable(tools.root, &cause))?;
    let spare = if order.plan.only_removes() {
        let spare = tools.package_manager.spare_kernels().await;
        spare.map_err(|fault| Refusal::Unable {
            detail: fault.to_string(),
        })?
    } else {
        Plan::default()
    };
    validate(
        &order,
        &Bounds {
            open,
            removals,
            spare: &spare,
        },
    )?;
    let mut record =
        Record::open(tools.root, order.run).map_err(|cause| unusable(tools.root, &cause))?;
    // Without a log the output stays in the run's folder; that is no reason to stop.
    let _no_log = log::prepare(tools.logs, record.folder(), order.run);
    if order.phase == Phase::Repair {
        Record::drop_oldest(tools.root, log::KEPT, order.run)
            .map_err(|cause| unusable(tools.root, &cause))?;
    }
    let line = Line::Order {
        at: clock::now(),
        machine: tools.host.machine_id.clone(),
        boot: tools.host.boot_id.clone(),
        order: Box::new(order.clone()),
    };
    record
        .append(line)
        .map_err(|cause| unusable(record.folder(), &cause))?;
    Ok(Accepted {
        order,
        open,
        record,
        _lock: lock,
    })
}

async fn carry_out<P: PackageManager>(
    tools: &Tools<'_, P>,
    accepted: Accepted,
    listener: &mut dyn Write,
) {
    let Accepted {
        order,
        open,
        record,
        _lock,
    } = accepted;
    let mut desk = Desk {
        run: order.run,
        record,
        listener,
    };
    let accepted = WorkerEvent::Accepted { phase: order.phase };
    if let Err(cause) = desk.note(&accepted) {
        let refusal = unusable(desk.record.folder(), &cause);
        return send(desk.listener, &WorkerEvent::Refused { refusal });
    }
    send(desk.listener, &accepted);
    let done = match order.phase {
        Phase::Repair => tools.repair(&mut desk, open).await,
        Phase::Refresh => tools.refresh(&mut desk).await,
        Phase::Download => tools.download(&mut desk, &order.plan).await,
        Phase::Apply => tools.apply(&mut desk, &order.plan).await,
        Phase::Verify => tools.verify(&mut desk).await,
        Phase::Cleanup => Ok(Report::Cleanup),
    };
    let over = matches!(done, Ok(Report::Verify { .. } | Report::Cleanup));
    desk.emit(&match done {
        Ok(report) => WorkerEvent::Done { report },
        Err(refusal) => WorkerEvent::Refused { refusal },
    });
    if over {
        let _full_disk = desk.record.append(Line::End { at: clock::now() });
    }
}

/// One worker at a time on this machine; the lock dies with its process. A
/// repair waits for the worker that it is to clean up behind, and the next phase
/// of a run for the one before; a stranger does not wait.
fn lock(root: &Path, order: &Order, listener: &mut dyn Write) -> Result<File, Refusal> {
    let made = DirBuilder::new().recursive(true).mode(0o750).create(root);
    made.map_err(|cause| unusable(root, &cause))?;
    let path = root.join("lock");
    let opened = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(&path);
    let file = opened.map_err(|cause| unusable(&path, &cause))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => return Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {}
        Err(cause) => return Err(unusable(&path, &cause)),
    }
    match Record::find_open(root).unwrap_or(None) {
        // It has reported, and is only not gone yet.
        Some(run) if run == order.run && order.phase != Phase::Repair => {}
        run if order.phase != Phase::Repair => return Err(Refusal::Busy { run }),
        run => {
            let run = run.map_or_else(|| "another run".to_owned(), |run| format!("run {run}"));
            let holder = format!("the worker of {run}, which is still at work");
            send(listener, &WorkerEvent::Waiting { holder });
        }
    }
    loop {
        match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(file),
            // A signal that was only noted.
            Err(rustix::io::Errno::INTR) => {}
            Err(cause) => return Err(unusable(&path, &cause)),
        }
    }
}

fn unusable(path: &Path, cause: &dyn std::fmt::Display) -> Refusal {
    let path = path.display();
    Refusal::Unable {
        detail: format!(
            "cannot use {path}: {cause}; check space, owner and mode; nothing was begun"
        ),
    }
}
