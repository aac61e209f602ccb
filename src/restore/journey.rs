//! What is on disk about a way back before dpkg starts: with it the way can be
//! gone on after whatever ended it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::database::{self, Stanza, stanzas};
use super::fault::{RestoreError, file};
use super::point::{Entry, maybe};
use super::ready::{self, WayBack};
use super::site::Site;
use super::{store, trees};
use crate::model::{PackageId, RunId};

/// In the point's folder: a way back that was begun.
const JOURNEY: &str = "journey.json";

#[derive(Serialize, Deserialize)]
pub struct Journey {
    /// The run that goes it. Another one decides anew: meanwhile somebody may have
    /// been at work.
    pub by: RunId,
    pub way: WayBack,
    /// The state trees when it began.
    pub at_start: Vec<Entry>,
    /// The last path of them that is known, where they have too many.
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    pub end: Option<PathBuf>,
    /// The paths of what goes away.
    pub leaving: Vec<String>,
    /// What was on hold then: dpkg forgets that of whatever it is given.
    #[serde(default)]
    pub held: Vec<PackageId>,
}

/// A way back with this run's point that was begun by that one and not ended.
pub fn begun(site: &Site, run: RunId, by: RunId) -> Result<Option<WayBack>, RestoreError> {
    Ok(load(site, run, by)?.map(|journey| journey.way))
}

/// The whole of it.
pub fn load(site: &Site, run: RunId, by: RunId) -> Result<Option<Journey>, RestoreError> {
    let path = store::main_folder(site, run).join(JOURNEY);
    let journey: Option<Journey> = store::read(&path).map_err(file(&path))?;
    Ok(journey.filter(|journey| journey.by == by))
}

/// Writes down what must be known whatever happens from here on.
pub fn set_out(site: &Site, way: &WayBack, by: RunId) -> Result<Journey, RestoreError> {
    let status = site.status()?;
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
    let held = installed.iter().filter(|stanza| stanza.is_held());
    let trees = trees::see(site)?;
    let journey = Journey {
        by,
        way: way.clone(),
        at_start: trees.entries,
        end: trees.end,
        leaving: leaving.map(str::to_owned).collect(),
        held: held.map(|stanza| stanza.id.clone()).collect(),
    };
    let path = store::main_folder(site, way.run).join(JOURNEY);
    store::write(&path, &journey).map_err(file(&path))?;
    Ok(journey)
}

/// It is at its end. Its package files go behind it: as long as it is there, one
/// that was cut short goes on with them.
pub fn forget(site: &Site, run: RunId) -> Result<(), RestoreError> {
    let path = store::main_folder(site, run).join(JOURNEY);
    store::gone(std::fs::remove_file(&path)).map_err(file(&path))?;
    // What cannot be removed goes with the next way back, or with the point.
    let _stays = ready::clear(site, run);
    Ok(())
}

/// All paths of an installed package; none where its list is gone.
pub fn listed(site: &Site, stanza: &Stanza<'_>) -> Vec<PathBuf> {
    let list = site.dpkg(&format!("info/{}.list", stanza.base));
    database::list(&std::fs::read(list).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::Course;

    #[test]
    fn a_way_is_gone_on_with_by_the_run_that_began_it_and_by_no_later_one() {
        let root = tempfile::tempdir().expect("a folder");
        let site = Site::below(root.path()).expect("there");
        let [run, first, later] = [1, 2, 3].map(|at| RunId::new(at, 0));
        for folder in [&site.dpkg("info"), &store::main_folder(&site, run)] {
            std::fs::create_dir_all(folder).expect("made");
        }
        std::fs::File::create(site.dpkg("status")).expect("made");
        let way = WayBack {
            run,
            course: Course::default(),
            files: Vec::new(),
        };
        set_out(&site, &way, first).expect("begun");
        let goes_on = |by| begun(&site, run, by).expect("read").is_some();
        assert_eq!([first, later].map(goes_on), [true, false]);
        forget(&site, run).expect("over");
        assert!(!goes_on(first));
    }
}
