//! Behind dpkg: the state trees are merged, and nothing may be left that is not
//! as it was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::back::Back;
use super::database::{find, stanzas};
use super::fault::{RestoreError, file};
use super::journey::{Journey, listed};
use super::merge::{self, Owned, States, Verdict};
use super::point::Thing;
use super::put::{put, remove};
use super::{repair, store, trees};

/// Older contents of configuration files that stayed.
const OLDER: &str = "older";

/// A file that only a list of ours holds.
const MARKS: &str = "/var/lib/apt/extended_states";

impl Back<'_> {
    pub(super) fn merge(&mut self, journey: &Journey) -> Result<(), RestoreError> {
        let site = self.trip.site;
        let now = trees::see(site)?;
        let point = self.source.point;
        let known = trees::earlier(point.end.clone(), journey.end.clone());
        let end = trees::earlier(known, now.end);
        let states = States {
            before: &point.before,
            after: point.after.as_deref().unwrap_or(&journey.at_start),
            at_start: &journey.at_start,
            now: &now.entries,
            end: end.as_deref(),
        };
        let owned = self.owned(journey)?;
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
        self.outcome.unseen = end.as_deref().map(trees::unseen);
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
    fn owned(&self, journey: &Journey) -> Result<Owned, RestoreError> {
        let site = self.trip.site;
        let entries = self.kept.iter().flat_map(|kept| &kept.entries);
        let back = entries.clone().map(|entry| entry.place().to_owned());
        let conffiles = entries.filter(|entry| entry.conffile);
        let mut owned = Owned {
            moving: back
                .chain(journey.leaving.iter().map(PathBuf::from))
                .collect(),
            going: conffiles.map(|entry| entry.place().to_owned()).collect(),
            staying: BTreeSet::new(),
            others_stay: self.course.partial,
        };
        let status = site.status()?;
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
    pub(super) fn compare(&mut self) -> Result<(), RestoreError> {
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
