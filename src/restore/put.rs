//! Puts one path back as it was: beside it first, then in its place, so that at
//! no moment there is half of it.

use std::fs::{File, FileTimes};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::point::{Entry, Thing};
use super::rebuild::{Source, open};
use super::store::gone;
use super::sum::copy_and_sum;
use crate::os::files::no_follow;

/// Puts it back, whatever is there now. A folder with something in it is not
/// thrown away for a file.
pub fn put(source: &Source<'_>, entry: &Entry, place: &Path) -> std::io::Result<()> {
    match &entry.thing {
        Thing::Folder { behind: None } => folder(entry, place),
        Thing::Folder {
            behind: Some(target),
        }
        | Thing::Link { target } => link(entry, place, target),
        Thing::File { .. } => file(source, entry, place),
        Thing::Missing => remove(place),
        Thing::Other => Ok(()),
    }
}

/// Takes away what is there; of a folder only an empty one.
pub fn remove(place: &Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(place) {
        Ok(found) if found.is_dir() => match std::fs::remove_dir(place) {
            Err(cause) if cause.kind() == std::io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => gone(removed),
        },
        Ok(_) => gone(std::fs::remove_file(place)),
        Err(cause) => gone(Err(cause)),
    }
}

/// Mode, owner and extended attributes of what is there already.
pub fn dress(entry: &Entry, place: &Path) -> std::io::Result<()> {
    lchown(place, Some(entry.uid), Some(entry.gid))?;
    if !matches!(entry.thing, Thing::Link { .. }) {
        // Behind the owner, whose change takes setuid away.
        std::fs::set_permissions(place, PermissionsExt::from_mode(entry.mode))?;
    }
    for (name, value) in &entry.xattrs {
        match rustix::fs::lsetxattr(place, name.as_str(), value, XattrFlags::empty()) {
            Ok(()) | Err(Errno::NOTSUP) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn folder(entry: &Entry, place: &Path) -> std::io::Result<()> {
    let there = std::fs::symlink_metadata(place);
    if !there.is_ok_and(|found| found.is_dir()) {
        gone(std::fs::remove_file(place))?;
        std::fs::create_dir_all(place)?;
    }
    dress(entry, place)
}

fn link(entry: &Entry, place: &Path, target: &Path) -> std::io::Result<()> {
    make_way(place)?;
    let beside = beside(place);
    gone(std::fs::remove_file(&beside))?;
    symlink(target, &beside)?;
    lchown(&beside, Some(entry.uid), Some(entry.gid))?;
    std::fs::rename(&beside, place)
}

fn file(source: &Source<'_>, entry: &Entry, place: &Path) -> std::io::Result<()> {
    make_way(place)?;
    let beside = beside(place);
    gone(std::fs::remove_file(&beside))?;
    let mut to = File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(&beside)?;
    let (sum, _) = copy_and_sum(&mut open(source, entry)?, &mut to)?;
    if let Thing::File {
        sum: Some(known), ..
    } = &entry.thing
        && *known != sum
    {
        std::fs::remove_file(&beside)?;
        return Err(std::io::Error::other("what was kept is not what it was"));
    }
    to.flush()?;
    fchown(&to, Some(entry.uid), Some(entry.gid))?;
    dress(entry, &beside)?;
    if let Ok(seconds) = u64::try_from(entry.mtime) {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        to.set_times(FileTimes::new().set_modified(time))?;
    }
    to.sync_all()?;
    std::fs::rename(&beside, place)
}

/// The folder above is there, and no empty folder in the place itself.
fn make_way(place: &Path) -> std::io::Result<()> {
    if let Some(above) = place.parent() {
        std::fs::create_dir_all(above)?;
    }
    match std::fs::symlink_metadata(place) {
        Ok(found) if found.is_dir() => std::fs::remove_dir(place),
        _ => Ok(()),
    }
}

/// A name that no package has.
fn beside(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().as_bytes().to_vec();
    name.extend(b".patchd-new");
    PathBuf::from(std::ffi::OsStr::from_bytes(&name))
}
