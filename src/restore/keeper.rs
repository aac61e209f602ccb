//! Keeps what is at a path: by a link where that is safe, else by a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::fault::{RestoreError, file};
use super::look::{RealFolders, Seen};
use super::pack::Packing;
use super::point::{Content, Entry, Slice, Thing};
use super::site::Site;
use super::store;
use super::sum::Sum;
use crate::model::RunId;
use crate::os::files::no_follow;

/// What is at work on one point.
pub struct Keeper<'a> {
    site: &'a Site,
    run: RunId,
    pub stores: Vec<PathBuf>,
    pub links: u32,
    pack: Packing,
    /// What was kept of an inode already.
    kept: BTreeMap<(u64, u64), (Content, Option<Sum>)>,
    folders: RealFolders,
    /// File systems that take no link of ours.
    barren: BTreeSet<PathBuf>,
    made: BTreeSet<PathBuf>,
    /// How many bytes will be held by links alone, for each store.
    pub held: BTreeMap<u32, u64>,
}

impl<'a> Keeper<'a> {
    /// Goes on behind what a point has already.
    pub fn open(
        site: &'a Site,
        run: RunId,
        stores: Vec<PathBuf>,
        (links, copies): (u32, u64),
    ) -> Result<Self, RestoreError> {
        let folder = store::main_folder(site, run);
        let made = store::make(site, Path::new("/"), run);
        made.map_err(file(&folder))?;
        Ok(Self {
            site,
            run,
            stores,
            links,
            pack: Packing::open(&folder, copies).map_err(file(&folder))?,
            kept: BTreeMap::new(),
            folders: RealFolders::default(),
            barren: BTreeSet::new(),
            made: BTreeSet::new(),
            held: BTreeMap::new(),
        })
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> Result<Slice, RestoreError> {
        let folder = store::main_folder(self.site, self.run);
        self.pack.add(bytes).map_err(file(&folder))
    }

    /// A file that is copied whatever it is.
    pub fn copy(&mut self, place: &Path, mut seen: Seen) -> std::io::Result<Entry> {
        if let Thing::File { size, content, sum } = &mut seen.entry.thing {
            let inode = (seen.metadata.dev(), seen.metadata.ino());
            let known = self.kept.get(&inode);
            let (at, digest) = if let Some((at @ Content::Copied(_), digest)) = known {
                (*at, digest.clone())
            } else {
                let mut options = File::options();
                let options = options.read(true).custom_flags(no_follow());
                let slice = self.pack.add_all(&mut options.open(place)?)?;
                *size = slice.length;
                (Content::Copied(slice.at), Some(slice.sum))
            };
            self.kept.insert(inode, (at, digest.clone()));
            (*content, *sum) = (at, digest);
        }
        Ok(seen.entry)
    }

    /// A file of a package; linked where nothing could change it through the
    /// other name.
    pub fn link(&mut self, place: &Path, mut seen: Seen) -> std::io::Result<Entry> {
        let Thing::File { content, .. } = &mut seen.entry.thing else {
            return Ok(seen.entry);
        };
        let inode = (seen.metadata.dev(), seen.metadata.ino());
        // The second name of a file in one package.
        if let Some((at @ Content::Linked { .. }, _)) = self.kept.get(&inode) {
            *content = *at;
            return Ok(seen.entry);
        }
        let Some(store) = self.store_for(place)? else {
            return self.copy(place, seen);
        };
        match self.make_link(place, store) {
            Ok(number) => {
                *content = Content::Linked {
                    store,
                    number,
                    nanoseconds: seen.metadata.mtime_nsec(),
                };
                self.kept.insert(inode, (*content, None));
                *self.held.entry(store).or_default() += seen.metadata.blocks() * 512;
                Ok(seen.entry)
            }
            Err(cause) if is_no_place(&cause) => self.copy(place, seen),
            Err(cause) => Err(cause),
        }
    }

    /// The store on the same mount, made when it is wanted first.
    fn store_for(&mut self, place: &Path) -> std::io::Result<Option<u32>> {
        let Some(folder) = self.site.inside(&self.folders.of(place)?) else {
            return Ok(None);
        };
        let mount = self.site.mount_of(&folder).to_owned();
        // Small, or of a kind without links, and the boot loader looks at it.
        let boots = mount.starts_with("/boot");
        if boots || self.barren.contains(&mount) {
            return Ok(None);
        }
        let known = self.stores.iter().position(|store| *store == mount);
        let index = known.unwrap_or(self.stores.len());
        if known.is_none() {
            match store::make(self.site, &mount, self.run) {
                Ok(_) => self.stores.push(mount),
                Err(cause) if is_no_place(&cause) => {
                    self.barren.insert(mount);
                    return Ok(None);
                }
                Err(cause) => return Err(cause),
            }
        }
        Ok(u32::try_from(index).ok())
    }

    fn make_link(&mut self, place: &Path, store: u32) -> std::io::Result<u32> {
        let mount = self.stores.get(store as usize);
        let mount = mount.ok_or_else(|| std::io::Error::other("no such store"))?;
        let folder = store::folder(self.site, mount, self.run);
        let link = store::link(&folder, self.links);
        let rack = link.parent().unwrap_or(&folder);
        if !self.made.contains(rack) {
            store::make_private(&folder)?;
            store::make_private(&folder.join("links"))?;
            store::make_private(rack)?;
            self.made.insert(rack.to_owned());
            self.made.insert(folder.join("links"));
            self.made.insert(folder);
        }
        match std::fs::hard_link(place, &link) {
            // Of a worker that was killed before it counted.
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                std::fs::remove_file(&link)?;
                std::fs::hard_link(place, &link)?;
            }
            linked => linked?,
        }
        let number = self.links;
        self.links += 1;
        Ok(number)
    }

    /// All of it on disk; returns how much of the copies counts.
    pub fn end(self) -> std::io::Result<u64> {
        for folder in &self.made {
            store::sync(folder)?;
        }
        self.pack.end()
    }
}

/// Another mount of the same disk, an immutable file, a read-only mount, too many names.
fn is_no_place(cause: &std::io::Error) -> bool {
    let errno = cause.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(
            Errno::XDEV
                | Errno::PERM
                | Errno::MLINK
                | Errno::ROFS
                | Errno::ACCESS
                | Errno::OPNOTSUPP
                | Errno::NOSYS
        )
    )
}
