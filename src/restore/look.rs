//! One path as it is on disk.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::point::{Content, Entry, Thing};
use super::sum::Sum;

/// Attributes of one file are bounded by the kernel.
const NAMES_CAP: usize = 64 << 10;
const VALUE_CAP: usize = 64 << 10;

/// A path that is there.
pub struct Seen {
    /// The content of a file is not known yet.
    pub entry: Entry,
    pub metadata: Metadata,
}

/// What is at `place`, called `path` in the record; `None` when nothing is.
pub fn look(place: &Path, path: &Path) -> std::io::Result<Option<Seen>> {
    let metadata = match std::fs::symlink_metadata(place) {
        Ok(metadata) => metadata,
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(cause) => return Err(cause),
    };
    let kind = metadata.file_type();
    let thing = if kind.is_symlink() {
        Thing::Link {
            target: std::fs::read_link(place)?,
        }
    } else if kind.is_dir() {
        Thing::Folder { behind: None }
    } else if kind.is_file() {
        Thing::File {
            size: metadata.len(),
            content: Content::Lost,
            sum: None,
        }
    } else {
        Thing::Other
    };
    let entry = Entry {
        path: path.to_owned(),
        diverted: None,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        mtime: metadata.mtime(),
        xattrs: xattrs(place)?,
        conffile: false,
        thing,
    };
    Ok(Some(Seen { entry, metadata }))
}

/// What a path of a package looks like now, with the digest of a file.
pub fn look_closely(place: &Path, path: &Path) -> std::io::Result<Entry> {
    let Some(Seen { mut entry, .. }) = look(place, path)? else {
        return Ok(missing(path));
    };
    if let Thing::File { sum, size, .. } = &mut entry.thing {
        let (found, length) = Sum::of_all(File::open(place)?)?;
        (*sum, *size) = (Some(found), length);
    }
    Ok(entry)
}

/// Nothing, where something belongs.
pub fn missing(path: &Path) -> Entry {
    Entry {
        path: path.to_owned(),
        diverted: None,
        mode: 0,
        uid: 0,
        gid: 0,
        mtime: 0,
        xattrs: BTreeMap::new(),
        conffile: false,
        thing: Thing::Missing,
    }
}

/// File capabilities, access lists, labels. A file system may know none.
fn xattrs(place: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let size = match rustix::fs::llistxattr_query(place) {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(BTreeMap::new()),
        Ok(size) => size.min(NAMES_CAP),
        Err(errno) => return Err(errno.into()),
    };
    let mut names = vec![0; size];
    let length = rustix::fs::llistxattr(place, &mut names[..])?;
    names.truncate(length);
    let names = String::from_utf8(names).map_err(std::io::Error::other)?;
    let mut all = BTreeMap::new();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let mut value = vec![0; VALUE_CAP];
        match rustix::fs::lgetxattr(place, name, &mut value[..]) {
            Ok(length) => value.truncate(length),
            Err(Errno::NODATA) => continue,
            Err(errno) => return Err(errno.into()),
        }
        all.insert(name.to_owned(), value);
    }
    Ok(all)
}

/// Folders by their real names: no part of what comes out is a link.
#[derive(Default)]
pub struct RealFolders(BTreeMap<PathBuf, PathBuf>);

impl RealFolders {
    /// The folder of `place`, as the kernel finds it.
    pub fn of(&mut self, place: &Path) -> std::io::Result<PathBuf> {
        let folder = place.parent().unwrap_or(Path::new("/"));
        if let Some(real) = self.0.get(folder) {
            return Ok(real.clone());
        }
        let real = folder.canonicalize()?;
        self.0.insert(folder.to_owned(), real.clone());
        Ok(real)
    }
}
