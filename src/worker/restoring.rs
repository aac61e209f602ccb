//! The phases that keep a way back, and go it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::phases::{refusal, unable};
use super::serve::Desk;
use super::tools::{Done, Tools};
use crate::model::{
    Change, Extent, KeptPoint, PackageId, Plan, Refusal, Report, RestorePoint, RolledBack, RunId,
    Version,
};
use crate::os::{clock, files};
use crate::package_manager::{Fault, PackageManager};
use crate::restore::{self, Course, Keeping, Outcome, RestoreError, Step, Trip, WayBack};

/// In the worker's folder: the points that there are, for whoever may not look
/// into them.
const POINTS: &str = "restore-points.json";

/// That file is a few lines.
const CAP: u64 = 1 << 20;

/// So many packages that stand against it are named.
const NAMED: usize = 5;

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
        let taken = match restore::take(self.site, run, plan, &keeping) {
            Err(RestoreError::NoRoom { .. }) => {
                self.drop_points(desk, |point| point.run != run)?;
                restore::take(self.site, run, plan, &keeping)
            }
            taken => taken,
        };
        let taken = taken.map_err(not_kept)?;
        self.rotate(desk)?;
        Ok(Report::RestorePoint(taken))
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
    fn tell_points(&self) -> std::io::Result<()> {
        let points = restore::list(self.site).map_err(std::io::Error::other)?;
        let text = serde_json::to_vec(&points)?;
        files::replace(&self.root.join(POINTS), &text, 0o640)
    }

    /// Brings the packages of a point back.
    pub async fn roll_back(&self, desk: &mut Desk<'_>, of: Option<RunId>, extent: Extent) -> Done {
        let run = of.unwrap_or(desk.run());
        let survivor = desk.record().survivor(&self.host.boot_id);
        self.outlive(desk, survivor).await?;
        self.alone(desk).await?;
        let found = match restore::begun(self.site, run) {
            Ok(Some(way)) => Ok(Ok(way)),
            Ok(None) => self.find_way(desk, run, extent).await,
            Err(cause) => Err(no_way(&cause, run)),
        };
        let back = match found {
            Err(told) => told,
            Ok(Err(course)) => RolledBack {
                extent: extent_of(&course),
                left: course.left,
                ..RolledBack::default()
            },
            Ok(Ok(way)) => self.go(desk, &way).await?,
        };
        // A list that is not written is made anew with the next point.
        let _full_disk = self.tell_points();
        Ok(Report::RollBack(Box::new(back)))
    }

    /// All that comes before the first package is touched; without a way the
    /// course that leads nowhere.
    async fn find_way(
        &self,
        desk: &mut Desk<'_>,
        run: RunId,
        extent: Extent,
    ) -> Result<Result<WayBack, Course>, RolledBack> {
        let said = |cause: RestoreError| no_way(&cause, run);
        restore::seal(self.site, run).map_err(said)?;
        let never = |name: &str| self.rules.rollbacks.never.iter().any(|it| it.matches(name));
        let course = restore::decide(self.site, run, &never).map_err(said)?;
        if extent == Extent::Unsound
            && let Some(part) = restore::unsound(self.site, &course).map_err(said)?
        {
            match self.part_of_way(desk, run, part).await {
                Ok(found) => return Ok(found),
                Err(against) => desk.note(format!(
                    "all of run {run} goes back, because what failed cannot go back alone: {against}"
                )),
            }
        }
        if course.is_empty() {
            return Ok(Err(course));
        }
        desk.progress(0, "building the older packages");
        let mut way = self.ready(desk, run, &course).await?;
        if let Err(against) = self.simulate(&way).await {
            // Something that stays may need what came in.
            let kept = way.course.clone().keeping_new();
            let new = std::mem::replace(&mut way.course, kept);
            let again = if new.remove.is_empty() || way.course.is_empty() {
                Err(against.clone())
            } else {
                self.simulate(&way).await
            };
            again.map_err(|_| stuck(run, &against))?;
        }
        if run != desk.run() {
            let reverse = Plan::new(way.course.changes().cloned().collect());
            let taken = restore::take(self.site, desk.run(), &reverse, &Keeping::Files);
            taken.map_err(said)?;
        }
        Ok(Ok(way))
    }

    /// The way for packages that can go back without the others, or what stands
    /// against it.
    async fn part_of_way(
        &self,
        desk: &mut Desk<'_>,
        run: RunId,
        part: Course,
    ) -> Result<Result<WayBack, Course>, String> {
        if part.is_empty() {
            return Ok(Err(part));
        }
        let way = self.ready(desk, run, &part).await;
        let way = way.map_err(|told| told.failure.unwrap_or_default())?;
        self.simulate(&way).await?;
        Ok(Ok(way))
    }

    async fn ready(
        &self,
        desk: &mut Desk<'_>,
        run: RunId,
        course: &Course,
    ) -> Result<WayBack, RolledBack> {
        let said = |cause: RestoreError| no_way(&cause, run);
        let none = BTreeMap::new();
        let wanting = match restore::ready(self.site, run, course, &none).map_err(said)? {
            Ok(way) => return Ok(way),
            Err(wanting) => wanting,
        };
        let folder = desk.folder().join("packages");
        let found = self.fetch(&wanting, &folder).await;
        let again = found.and_then(|found| {
            restore::ready(self.site, run, course, &found).map_err(|cause| cause.to_string())
        });
        match again {
            Ok(Ok(way)) => Ok(way),
            Ok(Err(wanting)) => {
                let names = wanting
                    .iter()
                    .map(|(id, version)| format!("{id} {version}"));
                let names: Vec<String> = names.collect();
                Err(stuck(
                    run,
                    &format!(
                        "nothing is kept of {}: a script changed it in place, or only package files are kept; and no repository has it",
                        names.join(", ")
                    ),
                ))
            }
            Err(words) => Err(stuck(run, &words)),
        }
    }

    async fn fetch(
        &self,
        wanting: &[(PackageId, Version)],
        folder: &Path,
    ) -> Result<BTreeMap<PackageId, PathBuf>, String> {
        let mut found = BTreeMap::new();
        for (id, version) in wanting {
            let kept = self.package_manager.keep(id, version, folder).await;
            if let Some(file) = kept.map_err(|fault| fault.to_string())? {
                found.insert(id.clone(), file);
            }
        }
        Ok(found)
    }

    /// Whether the package manager would do just this, and nothing else.
    async fn simulate(&self, way: &WayBack) -> Result<(), String> {
        let files: Vec<PathBuf> = way.files.iter().map(|(_, file)| file.clone()).collect();
        let removed: Vec<PackageId> = way.course.remove.iter().map(|it| it.id.clone()).collect();
        let simulated = match self.package_manager.simulate_files(&files, &removed).await {
            Ok(simulated) => simulated,
            Err(Fault::Unsolvable { words, .. }) => return Err(words),
            Err(fault) => return Err(fault.to_string()),
        };
        let wanted: Vec<&Change> = way.course.changes().collect();
        let is_wanted = |change: &Change| {
            let same =
                |wanted: &&&Change| wanted.id.name == change.id.name && wanted.to == change.to;
            wanted.iter().any(|wanted| same(&wanted))
        };
        let others = simulated
            .changes()
            .iter()
            .filter(|change| !is_wanted(change));
        let others: Vec<String> = others.map(ToString::to_string).take(NAMED).collect();
        if others.is_empty() {
            return Ok(());
        }
        Err(format!("it would also change {}", others.join(", ")))
    }

    async fn go(&self, desk: &mut Desk<'_>, way: &WayBack) -> Result<RolledBack, Refusal> {
        let delayed = self.delay_shutdown(desk).await;
        self.goes_on()?;
        let log = desk.folder().join("output.log");
        let trip = Trip {
            site: self.site,
            runner: self.runner,
            log: &log,
        };
        let went = restore::go_back(&trip, way, &mut |step| tell(desk, step)).await;
        drop(delayed);
        let outcome = match went {
            Ok(outcome) => outcome,
            Err(cause) => return Ok(no_way(&cause, way.run)),
        };
        if outcome.mended > 0 {
            desk.note(format!(
                "{} paths were put right behind dpkg",
                outcome.mended
            ));
        }
        if let Some(older) = &outcome.older {
            desk.note(format!(
                "older contents of configuration files that stayed are in {}",
                older.display()
            ));
        }
        // Whoever cannot be asked now is asked again by verify; what was done is told.
        let unsound = self.audit().await.unwrap_or_default();
        Ok(told(way, outcome, &unsound))
    }
}

fn tell(desk: &mut Desk<'_>, step: Step) {
    match step {
        Step::Started(process) => desk.tell(crate::package_manager::Activity::Started {
            pid: process.pid,
            start_time: process.start_time,
        }),
        Step::Doing { percent, what } => desk.progress(percent, what),
    }
}

fn extent_of(course: &Course) -> Extent {
    if course.partial {
        Extent::Unsound
    } else {
        Extent::Whole
    }
}

fn told(way: &WayBack, outcome: Outcome, unsound: &[String]) -> RolledBack {
    let run = way.run;
    let failure = outcome.failure.or_else(|| unsound.first().cloned());
    let mut next_steps = Vec::new();
    if failure.is_some() {
        next_steps.push("look at what dpkg said with `patchd logs`".to_owned());
        next_steps.push("mend it with `dpkg --configure -a` and `apt-get -f install`".to_owned());
        next_steps.push(format!("then go on with `patchd rollback {run}`"));
    }
    RolledBack {
        extent: extent_of(&way.course),
        restored: outcome.restored,
        left: outcome.left,
        kept_files: outcome.kept_files,
        failure,
        next_steps,
    }
}

/// Nothing was touched, and what would have to be done first.
fn stuck(run: RunId, against: &str) -> RolledBack {
    RolledBack {
        failure: Some(format!(
            "run {run} cannot be rolled back: {against}; nothing was touched"
        )),
        next_steps: vec![
            "remove, or bring back by hand, what stands in the way".to_owned(),
            format!("then try `patchd rollback {run}` again"),
        ],
        ..RolledBack::default()
    }
}

fn no_way(cause: &RestoreError, run: RunId) -> RolledBack {
    RolledBack {
        failure: Some(cause.to_string()),
        next_steps: vec![format!(
            "put right what is said there, then try `patchd rollback {run}` again; or install the older versions by hand"
        )],
        ..RolledBack::default()
    }
}

/// Without a way back nothing is applied.
fn not_kept(cause: RestoreError) -> Refusal {
    match cause {
        RestoreError::NoRoom { .. } => Refusal::Unfit {
            faults: vec![cause.to_string()],
            room: Plan::default(),
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
