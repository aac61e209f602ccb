//! The way back itself: dpkg brings the packages, the repair pass the rest. It
//! can be begun again at any point of it: what was decided, and what the state
//! trees were like, is on disk before dpkg starts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::database::{self, Stanza, find, stanzas};
use super::decide::Course;
use super::fault::{RestoreError, file};
use super::merge::{self, Owned, States, Verdict};
use super::pack::Pack;
use super::point::{Entry, Kept, Thing};
use super::put::{put, remove};
use super::ready::{self, WayBack};
use super::rebuild::Source;
use super::site::Site;
use super::{commands, repair, scripts, store, transaction, trees};
use crate::model::{Change, PackageId, RunId};
use crate::os::clock;
use crate::os::command::{Command, Runner};
use crate::os::process::Process;

/// In the point's folder: a way back that was begun.
const JOURNEY: &str = "journey.json";

/// Older contents of configuration files that stayed.
const OLDER: &str = "older";

/// Scripts that would not let their package go.
const SILENCED: &str = "silenced";

/// As often dpkg is asked; from the second time on nobody may refuse.
const ATTEMPTS: usize = 3;

/// A file that only a list of ours holds.
const MARKS: &str = "/var/lib/apt/extended_states";

/// What is told while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// dpkg was started.
    Started(Process),
    /// How far it is.
    Doing {
        /// 0 to 100.
        percent: u8,
        /// What is being done.
        what: &'static str,
    },
}

/// Who is told. Must not block and must not fail.
pub type Watch<'a> = &'a mut dyn FnMut(Step);

/// Where it happens.
pub struct Trip<'a> {
    /// The system that goes back.
    pub site: &'a Site,
    /// Who is asked to make caches anew.
    pub runner: &'a dyn Runner,
    /// What dpkg says is appended here.
    pub log: &'a Path,
}

/// What came of it, read from the package database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is different now.
    pub restored: Vec<Change>,
    /// What stays as the run has left it.
    pub left: Vec<Change>,
    /// Configuration files that stay because somebody changed them since.
    pub kept_files: Vec<String>,
    /// Where their older contents are; absent when there are none.
    pub older: Option<PathBuf>,
    /// How many paths the repair pass put right.
    pub mended: usize,
    /// Set when it did not go through.
    pub failure: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Journey {
    way: WayBack,
    /// The state trees when it began.
    at_start: Vec<Entry>,
    /// The paths of what goes away.
    leaving: Vec<String>,
}

/// A way back that was begun and not ended, if there is one.
pub fn begun(site: &Site, run: RunId) -> Result<Option<WayBack>, RestoreError> {
    Ok(journey(site, run)?.map(|journey| journey.way))
}

fn journey(site: &Site, run: RunId) -> Result<Option<Journey>, RestoreError> {
    let path = store::main_folder(site, run).join(JOURNEY);
    store::read(&path).map_err(file(&path))
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
    let journey = match journey(site, run)? {
        Some(journey) => journey,
        None => set_out(site, way)?,
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
        store::save(site, &point)?;
    }
    // A failed one is decided anew: until then somebody may have been at work.
    let path = main.join(JOURNEY);
    store::gone(std::fs::remove_file(&path)).map_err(file(&path))?;
    Ok(outcome)
}

/// Writes down what must be known whatever happens from here on.
fn set_out(site: &Site, way: &WayBack) -> Result<Journey, RestoreError> {
    let status = status(site)?;
    let installed = stanzas(&status);
    let goes = |stanza: &&Stanza<'_>| {
        let mut remove = way.course.remove.iter();
        remove.any(|change| database::is_same(&change.id, &stanza.id))
    };
    let mut leaving: BTreeSet<PathBuf> = BTreeSet::new();
    for stanza in installed.iter().filter(goes) {
        leaving.extend(listed(site, stanza));
    }
    // A folder that others have, too, is theirs.
    for stanza in installed.iter().filter(|stanza| !goes(stanza)) {
        for path in listed(site, stanza) {
            leaving.remove(&path);
        }
    }
    let leaving = leaving.iter().filter_map(|path| path.to_str());
    let journey = Journey {
        way: way.clone(),
        at_start: trees::see(site)?,
        leaving: leaving.map(str::to_owned).collect(),
    };
    let path = store::main_folder(site, way.run).join(JOURNEY);
    store::write(&path, &journey).map_err(file(&path))?;
    Ok(journey)
}

fn status(site: &Site) -> Result<Vec<u8>, RestoreError> {
    let path = site.dpkg("status");
    std::fs::read(&path).map_err(file(&path))
}

/// All paths of an installed package; none where its list is gone.
fn listed(site: &Site, stanza: &Stanza<'_>) -> Vec<PathBuf> {
    let list = site.dpkg(&format!("info/{}.list", stanza.base));
    database::list(&std::fs::read(list).unwrap_or_default())
}

/// What is as it shall be now.
fn restored(site: &Site, course: &Course) -> Result<Vec<Change>, RestoreError> {
    let status = status(site)?;
    let installed = stanzas(&status);
    let is_done = |change: &&Change| match (&change.to, find(&installed, &change.id)) {
        (Some(_), Some(now)) => now.is_sound() && now.version == change.to,
        (None, now) => !now.is_some_and(Stanza::is_there),
        (Some(_), None) => false,
    };
    Ok(course.changes().filter(is_done).cloned().collect())
}

struct Back<'a> {
    trip: &'a Trip<'a>,
    source: Source<'a>,
    course: &'a Course,
    /// The records of what goes back.
    kept: Vec<&'a Kept>,
    outcome: Outcome,
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
            self.take_away(watch).await?;
            repair::sweep_new(self.trip.site, &journey.leaving)?;
        }
        watch(doing(80, "putting right what dpkg leaves"));
        for kept in &self.kept {
            self.outcome.mended += repair::mend(&self.source, kept)?.len();
        }
        let gone: Vec<&PackageId> = self.course.remove.iter().map(|it| &it.id).collect();
        repair::database(&self.source, &self.kept, &gone)?;
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
            let status = status(site)?;
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
            self.run(&commands::install(&files), watch).await?;
            self.run(&commands::configure(), watch).await?;
        }
        let status = status(site)?;
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

    async fn take_away(&mut self, watch: Watch<'_>) -> Result<(), RestoreError> {
        self.remove_new(watch).await?;
        let status = status(self.trip.site)?;
        let installed = stanzas(&status);
        let stays = |change: &&Change| find(&installed, &change.id).is_some_and(Stanza::is_there);
        let stays = self.course.remove.iter().filter(stays);
        let stays: Vec<String> = stays.map(|change| change.id.to_string()).collect();
        if !stays.is_empty() {
            self.outcome.failure = Some(format!("dpkg did not take away {}", stays.join(", ")));
        }
        Ok(())
    }

    async fn remove_new(&self, watch: Watch<'_>) -> Result<(), RestoreError> {
        let (kernels, others): (Vec<&Change>, Vec<&Change>) = self
            .course
            .remove
            .iter()
            .partition(|change| change.id.name.as_str().starts_with("linux-image-"));
        for (changes, command) in [
            (others, commands::remove as fn(&[PackageId]) -> Command),
            (kernels, commands::purge),
        ] {
            let status = status(self.trip.site)?;
            let installed = stanzas(&status);
            let there = |change: &&Change| {
                let stanza = find(&installed, &change.id).filter(|now| now.is_there());
                stanza.map(|stanza| stanza.id.clone())
            };
            let ids: Vec<PackageId> = changes.iter().filter_map(there).collect();
            if !ids.is_empty() {
                self.run(&command(&ids), watch).await?;
            }
        }
        Ok(())
    }

    async fn run(&self, command: &Command, watch: Watch<'_>) -> Result<(), RestoreError> {
        let started = &mut |process| watch(Step::Started(process));
        let ran = transaction::perform(self.trip.runner, command, self.trip.log, started).await;
        ran.map_err(|cause| RestoreError::Unsound(cause.to_string()))
    }

    fn merge(&mut self, journey: &Journey) -> Result<(), RestoreError> {
        let site = self.trip.site;
        let now = trees::see(site)?;
        let point = self.source.point;
        let states = States {
            before: &point.before,
            after: point.after.as_deref().unwrap_or(&journey.at_start),
            at_start: &journey.at_start,
            now: &now,
        };
        let owned = self.owned()?;
        for verdict in merge::judge(&states, &owned) {
            match verdict {
                Verdict::Restore(entry) => {
                    let place = site.at(&entry.path);
                    put(&self.source, entry, &place).map_err(file(&place))?;
                }
                Verdict::Remove(path) => {
                    let place = site.at(path);
                    remove(&place).map_err(file(&place))?;
                }
                Verdict::Keep(path) => {
                    self.outcome.kept_files.push(path.display().to_string());
                    self.lay_out(path)?;
                }
            }
        }
        Ok(())
    }

    /// The older content of a file that stays, for whoever wants to compare.
    fn lay_out(&mut self, path: &Path) -> Result<(), RestoreError> {
        let point = self.source.point;
        let Some(entry) = point.before.iter().find(|entry| entry.path == path) else {
            return Ok(());
        };
        if !matches!(entry.thing, Thing::File { .. }) || !trees::is_kept(entry) {
            return Ok(());
        }
        let folder = store::main_folder(self.trip.site, point.run).join(OLDER);
        let place = folder.join(path.strip_prefix("/").unwrap_or(path));
        put(&self.source, entry, &place).map_err(file(&place))?;
        self.outcome.older = Some(folder);
        Ok(())
    }

    /// Which paths of the trees belong to what goes back, and to what stays.
    fn owned(&self) -> Result<Owned, RestoreError> {
        let site = self.trip.site;
        let conffiles = self.kept.iter().flat_map(|kept| &kept.entries);
        let conffiles = conffiles.filter(|entry| entry.conffile);
        let mut owned = Owned {
            going: conffiles.map(|entry| entry.place().to_owned()).collect(),
            staying: BTreeSet::new(),
            others_stay: self.course.partial,
        };
        let status = status(site)?;
        let installed = stanzas(&status);
        for change in &self.course.left {
            if let Some(stanza) = find(&installed, &change.id) {
                owned.staying.extend(listed(site, stanza));
                // The marks of what came in with them.
                owned.staying.insert(PathBuf::from(MARKS));
            }
        }
        Ok(owned)
    }

    /// Nothing may be left that is not as it was.
    fn compare(&mut self) -> Result<(), RestoreError> {
        for kept in &self.kept {
            let differing = repair::differing(self.trip.site, kept)?;
            if let Some(first) = differing.first() {
                self.outcome.failure = Some(format!(
                    "{} paths of {} are not as they were, such as {}",
                    differing.len(),
                    kept.change.id,
                    first.display()
                ));
            }
        }
        Ok(())
    }
}

fn doing(percent: u8, what: &'static str) -> Step {
    Step::Doing { percent, what }
}
