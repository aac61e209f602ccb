//! What keeps a way back: restore points are taken, sealed, listed and let go.

use std::collections::BTreeMap;
use std::path::Path;

use super::desk::Desk;
use super::phases::{refusal, unable};
use super::tools::{Done, Tools};
use crate::model::{KeptPoint, Plan, Refusal, Report, RestorePoint, RunId};
use crate::os::{clock, files};
use crate::package_manager::PackageManager;
use crate::restore::{self, Keeping, RestoreError};

/// In the worker's folder: the points that there are, for whoever may not look
/// into them.
const POINTS: &str = "restore-points.json";

/// That file is a few lines.
const CAP: u64 = 1 << 20;

/// The restore points of this machine, oldest first.
pub fn restore_points(root: &Path) -> std::io::Result<Vec<KeptPoint>> {
    match files::read_bounded(&root.join(POINTS), CAP) {
        Ok(text) => Ok(serde_json::from_str(&text)?),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(cause),
    }
}

impl<P: PackageManager> Tools<'_, P> {
    /// Keeps what puts back every package of the plan.
    pub async fn restore_point(&self, desk: &mut Desk<'_>, plan: &Plan) -> Done {
        // Old kernels are removed to make room, and links would hold that room.
        if plan.only_removes() {
            return Ok(Report::RestorePoint(RestorePoint::default()));
        }
        self.alone(desk).await?;
        let keeping = if self.rules.packages_only {
            self.archives(desk, plan).await?
        } else {
            Keeping::Files
        };
        let run = desk.run();
        let taken = loop {
            match restore::take(self.site, run, plan, &keeping) {
                Ok(taken) => break taken,
                Err(cause) => match self.makes_room(run, &cause)? {
                    Some(goes) => self.drop_points(desk, |point| point.run == goes)?,
                    None => return Err(not_kept(cause)),
                },
            }
        };
        self.rotate(desk)?;
        Ok(Report::RestorePoint(taken))
    }

    /// Which point goes, if that helps.
    fn makes_room(&self, run: RunId, cause: &RestoreError) -> Result<Option<RunId>, Refusal> {
        let RestoreError::NoRoom {
            free_mib,
            needed_mib,
            ..
        } = cause
        else {
            return Ok(None);
        };
        let points = restore::list(self.site).map_err(|cause| unable(&cause))?;
        let wanting = needed_mib.saturating_sub(*free_mib);
        Ok(restore::make_room(&points, run, wanting))
    }

    /// What was reported counts only as long as it is there.
    pub fn can_undo(&self, run: RunId, plan: &Plan) -> Result<(), Refusal> {
        let covered =
            plan.only_removes() || restore::covers(self.site, run, plan).map_err(not_kept)?;
        if covered {
            return Ok(());
        }
        Err(Refusal::Invalid {
            detail: format!("the restore point of run {run} does not hold what is in the plan"),
        })
    }

    /// The package files of what the plan replaces, as far as they can be had.
    async fn archives(&self, desk: &mut Desk<'_>, plan: &Plan) -> Result<Keeping, Refusal> {
        let folder = desk.folder().join("packages");
        let mut found = BTreeMap::new();
        for change in plan.changes() {
            let Some(from) = &change.from else { continue };
            let kept = self.package_manager.keep(&change.id, from, &folder).await;
            match kept.map_err(refusal)? {
                Some(file) => {
                    found.insert(change.id.clone(), file);
                }
                None => desk.note(format!(
                    "no way back for {}: the package file of {from} is neither in the cache nor on offer",
                    change.id
                )),
            }
        }
        Ok(Keeping::Archives(found))
    }

    /// What the transaction has not replaced is let go. What goes wrong here
    /// costs no more than space.
    pub fn seal(&self, desk: &mut Desk<'_>, run: RunId) {
        let sealed = restore::seal(self.site, run).map_err(|cause| cause.to_string());
        let told = sealed.and_then(|()| self.tell_points().map_err(|it| it.to_string()));
        if let Err(cause) = told {
            desk.note(format!("the restore point cannot be completed: {cause}"));
        }
    }

    fn rotate(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let points = restore::list(self.site).map_err(|cause| unable(&cause))?;
        let limits = &self.rules.rollbacks;
        let keep = usize::try_from(limits.keep).unwrap_or(usize::MAX);
        let going = restore::rotate(&points, (keep, limits.keep_for), clock::now());
        self.drop_points(desk, |point| going.contains(&point.run))
    }

    fn drop_points(
        &self,
        desk: &mut Desk<'_>,
        goes: impl Fn(&KeptPoint) -> bool,
    ) -> Result<(), Refusal> {
        let points = restore::list(self.site).map_err(|cause| unable(&cause))?;
        for point in points.iter().filter(|point| goes(point)) {
            restore::delete(self.site, point.run).map_err(|cause| unable(&cause))?;
            desk.note(format!(
                "the restore point of run {} was deleted",
                point.run
            ));
        }
        self.tell_points().map_err(|cause| unable(&cause))
    }

    /// Writes the list for those who may not look.
    pub(super) fn tell_points(&self) -> std::io::Result<()> {
        let points = restore::list(self.site).map_err(std::io::Error::other)?;
        let text = serde_json::to_vec(&points)?;
        files::replace(&self.root.join(POINTS), &text, 0o640)
    }
}

/// Without a way back nothing is applied.
fn not_kept(cause: RestoreError) -> Refusal {
    match cause {
        RestoreError::NoRoom { .. } => Refusal::Unfit {
            faults: vec![cause.to_string()],
            room: Plan::default(),
        },
        RestoreError::Overtaken(difference) => Refusal::Stale {
            differences: vec![difference],
        },
        RestoreError::Locked => Refusal::Locked {
            holder: "another program".to_owned(),
            waited_seconds: 0,
        },
        cause => Refusal::Unable {
            detail: format!("no restore point could be made, so nothing is installed: {cause}"),
        },
    }
}
