//! What runs old code: looking, restarting, telling.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::inspection::{BEFORE, keep_before, names};
use super::phases::unable;
use super::tools::{Done, Tools};
use crate::model::{LiveLook, Refusal, Report, Restarted};
use crate::os::process::Process;
use crate::os::systemd::SystemdError;
use crate::os::{clock, files};
use crate::package_manager::PackageManager;
use crate::running::{self, Look, Owed, Pass, Terms};
use crate::verify;

/// In a run's folder: which units it restarts. Written before each, so that a
/// unit is restarted at most once, whatever happens to the worker.
const RESTARTS: &str = "restarts.json";

/// A thousand names are a tenth of it, bytes.
const CAP: u64 = 1 << 20;

/// The units that a run restarts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Restarts {
    /// Those that were decided on: what happens to them is the run's doing.
    pub planned: BTreeSet<String>,
    /// Those that were begun, with the processes because of which they were.
    pub begun: BTreeMap<String, Vec<Process>>,
}

impl Restarts {
    /// What this run has done so far.
    pub fn of(folder: &Path) -> Result<Self, Refusal> {
        match files::read_bounded(&folder.join(RESTARTS), CAP) {
            Ok(text) => serde_json::from_str(&text).map_err(|cause| unable(&cause)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(unable(&cause)),
        }
    }

    fn keep(&self, folder: &Path) -> Result<(), Refusal> {
        let text = serde_json::to_vec(self).map_err(|cause| unable(&cause))?;
        files::replace(&folder.join(RESTARTS), &text, 0o640).map_err(|cause| unable(&cause))
    }
}

impl<P: PackageManager> Tools<'_, P> {
    /// Restarts whatever runs old code, as far as it may be; only looks unless
    /// it is `allowed`.
    pub async fn restart(&self, desk: &mut Desk<'_>, allowed: bool) -> Done {
        if self.at_rest {
            return Ok(Report::Restart(Restarted::default()));
        }
        desk.progress(0, "looking for what runs old code");
        let mut restarts = Restarts::of(&desk.folder())?;
        let terms = Terms {
            settings: &self.rules.restarts,
            own: self.unit.as_deref(),
            restarted: &restarts.begun.clone(),
            allowed,
        };
        let pass = Pass::plan(self.runner, running::look(), &terms).await;
        let mut pass = pass.map_err(|fault| no_systemd(&fault))?;
        let all = pass.due().count();
        if all > 0 {
            self.note_state_before(desk).await?;
            restarts.planned.extend(pass.due().map(str::to_owned));
            restarts.keep(&desk.folder())?;
        }
        while let Some(stale) = pass.next_due() {
            self.goes_on()?;
            let unit = &stale.code.unit;
            let percent = 100 * (all - pass.due().count()) / all.max(1);
            let percent = u8::try_from(percent).unwrap_or(100);
            desk.progress(percent, &format!("restarting {unit}"));
            let known = restarts.begun.entry(unit.clone()).or_default();
            known.extend(&stale.processes);
            restarts.keep(&desk.folder())?;
            pass.restart(&stale).await;
        }
        let after = running::look();
        let done = pass.finish(&after).await;
        let mut restarted = done.map_err(|fault| no_systemd(&fault))?;
        let live = self.live(desk, &after);
        restarted.reboot_reasons = reboot_reasons(desk, &live);
        Ok(Report::Restart(restarted))
    }

    /// A run that restarts without having installed anything has a state before, too.
    async fn note_state_before(&self, desk: &Desk<'_>) -> Result<(), Refusal> {
        if desk.folder().join(BEFORE).exists() {
            return Ok(());
        }
        let names = names(desk.record());
        let before = verify::observe(&self.rules.verify, self.runner, &names).await;
        keep_before(&desk.folder(), &before)
    }

    /// What was seen, kept for the daemon, which may not look itself.
    pub(super) fn live(&self, desk: &mut Desk<'_>, look: &Look) -> LiveLook {
        let live = LiveLook {
            at: clock::now(),
            boot: self.host.boot_id.clone(),
            old: look.stale.iter().map(|stale| stale.code.clone()).collect(),
            unread: look.unread,
        };
        if let Err(cause) = running::remember_look(self.root, &live) {
            desk.note(format!("what runs old code cannot be kept: {cause}"));
        }
        live
    }
}

/// Why a reboot is owed; others are told, too.
pub(super) fn reboot_reasons(desk: &mut Desk<'_>, live: &LiveLook) -> Vec<String> {
    let root = Path::new("/");
    let owed = running::reboot_owed(root, &running::kernel(root), Some(live));
    if let Err(cause) = running::raise_flag(root, &owed) {
        desk.note(format!("/run/reboot-required cannot be written: {cause}"));
    }
    owed.iter().map(Owed::to_string).collect()
}

fn no_systemd(fault: &SystemdError) -> Refusal {
    Refusal::Unable {
        detail: format!("nothing was restarted: {fault}"),
    }
}
