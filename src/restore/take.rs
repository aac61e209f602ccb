//! Taking a point: everything that puts back the packages of a plan, kept while
//! they are still what they were.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::database::{self, Conffiles, Diversions, Stanza};
use super::fault::{RestoreError, file};
use super::keeper::Keeper;
use super::look::{Seen, look, missing};
use super::point::{Archive, Control, Entry, Kept, Point, Thing};
use super::site::Site;
use super::sum::Sum;
use super::{seal, store, trees};
use crate::model::{Change, PackageId, Plan, RestorePoint, RunId};
use crate::os::{clock, files};

/// So much must stay free on a file system beside what is kept.
const MARGIN: u64 = 64 << 20;

/// Modes with which a program is more than its caller.
const SPECIAL: u32 = 0o7000;

/// How packages are kept.
#[derive(Debug, Clone)]
pub enum Keeping {
    /// As links and copies of their files.
    Files,
    /// As these package files; what has none cannot be put back.
    Archives(BTreeMap<PackageId, PathBuf>),
}

/// Takes a point of a plan. A second plan of the same run adds to its point:
/// what was there before the first one stays what is gone back to.
pub fn take(
    site: &Site,
    run: RunId,
    plan: &Plan,
    keeping: &Keeping,
) -> Result<RestorePoint, RestoreError> {
    let began = clock::since_boot();
    let _lock = super::transaction::lock(site)?;
    let (mut point, is_first) = begun(site, run, clock::now())?;
    let taken = add(site, &mut point, plan, keeping, is_first);
    if let Err(cause) = taken {
        if is_first {
            store::delete(site, run)?;
        }
        return Err(cause);
    }
    let files = point.packages.iter().flat_map(|kept| &kept.entries);
    let files = files.filter(|entry| matches!(entry.thing, Thing::File { .. }));
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(RestorePoint {
        packages: number(point.packages.len()),
        files: number(files.count()),
        bytes: store::size(site, run),
        milliseconds: u64::try_from(clock::since_boot().saturating_sub(began).as_millis())
            .unwrap_or(u64::MAX),
    })
}

/// What the run has already, or the beginning of it.
fn begun(site: &Site, run: RunId, now: Timestamp) -> Result<(Point, bool), RestoreError> {
    if let Some(mut point) = store::load(site, run)? {
        // What an earlier plan has not replaced is kept anew if it is wanted.
        seal::settle(site, &mut point)?;
        return Ok((point, false));
    }
    // Of a worker that was killed: without its record it is nothing.
    store::delete(site, run)?;
    let names = |path: &str| names(&site.at(Path::new(path)));
    let point = Point {
        run,
        at: now,
        packages: Vec::new(),
        new: Vec::new(),
        stores: Vec::new(),
        links: 0,
        copies: 0,
        users: names("/etc/passwd"),
        groups: names("/etc/group"),
        before: Vec::new(),
        after: None,
        end: None,
        rolled_back: None,
    };
    Ok((point, true))
}

fn add(
    site: &Site,
    point: &mut Point,
    plan: &Plan,
    keeping: &Keeping,
    is_first: bool,
) -> Result<(), RestoreError> {
    let status = sound_status(site)?;
    let stores = std::mem::take(&mut point.stores);
    let mut keeper = Keeper::open(site, point.run, stores, (point.links, point.copies))?;
    let installed = database::stanzas(&status);
    let path = site.dpkg("diversions");
    let diversions = std::fs::read(&path).map_err(file(&path))?;
    let diversions = database::diversions(&diversions);
    for change in plan.changes() {
        let known = |kept: &Kept| kept.change.id == change.id;
        if change.from.is_none() {
            point.new.retain(|new| new.id != change.id);
            point.new.push(change.clone());
        } else if !point.packages.iter().any(known) {
            let stanza = sound(&installed, change)?;
            let mut package = Package {
                site,
                keeper: &mut keeper,
                stanza,
                diversions: &diversions,
            };
            point
                .packages
                .push(package.keep(change, (point.run, keeping))?);
        }
    }
    if is_first {
        let trees = trees::keep(site, &mut keeper)?;
        (point.before, point.end) = (trees.entries, trees.end);
    }
    has_room(site, &keeper)?;
    point.stores = keeper.stores.clone();
    point.links = keeper.links;
    let folder = store::main_folder(site, point.run);
    point.copies = keeper.end().map_err(file(&folder))?;
    point.after = None;
    store::save(site, point)
}

/// dpkg's status, when nothing of it is still in its journal.
fn sound_status(site: &Site) -> Result<Vec<u8>, RestoreError> {
    let journal = site.dpkg("updates");
    let entries = std::fs::read_dir(&journal).map_err(file(&journal))?;
    if entries.flatten().next().is_some() {
        let sentence = "dpkg was interrupted; `dpkg --configure -a` comes first";
        return Err(RestoreError::Unsound(sentence.to_owned()));
    }
    site.status()
}

/// What shall be replaced must be whole, and in the version that was planned from.
fn sound<'a>(installed: &'a [Stanza<'a>], change: &Change) -> Result<&'a Stanza<'a>, RestoreError> {
    match database::find(installed, &change.id) {
        Some(stanza) if stanza.version != change.from => Err(RestoreError::Overtaken(format!(
            "{change}: meanwhile dpkg has another version of it"
        ))),
        Some(stanza) if stanza.is_sound() => Ok(stanza),
        _ => Err(RestoreError::Unsound(format!(
            "{change} cannot be undone later: dpkg does not have it as installed"
        ))),
    }
}

/// One package that is being kept.
struct Package<'a, 'k> {
    site: &'a Site,
    keeper: &'a mut Keeper<'k>,
    stanza: &'a Stanza<'a>,
    diversions: &'a Diversions,
}

impl Package<'_, '_> {
    fn keep(
        &mut self,
        change: &Change,
        (run, keeping): (RunId, &Keeping),
    ) -> Result<Kept, RestoreError> {
        let control = self.control()?;
        let list = self.site.dpkg(&format!("info/{}.list", self.stanza.base));
        let list = std::fs::read(&list).map_err(file(&list))?;
        let paths = database::list(&list);
        let archive = match keeping {
            Keeping::Files => None,
            Keeping::Archives(all) => self.archive(run, all.get(&change.id))?,
        };
        Ok(Kept {
            change: change.clone(),
            source: self.stanza.source.to_owned(),
            base: self.stanza.base.clone(),
            stanza: self.keeper.bytes(self.stanza.raw)?,
            control,
            entries: self.entries(&paths, matches!(keeping, Keeping::Files))?,
            archive,
        })
    }

    /// Everything that dpkg has about the package.
    fn control(&mut self) -> Result<Vec<Control>, RestoreError> {
        let info = self.site.dpkg("info");
        let start = format!("{}.", self.stanza.base);
        let mut names: Vec<String> = std::fs::read_dir(&info)
            .map_err(file(&info))?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            // A dot in what follows belongs to the name of another package.
            .filter(|name| {
                name.strip_prefix(&start)
                    .is_some_and(|it| !it.contains('.'))
            })
            .collect();
        names.sort();
        let mut control = Vec::new();
        for name in names {
            let path = info.join(&name);
            let metadata = path.symlink_metadata().map_err(file(&path))?;
            let bytes = std::fs::read(&path).map_err(file(&path))?;
            control.push(Control {
                name: name.strip_prefix(&start).unwrap_or(&name).to_owned(),
                mode: metadata.permissions().mode() & 0o7777,
                bytes: self.keeper.bytes(&bytes)?,
            });
        }
        Ok(control)
    }

    fn entries(&mut self, paths: &[PathBuf], with_files: bool) -> Result<Vec<Entry>, RestoreError> {
        let conffiles = database::conffiles(self.stanza.raw);
        let parents: BTreeSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
        let mut entries = Vec::with_capacity(paths.len());
        for path in paths {
            let diverted = self.diversions.of(path, self.stanza.id.name.as_str());
            let place = self.site.at(diverted.as_deref().unwrap_or(path));
            let mut entry = match look(&place, path).map_err(file(&place))? {
                None => missing(path),
                Some(seen) if is_folder(&seen, path, &parents) => as_folder(seen, &place),
                Some(seen) if with_files => {
                    self.entry(&place, seen, &conffiles).map_err(file(&place))?
                }
                Some(seen) => seen.entry,
            };
            entry.diverted = diverted;
            entry.conffile = conffiles.all.contains(path);
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Linked, unless somebody could write through the other name, or run it.
    fn entry(&mut self, place: &Path, seen: Seen, conffiles: &Conffiles) -> std::io::Result<Entry> {
        let path = &seen.entry.path;
        let edited = path.starts_with("/etc") || path.starts_with("/var");
        if edited || conffiles.all.contains(path) || seen.entry.mode & SPECIAL != 0 {
            self.keeper.copy(place, seen)
        } else {
            self.keeper.link(place, seen)
        }
    }

    /// The package file beside the record.
    fn archive(&self, run: RunId, from: Option<&PathBuf>) -> Result<Option<Archive>, RestoreError> {
        let Some(from) = from else {
            return Ok(None);
        };
        let folder = store::main_folder(self.site, run).join("packages");
        store::make_private(&folder).map_err(file(&folder))?;
        let name = format!("{}.deb", self.stanza.base.replace(':', "_"));
        let bytes = std::fs::read(from).map_err(file(from))?;
        let to = folder.join(&name);
        files::replace(&to, &bytes, 0o600).map_err(file(&to))?;
        let sum = Sum::of(&bytes);
        Ok(Some(Archive { name, sum }))
    }
}

/// Whether the package has a folder there, whatever is there on disk: an owner
/// may have moved it, and left a link; a merged /usr has links for /bin and /lib.
fn is_folder(seen: &Seen, path: &Path, parents: &BTreeSet<&Path>) -> bool {
    let is_top = path.parent() == Some(Path::new("/"));
    match seen.entry.thing {
        Thing::Folder { .. } => true,
        Thing::Link { .. } => parents.contains(path) || (is_top && seen_as_merged(path)),
        _ => false,
    }
}

fn seen_as_merged(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name == "bin" || name == "sbin" || name.starts_with("lib")
}

/// A link to a folder counts with the attributes of the folder.
fn as_folder(seen: Seen, place: &Path) -> Entry {
    let mut entry = seen.entry;
    if let Thing::Link { target } = &entry.thing {
        let behind = Some(target.clone());
        entry.thing = Thing::Folder { behind };
        entry.mode = 0o755;
        if let Ok(folder) = std::fs::metadata(place) {
            entry.mode = folder.mode() & 0o7777;
            (entry.uid, entry.gid, entry.mtime) = (folder.uid(), folder.gid(), folder.mtime());
        }
    }
    entry
}

/// Once the files are replaced, the old ones take space beside the new ones.
fn has_room(site: &Site, keeper: &Keeper<'_>) -> Result<(), RestoreError> {
    for (store, held) in &keeper.held {
        let Some(mount) = keeper.stores.get(*store as usize) else {
            continue;
        };
        let place = site.at(mount);
        let space = rustix::fs::statvfs(&place).map_err(|errno| file(&place)(errno.into()))?;
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        if free < held.saturating_add(MARGIN) {
            return Err(RestoreError::NoRoom {
                at: place,
                free_mib: free >> 20,
                needed_mib: held.saturating_add(MARGIN) >> 20,
            });
        }
    }
    Ok(())
}

/// `name:x:number:…`
fn names(path: &Path) -> BTreeMap<u32, String> {
    let text = files::read_bounded(path, 4 << 20).unwrap_or_default();
    let name = |line: &str| {
        let mut words = line.split(':');
        let name = words.next()?.to_owned();
        Some((words.nth(1)?.parse().ok()?, name))
    };
    // The first one counts, as it does for everybody else.
    text.lines().rev().filter_map(name).collect()
}
