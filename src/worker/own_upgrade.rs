//! The upgrade of patchd itself, within its own transaction: the old package is
//! kept before, the new daemon is waited for after, and one that does not become
//! ready is put back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::desk::Desk;
use super::tools::Tools;
use crate::model::{Change, Installed, OwnOutcome, OwnUpgrade, PackageId, Plan, RunId, Version};
use crate::os::{clock, files, systemd};
use crate::package_manager::PackageManager;

/// Our own package, and the daemon in it.
pub(super) const PACKAGE: &str = "patchd";
const UNIT: &str = "patchd.service";

/// In the worker's folder, root's alone: where the old package lies, and where
/// an operator may put it.
const PACKAGES: &str = "packages";

/// In the worker's folder: what the daemon that was put back may want to know.
const PUT_BACK: &str = "put-back.json";

/// That file is a few words.
const CAP: u64 = 64 << 10;

/// How long the new daemon may take, how often it is looked at, and how long it
/// must stay up to count.
const LIMIT: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(500);
const SETTLED: Duration = Duration::from_secs(3);

/// A version that did not become ready and was replaced by the one before. A
/// ledger that it had migrated already has to go back with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutBack {
    /// The version that runs again.
    pub from: Version,
    /// The version that did not become ready.
    pub to: Version,
    /// The run it came with.
    pub run: RunId,
    /// When it was put back.
    pub at: Timestamp,
}

/// What was put back last and not replaced by a version that works since.
pub fn put_back(root: &Path) -> std::io::Result<Option<PutBack>> {
    match files::read_bounded(&root.join(PUT_BACK), CAP) {
        Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Our own package in a plan, while its daemon runs.
pub(super) struct OwnPackage {
    id: PackageId,
    from: Version,
    to: Version,
    /// When the daemon that runs was started.
    started: u64,
    /// The package file of `from`.
    way_back: Option<PathBuf>,
}

impl OwnPackage {
    /// `None` when the plan does not touch it, or nobody waits for it.
    pub async fn of<P: PackageManager>(
        tools: &Tools<'_, P>,
        desk: &mut Desk<'_>,
        plan: &Plan,
    ) -> Option<Self> {
        let mut changes = plan.changes().iter();
        let change = changes.find(|change| change.id.name.as_str() == PACKAGE)?;
        let (from, to) = (change.from.clone()?, change.to.clone()?);
        let before = systemd::service(tools.runner, UNIT).await.ok()?;
        if !before.active.is_up() {
            return None;
        }
        let packages = tools.root.join(PACKAGES);
        let kept = tools.package_manager.keep(&change.id, &from, &packages);
        let way_back = match kept.await {
            Ok(way_back) => way_back,
            Err(fault) => {
                desk.note(fault.to_string());
                None
            }
        };
        if way_back.is_none() {
            desk.note(format!(
                "no way back: the package of patchd {from} is neither in the cache nor on offer; put it into {} as apt names it",
                packages.display()
            ));
        }
        Some(Self {
            id: change.id.clone(),
            from,
            to,
            started: before.started,
            way_back,
        })
    }

    /// Waits for the new daemon, and puts the old one back when it does not come.
    pub async fn await_ready<P: PackageManager>(
        self,
        tools: &Tools<'_, P>,
        desk: &mut Desk<'_>,
        installed: &mut Installed,
    ) -> Option<OwnUpgrade> {
        let reached = |it: &Change| it.id == self.id && it.to.as_ref() == Some(&self.to);
        if !installed.changed.iter().any(reached) {
            return None;
        }
        desk.progress(100, "waiting for the new daemon");
        let Some(ready) = self.is_ready(tools, desk, self.started).await else {
            desk.note("interrupted by shutdown: the new daemon is looked at no more".to_owned());
            return None;
        };
        let outcome = match (ready, &self.way_back) {
            (true, _) => {
                forget(tools.root);
                OwnOutcome::Kept
            }
            (false, None) => OwnOutcome::NoWayBack,
            (false, Some(file)) => self.go_back(tools, desk, file).await,
        };
        if outcome != OwnOutcome::Kept {
            self.correct(tools, installed).await;
        }
        let own = OwnUpgrade {
            from: self.from,
            to: self.to,
            outcome,
        };
        desk.note(own.to_string());
        Some(own)
    }

    async fn go_back<P: PackageManager>(
        &self,
        tools: &Tools<'_, P>,
        desk: &mut Desk<'_>,
        file: &Path,
    ) -> OwnOutcome {
        let put_back = PutBack {
            from: self.from.clone(),
            to: self.to.clone(),
            run: desk.run(),
            at: clock::now(),
        };
        // Before it starts, so that it finds it.
        let written = serde_json::to_vec(&put_back)
            .map_err(std::io::Error::other)
            .and_then(|text| files::replace(&tools.root.join(PUT_BACK), &text, 0o640));
        if let Err(cause) = written {
            desk.note(format!("{PUT_BACK} cannot be written: {cause}"));
        }
        // Whatever tried to start until now is older than what will.
        let tried = systemd::service(tools.runner, UNIT).await;
        let tried = tried.map_or(self.started, |service| service.started);
        let folder = desk.folder();
        let watch = &mut |activity| desk.tell(activity);
        let words = match tools.package_manager.put_back(file, &folder, watch).await {
            Ok(words) => words,
            Err(fault) => Some(fault.to_string()),
        };
        if let Some(words) = words {
            desk.note(format!("putting patchd {} back: {words}", self.from));
        }
        match self.is_ready(tools, desk, tried).await {
            Some(false) => OwnOutcome::Failed,
            // In a shutdown nobody can tell; what is installed is the old one.
            Some(true) | None => OwnOutcome::PutBack,
        }
    }

    /// Whether a daemon that was started after `tried` is ready, and stays so. A
    /// shutdown stops it, whatever it is worth; then there is no answer.
    async fn is_ready<P>(
        &self,
        tools: &Tools<'_, P>,
        desk: &mut Desk<'_>,
        tried: u64,
    ) -> Option<bool> {
        let until = Instant::now() + LIMIT;
        // Which start it is, and since when it has been up.
        let mut up = None;
        loop {
            if tools.noted.stop_was_asked() {
                return None;
            }
            let now = Instant::now();
            let service = systemd::service(tools.runner, UNIT).await.ok();
            match service.filter(|service| service.active.is_up()) {
                Some(service) if service.started > tried => {
                    let start = (service.started, service.restarts);
                    let (same, since) = *up.get_or_insert((start, now));
                    if same != start {
                        up = Some((start, now));
                    } else if now - since >= SETTLED {
                        return Some(true);
                    }
                }
                Some(_) if now >= until => {
                    desk.note(format!(
                        "{UNIT} was not restarted; the daemon that ran before still does"
                    ));
                    return Some(true);
                }
                _ => up = None,
            }
            if now >= until + SETTLED || (now >= until && up.is_none()) {
                return Some(false);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Tells what the package database says now.
    async fn correct<P: PackageManager>(&self, tools: &Tools<'_, P>, installed: &mut Installed) {
        let now = tools
            .package_manager
            .installed(std::slice::from_ref(&self.id))
            .await;
        let Ok(now) = now else { return };
        let at = now.get(&self.id).cloned();
        installed.changed.retain_mut(|change| {
            if change.id == self.id {
                change.to.clone_from(&at);
            }
            change.from != change.to
        });
    }
}

fn forget(root: &Path) {
    let _none_was_put_back = std::fs::remove_file(root.join(PUT_BACK));
}
