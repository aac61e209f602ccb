//! One order, from its first byte to its last event.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::FlockOperation;

use super::caller::Caller;
use super::desk::Desk;
use super::going_back::Wish;
use super::log;
use super::overseer::Overseer;
use super::record::{Line, Record};
use super::tools::{Done, Tools};
use super::validate::{Bounds, validate};
use crate::model::{Errand, Order, Phase, Plan, Refusal, Report, RunId, WorkerEvent};
use crate::os::clock;
use crate::os::files::no_follow;
use crate::package_manager::PackageManager;

/// Hears one order and carries it out. Everything that can be said about it is
/// said to the caller; nothing is returned.
pub(super) async fn serve<P: PackageManager>(tools: &Tools<'_, P>, caller: &mut Caller) {
    let done = match caller.order() {
        Ok(text) => obey(tools, &text, caller).await,
        Err(refusal) => Err(refusal),
    };
    caller.last_word(&end(done));
}

/// Carries out the order in `text`; its end is in the record when this returns.
pub(super) async fn obey<P: PackageManager>(
    tools: &Tools<'_, P>,
    text: &str,
    caller: &mut Caller,
) -> Done {
    let post = accept(tools, text, caller).await?;
    carry_out(tools, post, caller).await
}

fn end(done: Done) -> WorkerEvent {
    match done {
        Ok(report) => WorkerEvent::Done { report },
        Err(refusal) => WorkerEvent::Refused { refusal },
    }
}

struct Post {
    order: Order,
    open: Option<RunId>,
    record: Record,
    /// Held until the order is done: one worker at a time.
    _lock: File,
}

async fn accept<P: PackageManager>(
    tools: &Tools<'_, P>,
    text: &str,
    caller: &mut Caller,
) -> Result<Post, Refusal> {
    let order: Order = serde_json::from_str(text).map_err(|cause| Refusal::Invalid {
        detail: format!("it is not an order: {cause}"),
    })?;
    let root = tools.root;
    let lock = lock(root, &order, caller)?;
    let open = Record::find_open(root).map_err(|cause| unusable(root, &cause))?;
    let past = Record::past(root, order.run).map_err(|cause| unusable(root, &cause))?;
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
            past: &past,
            removals: &tools.rules.removals,
            reboots: tools.rules.reboots,
            spare: &spare,
        },
    )?;
    if let (Some(detail), false) = (&tools.rules.unsound, order.phase.stands_alone()) {
        let detail = detail.clone();
        return Err(Refusal::Unable { detail });
    }
    if tools.noted.stop_was_asked() {
        return Err(Refusal::Stopping);
    }
    begin(tools, order, open, lock)
}

/// Writes the order down; from here on its run is open.
fn begin<P>(
    tools: &Tools<'_, P>,
    order: Order,
    open: Option<RunId>,
    lock: File,
) -> Result<Post, Refusal> {
    let root = tools.root;
    let mut record = Record::open(root, order.run).map_err(|cause| unusable(root, &cause))?;
    if !order.phase.stands_alone() {
        // Without a log the output stays in the run's folder; that is no reason to stop.
        let _no_log = log::prepare(tools.logs, record.folder(), order.run);
    }
    if order.phase == Phase::Repair || order.phase.stands_alone() {
        Record::drop_oldest(root, log::KEPT, order.run).map_err(|cause| unusable(root, &cause))?;
    }
    let line = Line::Order {
        at: clock::now(),
        machine: tools.host.machine_id.clone(),
        boot: tools.host.boot_id.clone(),
        unit: tools.unit.clone(),
        order: Box::new(order.clone()),
    };
    record
        .append(line)
        .map_err(|cause| unusable(record.folder(), &cause))?;
    Ok(Post {
        order,
        open,
        record,
        _lock: lock,
    })
}

async fn carry_out<P: PackageManager>(
    tools: &Tools<'_, P>,
    post: Post,
    caller: &mut Caller,
) -> Done {
    let Post {
        order,
        open,
        record,
        _lock,
    } = post;
    let scripts = |below| tools.package_manager.scripts(below);
    let overseer = Overseer::new(tools.rules.script_timeout, record.folder(), &scripts);
    let mut desk = Desk::new(order.run, record, caller, overseer);
    let accepted = WorkerEvent::Accepted { phase: order.phase };
    desk.write(&accepted)
        .map_err(|cause| unusable(&desk.folder(), &cause))?;
    desk.say(&accepted);
    let done = match order.phase {
        Phase::Repair => tools.repair(&mut desk, open).await,
        Phase::Refresh => tools.refresh(&mut desk).await,
        Phase::Download => tools.download(&mut desk, &order.plan).await,
        Phase::Apply => tools.apply(&mut desk, &order.plan).await,
        Phase::Verify => tools.verify(&mut desk).await,
        Phase::Rehearse => tools.rehearse(&mut desk, &order.plan).await,
        Phase::RestorePoint => tools.restore_point(&mut desk, &order.plan).await,
        Phase::Restart | Phase::Reboot | Phase::RollBack | Phase::Quarantine | Phase::Hook => {
            tools.go_on(&mut desk, order.errand).await
        }
        Phase::Cleanup => {
            // Of a plan that was not applied after all, the point is thrown away.
            tools.seal(&mut desk, order.run);
            Ok(Report::Cleanup)
        }
        Phase::AcceptConfig => tools.accept_config(),
        Phase::Takeover => tools.take_over().await,
        Phase::GiveBack => tools.give_back().await,
    };
    let _full_disk = desk.write(&end(done.clone()));
    let is_last = order.phase == Phase::Cleanup;
    if order.phase.stands_alone() || is_last {
        desk.close();
    }
    done
}

impl<P: PackageManager> Tools<'_, P> {
    /// The phases that need more than a plan.
    async fn go_on(&self, desk: &mut Desk<'_>, errand: Option<Errand>) -> Done {
        match errand {
            Some(Errand::Restart { allowed }) => self.restart(desk, allowed).await,
            Some(Errand::Reboot { until }) => self.reboot(desk, until).await,
            Some(Errand::Hook { point, outcome }) => self.hook(desk, point, outcome).await,
            Some(Errand::RollBack {
                of,
                extent,
                rehearse,
            }) => {
                let wish = Wish {
                    run: of.unwrap_or(desk.run()),
                    extent,
                    // Where all policies want it, nobody can do without.
                    rehearse: rehearse || self.rules.rehearse,
                };
                self.roll_back(desk, &wish).await
            }
            Some(Errand::Quarantine(wish)) => self.quarantine(desk, &wish).await,
            None => Err(Refusal::Unable {
                detail: "the order has no errand".to_owned(),
            }),
        }
    }
}

/// One worker at a time on this machine; the lock dies with its process. A
/// repair waits for the worker that it is to clean up behind, and the next phase
/// of a run for the one before; a stranger does not wait.
fn lock(root: &Path, order: &Order, caller: &mut Caller) -> Result<File, Refusal> {
    let made = DirBuilder::new().recursive(true).mode(0o750).create(root);
    made.map_err(|cause| unusable(root, &cause))?;
    ours_alone(root)?;
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
            caller.tell(&WorkerEvent::Waiting { holder });
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

/// A folder that somebody else may write holds nothing that can be relied on.
fn ours_alone(root: &Path) -> Result<(), Refusal> {
    let stat = std::fs::symlink_metadata(root).map_err(|cause| unusable(root, &cause))?;
    let ours = stat.uid() == rustix::process::geteuid().as_raw();
    if stat.is_dir() && ours && stat.mode() & 0o022 == 0 {
        return Ok(());
    }
    let detail = format!(
        "{} is not root's alone, or no folder; what lies there may be forged; look at it, then `chown root {0}` and `chmod go-w {0}`",
        root.display()
    );
    Err(Refusal::Unable { detail })
}

fn unusable(path: &Path, cause: &dyn std::fmt::Display) -> Refusal {
    let path = path.display();
    Refusal::Unable {
        detail: format!(
            "cannot use {path}: {cause}; check space, owner and mode; nothing was begun"
        ),
    }
}
