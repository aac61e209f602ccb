//! The phase that goes back. All that can be known before the first package is
//! touched is found out before: every package file is there, the package manager
//! would do this and nothing else, and a rehearsal has not failed.

mod dead_end;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::desk::Desk;
use super::tools::{Done, Tools};
use crate::model::{Change, Extent, PackageId, Plan, Report, RolledBack, RunId, Verdict, Version};
use crate::package_manager::{Activity, Fault, PackageManager};
use crate::restore::{self, Course, Keeping, Outcome, RestoreError, Step, Trip, WayBack};
use dead_end::DeadEnd;

/// So many packages that stand against it are named.
const NAMED: usize = 5;

/// How often it is begun while others take dpkg's lock in between.
const ATTEMPTS: usize = 5;

/// What is to go back.
pub(super) struct Wish {
    /// Whose restore point is taken.
    pub run: RunId,
    pub extent: Extent,
    /// Whether it is tried first.
    pub rehearse: bool,
}

/// What comes before the first package is touched, when nothing stands against it.
enum Found {
    /// Everything is as before already, or stays.
    Nothing(Course),
    /// A way, and why it was not rehearsed if it should have been.
    Way(WayBack, Option<String>),
}

impl<P: PackageManager> Tools<'_, P> {
    /// Brings the packages of a point back.
    pub async fn roll_back(&self, desk: &mut Desk<'_>, wish: &Wish) -> Done {
        if let Some(back) = desk.record().went_back() {
            return Ok(Report::RollBack(Box::new(back.clone())));
        }
        let survivor = desk.record().survivor(&self.host.boot_id);
        self.outlive(desk, survivor).await?;
        let mut ended = self.attempt(desk, wish).await;
        for _ in 1..ATTEMPTS {
            // Somebody was quicker; he is waited for, and what he did counts.
            if !matches!(ended, Err(DeadEnd::Useless(RestoreError::Locked))) {
                break;
            }
            ended = self.attempt(desk, wish).await;
        }
        reported(wish.run, ended)
    }

    async fn attempt(&self, desk: &mut Desk<'_>, wish: &Wish) -> Result<RolledBack, DeadEnd> {
        self.alone(desk).await.map_err(DeadEnd::Refused)?;
        let found = match restore::begun(self.site, wish.run, desk.run())? {
            Some(way) => Ok(Found::Way(way, None)),
            None => self.find_way(desk, wish).await,
        };
        if found.is_err() {
            // What was built for it would only take space.
            let _next_time = restore::clear(self.site, wish.run);
        }
        let found = found?;
        let (way, not_rehearsed) = match found {
            Found::Way(way, not_rehearsed) => (way, not_rehearsed),
            Found::Nothing(course) => {
                return Ok(RolledBack {
                    extent: extent_of(&course),
                    left: course.left,
                    ..RolledBack::default()
                });
            }
        };
        let back = self.go(desk, &way).await?;
        // A list that is not written is made anew with the next point.
        let _full_disk = self.tell_points();
        Ok(RolledBack {
            not_rehearsed,
            ..back
        })
    }

    /// All that comes before the first package is touched.
    async fn find_way(&self, desk: &mut Desk<'_>, wish: &Wish) -> Result<Found, DeadEnd> {
        let run = wish.run;
        restore::seal(self.site, run)?;
        let never = |name: &str| self.rules.rollbacks.never.iter().any(|it| it.matches(name));
        let course = restore::decide(self.site, run, &never)?;
        if wish.extent == Extent::Unsound
            && let Some(part) = restore::unsound(self.site, &course)?
        {
            match self.part_of_way(desk, wish, part).await {
                Ok(found) => return Ok(found),
                Err(DeadEnd::Refused(refusal)) => return Err(DeadEnd::Refused(refusal)),
                Err(against) => desk.note(format!(
                    "all of run {run} goes back, because what failed cannot go back alone: {}",
                    against.words()
                )),
            }
        }
        if course.is_empty() {
            return Ok(Found::Nothing(course));
        }
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
            again.map_err(|_| DeadEnd::Blocked(against))?;
        }
        let not_rehearsed = self.rehearsed(desk, wish, &way).await?;
        if run != desk.run() {
            self.keep_what_goes(desk, &way)?;
        }
        Ok(Found::Way(way, not_rehearsed))
    }

    /// So that the rollback can itself be taken back. Where that cannot be, it is
    /// gone all the same: a package that is half-configured has nothing to come
    /// back to.
    fn keep_what_goes(&self, desk: &mut Desk<'_>, way: &WayBack) -> Result<(), DeadEnd> {
        let reverse = Plan::new(way.course.changes().cloned().collect());
        match restore::take(self.site, desk.run(), &reverse, &Keeping::Files) {
            Ok(_) => {}
            Err(RestoreError::Locked) => return Err(RestoreError::Locked.into()),
            Err(cause) => {
                restore::delete(self.site, desk.run())?;
                desk.note(format!(
                    "this rollback cannot itself be taken back: {cause}"
                ));
            }
        }
        Ok(())
    }

    /// The way for packages that can go back without the others.
    async fn part_of_way(
        &self,
        desk: &mut Desk<'_>,
        wish: &Wish,
        part: Course,
    ) -> Result<Found, DeadEnd> {
        if part.is_empty() {
            return Ok(Found::Nothing(part));
        }
        let way = self.ready(desk, wish.run, &part).await?;
        self.simulate(&way).await.map_err(DeadEnd::Blocked)?;
        let not_rehearsed = self.rehearsed(desk, wish, &way).await?;
        Ok(Found::Way(way, not_rehearsed))
    }

    /// Tries the way, if that is wanted; returns why nothing is proved, if so. What
    /// is broken stays broken if nobody dares: only a failure stops a rollback.
    async fn rehearsed(
        &self,
        desk: &mut Desk<'_>,
        wish: &Wish,
        way: &WayBack,
    ) -> Result<Option<String>, DeadEnd> {
        if !wish.rehearse {
            return Ok(None);
        }
        desk.progress(0, "rehearsing the way back");
        let judged = self.try_way_back(desk, way).await;
        let Some(judged) = judged.map_err(DeadEnd::Refused)? else {
            return Err(RestoreError::Locked.into());
        };
        match judged.verdict {
            Verdict::Passed => {
                desk.note(format!("the way back was rehearsed: {}", judged.summary));
                Ok(None)
            }
            Verdict::Unproven => {
                desk.note(format!("the way back is not rehearsed: {}", judged.summary));
                Ok(Some(judged.summary))
            }
            Verdict::Confirmed => Err(DeadEnd::Fails(judged.summary)),
        }
    }

    async fn ready(
        &self,
        desk: &mut Desk<'_>,
        run: RunId,
        course: &Course,
    ) -> Result<WayBack, DeadEnd> {
        desk.progress(0, "building the older packages");
        let none = BTreeMap::new();
        let wanting = match restore::ready(self.site, run, course, &none)? {
            Ok(way) => return Ok(way),
            Err(wanting) => wanting,
        };
        let folder = desk.folder().join("packages");
        let found = self.fetch(&wanting, &folder).await;
        let found = found.map_err(DeadEnd::Blocked)?;
        restore::ready(self.site, run, course, &found)?.map_err(|wanting| {
            let names = wanting
                .iter()
                .map(|(id, version)| format!("{id} {version}"));
            let names: Vec<String> = names.collect();
            DeadEnd::Blocked(format!(
                "nothing is kept of {}: a script changed it in place, or only package files are kept; and no repository has it",
                names.join(", ")
            ))
        })
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

    async fn go(&self, desk: &mut Desk<'_>, way: &WayBack) -> Result<RolledBack, DeadEnd> {
        let delayed = self.delay_shutdown(desk).await;
        self.goes_on().map_err(DeadEnd::Refused)?;
        let log = desk.folder().join("output.log");
        let trip = Trip {
            site: self.site,
            by: desk.run(),
            runner: self.runner,
            log: &log,
            stand_ins: None,
        };
        let went = restore::go_back(&trip, way, &mut |step| tell(desk, step)).await;
        drop(delayed);
        let outcome = went?;
        if outcome.mended > 0 {
            desk.note(format!(
                "{} paths were put right behind dpkg",
                outcome.mended
            ));
        }
        // Whoever cannot be asked now is asked again by verify; what was done is told.
        let unsound = self.audit().await.unwrap_or_default();
        Ok(told(way, outcome, &unsound))
    }
}

/// A dead end is told, too: the run goes on behind it. A refusal ends the order.
fn reported(run: RunId, ended: Result<RolledBack, DeadEnd>) -> Done {
    let back = match ended {
        Ok(back) => back,
        Err(DeadEnd::Refused(refusal)) => return Err(refusal),
        Err(dead_end) => dead_end.told(run),
    };
    Ok(Report::RollBack(Box::new(back)))
}

fn tell(desk: &mut Desk<'_>, step: Step) {
    match step {
        Step::Started(process) => desk.tell(Activity::Started {
            pid: process.pid,
            start_time: process.start_time,
        }),
        Step::AtWork { pid } => desk.tell(Activity::AtWork { pid }),
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
        unseen: outcome.unseen,
        older_files: outcome.older.map(|folder| folder.display().to_string()),
        not_rehearsed: None,
        failure,
        next_steps,
    }
}
