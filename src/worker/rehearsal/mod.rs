//! The phase `rehearse`, put together: the jail, what is done in it, and what
//! is made of it.

mod inside;

mod culprits;
mod foretold;
mod trial;

mod way_back;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

pub use inside::{rehearsal_inside, rehearsal_stand_in};

use super::desk::Desk;
use super::phases::{refusal, unable};
use super::tools::{Done, Tools};
use crate::model::{PackageName, Plan, Refusal, Rehearsal, Report, Verdict};
use crate::os::{files, jail, machine, systemd};
use crate::package_manager::{Held, PackageManager};
use crate::rehearsal::{self, Check, Room, Spare};
use crate::verify;
use trial::{Setting, Trial};

/// In the folder of a run: the report of its last rehearsal.
const REPORT: &str = "rehearsal.json";

/// A hundred thousand files are a third of it, bytes.
const REPORT_CAP: u64 = 32 << 20;

/// As many files as are told; the report in the folder has them all.
const TOLD: usize = 500;

/// In the worker's folder, root's alone: layers on disk.
const LAYERS: &str = "layers";

/// What makes a rehearsal worthless.
const DISTURBED: &str = "somebody changed packages while it was rehearsed";

impl<P: PackageManager> Tools<'_, P> {
    /// Tries the plan in a throw-away view of this machine; changes nothing.
    pub async fn rehearse(&self, desk: &mut Desk<'_>, plan: &Plan) -> Done {
        let held = self.stand_still(desk).await?;
        self.goes_on()?;
        self.same_plan(plan).await?;
        let unpacked = self.package_manager.unpacked(plan).await.map_err(refusal)?;
        let mut report = match self.setting(rehearsal::predicted(plan, unpacked)).await? {
            Ok(setting) => self.tried(&setting, plan, desk).await?,
            Err(no_room) => Rehearsal::impossible(plan.clone(), no_room),
        };
        if held.was_disturbed() {
            return Err(Refusal::Stale {
                differences: vec![DISTURBED.to_owned()],
            });
        }
        drop(held);
        let boot_loader = rehearsal::boot_loader_warnings(Path::new("/"), plan, self.runner);
        report.warnings.extend(boot_loader.await);
        let text = serde_json::to_vec(&report).map_err(|cause| unable(&cause))?;
        files::replace(&desk.folder().join(REPORT), &text, 0o640)
            .map_err(|cause| unable(&cause))?;
        report.files.listed.truncate(TOLD);
        Ok(Report::Rehearse(Box::new(report)))
    }

    /// Nobody changes packages from now on, and nothing is left of rehearsals that
    /// were killed.
    async fn stand_still(&self, desk: &mut Desk<'_>) -> Result<Held, Refusal> {
        self.sweep();
        let watch = &mut |activity| desk.tell(activity);
        self.package_manager.hold(watch).await.map_err(refusal)
    }

    /// Clears up behind rehearsals that were killed.
    pub(super) fn sweep(&self) {
        jail::sweep(&self.root.join(LAYERS));
    }

    /// Where the configuration wants a rehearsal before, there must be one of this
    /// very plan, which has not shown that it fails. Making room is not rehearsed.
    pub(super) fn was_rehearsed(&self, folder: &Path, plan: &Plan) -> Result<(), Refusal> {
        if !self.rules.rehearse || plan.only_removes() {
            return Ok(());
        }
        let refused = |why: &str| {
            let detail = format!("{why}; rehearse comes before apply");
            Err(Refusal::Invalid { detail })
        };
        let Ok(text) = files::read_bounded(&folder.join(REPORT), REPORT_CAP) else {
            return refused("nothing was rehearsed in this run");
        };
        match serde_json::from_str::<Rehearsal>(&text) {
            Ok(report) if report.plan.digest() != plan.digest() => {
                refused("another plan was rehearsed in this run")
            }
            Ok(report) if report.verdict == Verdict::Confirmed => {
                refused("this plan has failed in rehearsal")
            }
            Ok(_) => Ok(()),
            Err(_) => refused("the report of the rehearsal in this run cannot be read"),
        }
    }

    /// The report, with whoever makes it fail.
    async fn tried(
        &self,
        setting: &Setting,
        plan: &Plan,
        desk: &mut Desk<'_>,
    ) -> Result<Rehearsal, Refusal> {
        let trial: Trial = match trial::perform(setting, plan, None, desk).await {
            Ok(trial) => trial,
            Err(error) => return Ok(Rehearsal::impossible(plan.clone(), error.to_string())),
        };
        if !trial.heard.stale.is_empty() {
            return Err(Refusal::Stale {
                differences: trial.heard.stale,
            });
        }
        let mut report = foretold::report(plan, setting, &trial);
        // Who fails without being planned, as with somebody else's trigger, cannot
        // be set aside.
        let planned = |name: &PackageName| plan.changes().iter().any(|it| it.id.name == *name);
        report.culprits.retain(planned);
        if report.verdict == Verdict::Confirmed && report.culprits.is_empty() {
            self.name_culprits(setting, &mut report, desk).await;
        }
        Ok(report)
    }

    /// What all transactions are tried with; a sentence when there is no room.
    async fn setting(&self, predicted: u64) -> Result<Result<Setting, String>, Refusal> {
        let layers = self.root.join(LAYERS);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&layers)
            .map_err(|cause| unable(&cause))?;
        let room = match self.room(predicted) {
            Ok(room) => room,
            Err(sentence) => return Ok(Err(sentence)),
        };
        let units = if systemd::is_running(Path::new("/")) {
            // A systemd that does not answer has nothing that could be foretold.
            systemd::relations(self.runner).await.unwrap_or_default()
        } else {
            systemd::Relations::new()
        };
        Ok(Ok(Setting {
            units,
            checks: self.checks(),
            room,
            layers,
        }))
    }

    /// Those of services that are installed here, and the owner's own that say
    /// that they need no service.
    fn checks(&self) -> Vec<Check> {
        let mut checks = rehearsal::known_checks();
        for probe in self.rules.verify.probes.iter().filter(|it| it.rehearse) {
            if let verify::Check::Command(argv) = &probe.check {
                checks.push(Check {
                    name: probe.name.clone(),
                    argv: argv.clone(),
                    timeout: probe.timeout,
                });
            }
        }
        checks
    }

    fn room(&self, predicted: u64) -> Result<Room, String> {
        let disk = rustix::fs::statvfs(self.root)
            .map_or(0, |space| space.f_bavail.saturating_mul(space.f_frsize));
        rehearsal::choose(
            predicted,
            Spare {
                memory: machine::available_memory(),
                disk,
            },
        )
    }
}
