//! The hidden entrances: `patchd worker`, which hears one order; an act that
//! stands alone, in the process of a command; and `patchd transaction-guard`,
//! which the package manager calls under its lock.

use std::path::Path;

use super::caller::Caller;
use super::log::LOGS;
use super::record::FOLDER;
use super::serve::{obey, serve};
use super::tools::{Rules, Tools};
use super::{LAST_GOOD, acts};
use crate::config::{self, Reader, Settings, Sources};
use crate::model::{ExitCode, Order, Phase, Reboot, Refusal, Report, Restore, Task, WorkerEvent};
use crate::os::jail::{self, Image};
use crate::os::signals::Noted;
use crate::os::{clock, files, machine, signals, systemd};
use crate::package_manager::{apt, apt::Apt, detect};
use crate::policy;
use crate::rehearsal;
use crate::restore::Site;

/// `/proc/self/cgroup` is a line for each hierarchy.
const CGROUP_CAP: u64 = 64 << 10;

/// Hears one order and carries it out. Exits 0 whatever came of it: that is
/// told in events.
#[must_use]
pub fn main() -> ExitCode {
    // Out of the terminal's reach: a Ctrl-C is for whoever gave the order, and a
    // maintainer script finds no terminal to ask on.
    let _already_leader = rustix::process::setsid();
    // Nor is root's shell to say which files others may read.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let noted = signals::outlive();
    let Ok(mut caller) = Caller::of_this_process() else {
        return ExitCode::Failed;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::Failed;
    };
    let work = equipped(&noted, async |tools| serve(&tools, &mut caller).await);
    if let Err(refusal) = runtime.block_on(work) {
        caller.last_word(&WorkerEvent::Refused { refusal });
    }
    runtime.shutdown_background();
    ExitCode::Success
}

/// Carries out a phase that stands alone in this process, for a command that
/// must work without a daemon, as in a maintainer script.
pub async fn stand_alone(phase: Phase) -> Result<Report, Refusal> {
    let run = acts::fresh_id(clock::now());
    let order = Order::new(run, Task::plain(phase));
    let text = serde_json::to_string(&order).map_err(|cause| unable(&cause.to_string()))?;
    equipped(&Noted::default(), async |tools| {
        obey(&tools, &text, &mut Caller::nobody()).await
    })
    .await?
}

/// Calls `work` with everything that it needs on this machine.
async fn equipped<T>(
    noted: &Noted,
    work: impl AsyncFnOnce(Tools<'_, Apt>) -> T,
) -> Result<T, Refusal> {
    if !rustix::process::geteuid().is_root() {
        return Err(unable("the worker must be root; run this with sudo"));
    }
    // Read by ourselves: what the sender knows of the configuration does not count.
    let image = Image::around_us();
    let sources = sources(image.as_ref());
    let last_good = Path::new(FOLDER).join(LAST_GOOD);
    let in_force = config::in_force(&sources, &last_good, &Reader::this_process());
    let (settings, unsound) = match in_force {
        Ok(in_force) => (in_force.loaded.settings, None),
        Err(faults) => (
            Settings::default(),
            Some(format!(
                "the configuration is invalid, and no good copy of it was kept, so nothing is patched: {faults}"
            )),
        ),
    };
    let settings = if image.is_some() {
        settings.at_rest().0
    } else {
        settings
    };
    let policies = || settings.policies.values();
    let reboots = |it: &policy::Settings| it.conduct.reboot != Reboot::Never;
    let reboots = policies().any(reboots);
    let packages_only = |it: &policy::Settings| it.conduct.restore == Restore::PackagesOnly;
    let packages_only = policies().any(packages_only);
    let rules = Rules {
        packages_only,
        rollbacks: settings.rollbacks.clone(),
        removals: policies().flat_map(|it| it.removals.clone()).collect(),
        rehearse: policies().all(|it| it.conduct.rehearse),
        verify: settings.verify,
        restarts: settings.restarts,
        hooks: settings.hooks,
        reboots,
        script_timeout: settings.package_manager.script_timeout,
        unsound,
    };
    let mut package_manager = detect(jail::runner(), settings.package_manager)
        .map_err(|fault| unable(&fault.to_string()))?;
    if image.is_some() {
        let stand_ins = rehearsal::lay_stand_ins();
        let folder = stand_ins.map_err(|cause| unable(&cause.to_string()))?;
        package_manager = package_manager.with_stand_ins(&folder);
    }
    let host = machine::host().map_err(|cause| unable(&cause.to_string()))?;
    let site = Site::here().map_err(|cause| unable(&cause.to_string()))?;
    let runner = jail::runner();
    let tools = Tools {
        site: &site,
        package_manager: &package_manager,
        runner: runner.as_ref(),
        at_rest: image.is_some(),
        rules: &rules,
        host: &host,
        root: Path::new(FOLDER),
        logs: Path::new(LOGS),
        sources: &sources,
        unit: own_unit(),
        noted,
    };
    Ok(work(tools).await)
}

/// Whoever has an image patched may have brought another configuration than its own.
fn sources(image: Option<&Image>) -> Sources {
    let brought = image.and_then(|image| image.configuration.as_deref());
    let only = brought.and_then(|file| Sources::only(file).ok());
    only.unwrap_or_default()
}

/// The unit that systemd has us in, by which its journal is found.
fn own_unit() -> Option<String> {
    let text = files::read_bounded(Path::new("/proc/self/cgroup"), CGROUP_CAP).ok()?;
    systemd::unit_of_cgroup(&text).map(str::to_owned)
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
