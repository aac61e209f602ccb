//! A package file of what was kept. Each byte is compared with its digest on
//! the way, so that a package file that was built is also a proof that the point
//! is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::archive::{Archive, Header};
use super::database;
use super::pack::Pack;
use super::point::{Content, Entry, Kept, Point, Thing};
use super::seal::{is_unchanged, link_of};
use super::site::Site;
use super::sum::Cut;
use crate::os::files::no_follow;

/// What dpkg adds to the lines of a package file.
const OF_DPKG: [&str; 5] = [
    "Status",
    "Conffiles",
    "Config-Version",
    "Triggers-Pending",
    "Triggers-Awaited",
];

/// Stands for a configuration file that its owner has deleted: dpkg wants one in
/// the package, and leaves it away again.
const DELETED: &[u8] = b"This file was deleted by the owner of this machine.\n";

/// Why a package cannot be built of the point.
#[derive(Debug)]
pub enum Unbuildable {
    /// It was never kept whole: its package file must come from elsewhere.
    NotKept,
    /// It was kept, and is not what it was.
    Damaged(String),
    /// It was kept, and the package file cannot be written.
    Unwritten(std::io::Error),
}

/// What packages are built of.
pub struct Source<'a> {
    pub site: &'a Site,
    pub point: &'a Point,
    pub pack: &'a Pack,
}

/// Builds one package.
pub fn rebuild(source: &Source<'_>, kept: &Kept, to: &Path) -> Result<(), Unbuildable> {
    let lost = |entry: &Entry| {
        let content = matches!(
            entry.thing,
            Thing::File {
                content: Content::Lost,
                ..
            }
        );
        content || entry.thing == Thing::Other
    };
    if kept.entries.iter().any(lost) {
        return Err(Unbuildable::NotKept);
    }
    let build = Build {
        source,
        kept,
        control: control(source, kept)?,
    };
    build.write(to)
}

/// The control files by name, the list of paths among them.
fn control(source: &Source<'_>, kept: &Kept) -> Result<BTreeMap<String, Vec<u8>>, Unbuildable> {
    let bytes = |slice| source.pack.bytes(slice).map_err(|it| damaged(kept, &it));
    let mut control = BTreeMap::new();
    for file in &kept.control {
        control.insert(file.name.clone(), bytes(&file.bytes)?);
    }
    control.insert("control".to_owned(), bytes(&kept.stanza)?);
    Ok(control)
}

struct Build<'a> {
    source: &'a Source<'a>,
    kept: &'a Kept,
    control: BTreeMap<String, Vec<u8>>,
}

impl Build<'_> {
    fn write(&self, to: &Path) -> Result<(), Unbuildable> {
        use Unbuildable::Unwritten;
        let mut archive = Archive::create(to).map_err(Unwritten)?;
        archive.begin_tar("control.tar").map_err(Unwritten)?;
        self.scripts(&mut archive).map_err(Unwritten)?;
        archive.end_tar().map_err(Unwritten)?;
        archive.begin_tar("data.tar").map_err(Unwritten)?;
        self.data(&mut archive)?;
        archive.end_tar().map_err(Unwritten)?;
        archive.end().map_err(Unwritten)
    }

    fn scripts(&self, archive: &mut Archive) -> std::io::Result<()> {
        let header = |path, mode| Header {
            path,
            mode,
            uid: 0,
            gid: 0,
            user: "root",
            group: "root",
            mtime: 0,
        };
        archive.folder(&header(Path::new(""), 0o755))?;
        for (name, bytes) in self.control.iter().filter(|(name, _)| *name != "list") {
            let known = self.kept.control.iter().find(|file| file.name == *name);
            let mode = known.map_or(0o644, |file| file.mode);
            let lines = (name == "control").then(|| database::without(bytes, &OF_DPKG));
            let bytes = lines.as_ref().unwrap_or(bytes);
            let size = bytes.len() as u64;
            archive.file(&header(Path::new(name), mode), size, &mut bytes.as_slice())?;
        }
        Ok(())
    }

    fn data(&self, archive: &mut Archive) -> Result<(), Unbuildable> {
        let shipped = self.shipped_conffiles();
        let stanza = self.control.get("control").map_or(&[][..], Vec::as_slice);
        let obsolete = database::conffiles(stanza).obsolete;
        let mut first_names: BTreeMap<(u64, u64), &Path> = BTreeMap::new();
        for entry in &self.kept.entries {
            let is_shipped = shipped.contains(&entry.path);
            if obsolete.contains(&entry.path) && !is_shipped {
                continue;
            }
            let path = entry.path.strip_prefix("/").unwrap_or(&entry.path);
            let path = if path == Path::new(".") {
                Path::new("")
            } else {
                path
            };
            let twin = identity(entry).and_then(|identity| {
                let known = first_names.get(&identity).copied();
                first_names.entry(identity).or_insert(path);
                known
            });
            match twin {
                Some(first) => archive
                    .twin(&self.header(entry, path), first)
                    .map_err(Unbuildable::Unwritten)?,
                None => self.entry(archive, (entry, path), is_shipped)?,
            }
        }
        Ok(())
    }

    fn entry(
        &self,
        archive: &mut Archive,
        (entry, path): (&Entry, &Path),
        is_shipped: bool,
    ) -> Result<(), Unbuildable> {
        let cut = |cut| match cut {
            Cut::Reading(cause) => damaged(self.kept, &cause),
            Cut::Writing(cause) => Unbuildable::Unwritten(cause),
        };
        let header = self.header(entry, path);
        match &entry.thing {
            Thing::Folder { .. } => archive.folder(&header).map_err(Unbuildable::Unwritten),
            Thing::Link { target } => {
                let header = Header {
                    mode: 0o777,
                    ..header
                };
                archive
                    .link(&header, target)
                    .map_err(Unbuildable::Unwritten)
            }
            Thing::File { size, sum, .. } => {
                let opened = open(self.source, entry);
                let mut from = opened.map_err(|cause| damaged(self.kept, &cause))?;
                let found = archive.file(&header, *size, &mut from).map_err(cut)?;
                if sum.as_ref().is_some_and(|sum| *sum != found) {
                    let place = entry.place().display();
                    return Err(Unbuildable::Damaged(format!(
                        "what was kept of {place} is not what it was"
                    )));
                }
                Ok(())
            }
            Thing::Missing if is_shipped => {
                let header = Header {
                    mode: 0o644,
                    ..header
                };
                let size = DELETED.len() as u64;
                let added = archive.file(&header, size, &mut &*DELETED);
                added.map(drop).map_err(cut)
            }
            Thing::Missing | Thing::Other => Ok(()),
        }
    }

    /// What the package itself calls a configuration file and brings along.
    fn shipped_conffiles(&self) -> BTreeSet<PathBuf> {
        let list = self.control.get("conffiles");
        list.map(|list| database::list(list).into_iter().collect())
            .unwrap_or_default()
    }

    fn header<'h>(&'h self, entry: &Entry, path: &'h Path) -> Header<'h> {
        let point = self.source.point;
        let name = |names: &'h BTreeMap<u32, String>, id| names.get(&id).map_or("", String::as_str);
        Header {
            path,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            user: name(&point.users, entry.uid),
            group: name(&point.groups, entry.gid),
            mtime: entry.mtime,
        }
    }
}

/// What two names of one file have in common.
fn identity(entry: &Entry) -> Option<(u64, u64)> {
    let Thing::File { size, content, .. } = &entry.thing else {
        return None;
    };
    match content {
        Content::Linked { store, number, .. } => Some(((*store).into(), (*number).into())),
        // Without bytes all copies are at one place.
        Content::Copied(at) if *size > 0 => Some((u64::MAX, *at)),
        Content::Copied(_) | Content::Lost => None,
    }
}

/// The kept bytes of a file.
pub fn open<'a>(source: &'a Source<'_>, entry: &Entry) -> std::io::Result<Box<dyn Read + 'a>> {
    let lost = || std::io::Error::other("its content was not kept");
    let Thing::File { size, content, .. } = &entry.thing else {
        return Err(lost());
    };
    match content {
        Content::Copied(at) => Ok(Box::new(source.pack.reader(*at, *size)?)),
        Content::Linked { nanoseconds, .. } => {
            let place = link_of(source.site, source.point, entry).ok_or_else(lost)?;
            if !is_unchanged(&place, *size, (entry.mtime, *nanoseconds))? {
                return Err(std::io::Error::other(format!(
                    "{} was changed",
                    place.display()
                )));
            }
            let mut options = File::options();
            let options = options.read(true).custom_flags(no_follow());
            Ok(Box::new(options.open(place)?))
        }
        Content::Lost => Err(lost()),
    }
}

fn damaged(kept: &Kept, cause: &std::io::Error) -> Unbuildable {
    Unbuildable::Damaged(format!("{}: {cause}", kept.change.id))
}
