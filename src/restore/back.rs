//! The way back itself: dpkg brings the packages, the repair pass the rest. It
//! can be begun again at any point of it: what was decided, and what the state
//! trees were like, is on disk before dpkg starts.

use std::path::{Path, PathBuf};

use super::commands::Dpkg;
use super::database::{Stanza, find, stanzas};
use super::decide::Course;
use super::fault::{RestoreError, file};
use super::journey::{self, Journey};
use super::pack::Pack;
use super::point::Kept;
use super::ready::{self, WayBack};
use super::rebuild::Source;
use super::site::Site;
use super::watch::{Step, Watch};
use super::{commands, repair, scripts, store, transaction};
use crate::model::{Change, PackageId, RunId};
use crate::os::clock;
use crate::os::command::{Command, Runner};

/// Scripts that would not let their package go.
const SILENCED: &str = "silenced";

/// As often dpkg is asked; from the second time on nobody may refuse.
const ATTEMPTS: usize = 3;

/// Where it happens.
pub struct Trip<'a> {
    /// The system that goes back.
    pub site: &'a Site,
    /// The run that goes.
    pub by: RunId,
    /// Who is asked to make caches anew.
    pub runner: &'a dyn Runner,
    /// What dpkg says is appended here.
    pub log: &'a Path,
    /// A folder whose programs scripts find before all others; absent on the machine itself.
    pub stand_ins: Option<&'a Path>,
}

/// What came of it, read from the package database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is different now.
    pub restored: Vec<Change>,
    /// What stays as the run has left it.
    pub left: Vec<Change>,
    /// Configuration files that stay because somebody changed them since; behind
    /// them, where there were too many paths to look at, what of them is not known.
    pub kept_files: Vec<String>,
    /// What was neither kept nor compared, because there is too much of it.
    pub unseen: Option<String>,
    /// Where their older contents are; absent when there are none.
    pub older: Option<PathBuf>,
    /// How many paths the repair pass put right.
    pub mended: usize,
    /// Set when it did not go through.
    pub failure: Option<String>,
}

/// Goes the whole way. An error means that nothing was touched; what goes wrong
/// later is told in the outcome.
pub async fn go_back(
    trip: &Trip<'_>,
    way: &WayBack,
    watch: Watch<'_>,
) -> Result<Outcome, RestoreError> {
    let (site, run) = (trip.site, way.run);
    let mut point = store::load(site, run)?.ok_or(RestoreError::Absent(run))?;
    let main = store::main_folder(site, run);
    let pack = Pack::open(&main).map_err(file(&main))?;
    let _lock = transaction::frontend(site)?;
    let journey = match journey::load(site, run, trip.by)? {
        Some(journey) => journey,
        None => journey::set_out(site, way, trip.by)?,
    };
    let back = way.course.back.iter().map(|change| &change.id);
    let back = back.chain(&way.course.there);
    let mut back = Back {
        trip,
        source: Source {
            site,
            point: &point,
            pack: &pack,
        },
        course: &way.course,
        kept: back.filter_map(|id| ready::kept(&point, id)).collect(),
        outcome: Outcome {
            left: way.course.left.clone(),
            ..Outcome::default()
        },
    };
    let gone = back.go(way, &journey, watch).await;
    let mut outcome = back.outcome;
    if let Err(cause) = gone {
        outcome.failure.get_or_insert_with(|| cause.to_string());
    }
    let counted = restored(site, &way.course);
    match counted {
        Ok(restored) => outcome.restored = restored,
        Err(cause) => outcome.failure = Some(cause.to_string()),
    }
    if outcome.failure.is_none() && !way.course.partial {
        point.rolled_back = Some(clock::now());
        outcome.failure = store::save(site, &point).err().map(|it| it.to_string());
    }
    // A failed one is decided anew: until then somebody may have been at work.
    let forgotten = journey::forget(site, run);
    outcome.failure = outcome.failure.or(forgotten.err().map(|it| it.to_string()));
    Ok(outcome)
}

/// What is as it shall be now.
fn restored(site: &Site, course: &Course) -> Result<Vec<Change>, RestoreError> {
    let status = site.status()?;
    let installed = stanzas(&status);
    let is_done = |change: &&Change| match (&change.to, find(&installed, &change.id)) {
        (Some(_), Some(now)) => now.is_sound() && now.version == change.to,
        (None, now) => !now.is_some_and(Stanza::is_there),
        (Some(_), None) => false,
    };
    Ok(course.changes().filter(is_done).cloned().collect())
}

/// A way back while it is gone.
pub(super) struct Back<'a> {
    pub(super) trip: &'a Trip<'a>,
    pub(super) source: Source<'a>,
    pub(super) course: &'a Course,
    /// The records of what goes back.
    pub(super) kept: Vec<&'a Kept>,
    pub(super) outcome: Outcome,
}

impl Back<'_> {
    async fn go(
        &mut self,
        way: &WayBack,
        journey: &Journey,
        watch: Watch<'_>,
    ) -> Result<(), RestoreError> {
        watch(doing(5, "making way"));
        for kept in &self.kept {
            repair::unlink_folders(&self.source, kept)?;
        }
        watch(doing(10, "putting packages back"));
        self.install(way, watch).await?;
        if self.outcome.failure.is_none() {
            watch(doing(75, "taking away what came in"));
            self.take_away(way, watch).await?;
            repair::sweep_new(self.trip.site, &journey.leaving)?;
        }
        watch(doing(80, "putting right what dpkg leaves"));
        for kept in &self.kept {
            self.outcome.mended += repair::mend(&self.source, kept)?.len();
        }
        let gone: Vec<&PackageId> = self.course.remove.iter().map(|it| &it.id).collect();
        repair::database(&self.source, &self.kept, &gone, &journey.held)?;
        if self.outcome.failure.is_some() {
            return Ok(());
        }
        watch(doing(90, "merging configuration"));
        self.merge(journey)?;
        for question in [commands::ldconfig(), commands::reload_units()] {
            // Where no systemd runs there is nothing to reload.
            let _said = self.trip.runner.ask(&question).await;
        }
        watch(doing(95, "comparing"));
        self.compare()
    }

    /// dpkg, until everything is back, or will not come.
    async fn install(&mut self, way: &WayBack, watch: Watch<'_>) -> Result<(), RestoreError> {
        let site = self.trip.site;
        let aside = store::main_folder(site, way.run).join(SILENCED);
        for attempt in 0..ATTEMPTS {
            let status = site.status()?;
            let installed = stanzas(&status);
            let missing = self.missing(&installed);
            if missing.is_empty() {
                break;
            }
            if attempt > 0 {
                let there = missing.iter().filter_map(|id| find(&installed, id));
                scripts::silence(site, &there.collect::<Vec<_>>(), &aside)?;
                // What came in may break what shall come back.
                self.remove_new(watch).await?;
            }
            let files = way.files.iter().filter(|(id, _)| missing.contains(&id));
            let files: Vec<PathBuf> = files.map(|(_, file)| file.clone()).collect();
            self.run(&self.dpkg().install(&files), watch).await?;
            self.run(&self.dpkg().configure(), watch).await?;
        }
        let status = site.status()?;
        let installed = stanzas(&status);
        let missing = self.missing(&installed);
        let there = missing.iter().filter_map(|id| find(&installed, id));
        scripts::give_back(site, &there.collect::<Vec<_>>(), &aside)?;
        if !missing.is_empty() {
            let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
            self.outcome.failure = Some(format!("dpkg did not put back {}", names.join(", ")));
        }
        Ok(())
    }

    /// What is not yet in its older version, and whole.
    fn missing(&self, installed: &[Stanza<'_>]) -> Vec<&PackageId> {
        let is_missing = |change: &&Change| {
            let now = find(installed, &change.id);
            !now.is_some_and(|now| now.is_sound() && now.version == change.to)
        };
        let missing = self.course.back.iter().filter(is_missing);
        missing.map(|change| &change.id).collect()
    }

    async fn take_away(&mut self, way: &WayBack, watch: Watch<'_>) -> Result<(), RestoreError> {
        let site = self.trip.site;
        let aside = store::main_folder(site, way.run).join(SILENCED);
        self.remove_new(watch).await?;
        let status = site.status()?;
        let installed = stanzas(&status);
        let mut stubborn = self.still_there(&installed);
        stubborn.retain(|stanza| !is_booted_by_grub(site, stanza));
        if !stubborn.is_empty() {
            scripts::silence(site, &stubborn, &aside)?;
            self.remove_new(watch).await?;
        }
        let status = site.status()?;
        let installed = stanzas(&status);
        let stays = self.still_there(&installed);
        scripts::give_back(site, &stays, &aside)?;
        if !stays.is_empty() {
            let names: Vec<String> = stays.iter().map(|stanza| stanza.id.to_string()).collect();
            self.outcome.failure = Some(format!("dpkg did not take away {}", names.join(", ")));
        }
        Ok(())
    }

    /// What came in and is not gone.
    fn still_there<'s, 'a>(&self, installed: &'s [Stanza<'a>]) -> Vec<&'s Stanza<'a>> {
        let ids = self.course.remove.iter().map(|change| &change.id);
        let there = ids.filter_map(|id| find(installed, id));
        there.filter(|stanza| stanza.is_there()).collect()
    }

    async fn remove_new(&self, watch: Watch<'_>) -> Result<(), RestoreError> {
        let (kernels, others): (Vec<&Change>, Vec<&Change>) = self
            .course
            .remove
            .iter()
            .partition(|change| change.id.name.as_str().starts_with("linux-image-"));
        for (changes, are_kernels) in [(others, false), (kernels, true)] {
            let status = self.trip.site.status()?;
            let installed = stanzas(&status);
            let there = |change: &&Change| {
                let stanza = find(&installed, &change.id).filter(|now| now.is_there());
                stanza.map(|stanza| stanza.id.clone())
            };
            let ids: Vec<PackageId> = changes.iter().filter_map(there).collect();
            if ids.is_empty() {
                continue;
            }
            let command = if are_kernels {
                self.dpkg().purge(&ids)
            } else {
                self.dpkg().remove(&ids)
            };
            self.run(&command, watch).await?;
        }
        Ok(())
    }

    fn dpkg(&self) -> Dpkg<'_> {
        Dpkg {
            stand_ins: self.trip.stand_ins,
        }
    }

    async fn run(&self, command: &Command, watch: Watch<'_>) -> Result<(), RestoreError> {
        let ran = transaction::perform(self.trip.runner, command, self.trip.log, watch).await;
        ran.map_err(|cause| RestoreError::Unsound(cause.to_string()))
    }
}

fn doing(percent: u8, what: &'static str) -> Step {
    Step::Doing { percent, what }
}

/// A kernel that GRUB would look for is not taken away without its scripts.
fn is_booted_by_grub(site: &Site, stanza: &Stanza<'_>) -> bool {
    let Some(release) = stanza.id.name.as_str().strip_prefix("linux-image-") else {
        return false;
    };
    let menu = std::fs::read_to_string(site.at(Path::new("/boot/grub/grub.cfg")));
    menu.is_ok_and(|menu| menu.contains(&format!("vmlinuz-{release}")))
}
