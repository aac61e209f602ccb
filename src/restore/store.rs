//! Where points lie: `.patchd-restore/RUN` at the top of each file system that
//! has links of ours, the record and the copies on `/`. A point is valid when
//! its record is there: it is written last, and deleted first.

use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::{RestoreError, file};
use super::point::Point;
use super::site::Site;
use super::sum::Sum;
use crate::model::{Change, KeptPoint, Plan, RunId};
use crate::os::files;

/// Root's alone, on each file system.
const FOLDER: &str = ".patchd-restore";

/// The record of a point.
const RECORD: &str = "point.json";

/// A point of ten thousand packages is below.
const RECORD_CAP: u64 = 512 << 20;

/// Links that lie in one folder.
const FAN: u32 = 1024;

/// Where a point lies on this file system.
pub fn folder(site: &Site, mount: &Path, run: RunId) -> PathBuf {
    site.at(mount).join(FOLDER).join(run.to_string())
}

/// Where its record and its copies lie.
pub fn main_folder(site: &Site, run: RunId) -> PathBuf {
    folder(site, Path::new("/"), run)
}

/// The name of a link.
pub fn link(folder: &Path, number: u32) -> PathBuf {
    let (shelf, place) = (number / FAN, number % FAN);
    folder.join(format!("links/{shelf:04}/{place:04}"))
}

/// Makes a folder of ours, and takes none that somebody else could write.
pub fn make(site: &Site, mount: &Path, run: RunId) -> std::io::Result<PathBuf> {
    let top = site.at(mount).join(FOLDER);
    make_private(&top)?;
    let folder = top.join(run.to_string());
    make_private(&folder)?;
    Ok(folder)
}

/// One folder, root's alone.
pub fn make_private(folder: &Path) -> std::io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => return Err(cause),
        _ => {}
    }
    let stat = std::fs::symlink_metadata(folder)?;
    let ours = stat.uid() == rustix::process::geteuid().as_raw();
    if stat.is_dir() && ours && stat.mode().trailing_zeros() >= 6 {
        return Ok(());
    }
    Err(std::io::Error::new(
        ErrorKind::PermissionDenied,
        "not a folder of root's alone (mode 0700)",
    ))
}

/// Reads a point; `None` when there is none.
pub fn load(site: &Site, run: RunId) -> Result<Option<Point>, RestoreError> {
    let path = main_folder(site, run).join(RECORD);
    let damaged = |detail: String| RestoreError::Damaged { run, detail };
    read(&path).map_err(|cause| damaged(format!("{}: {cause}", path.display())))
}

/// Writes it, and with that makes it valid.
pub fn save(site: &Site, point: &Point) -> Result<(), RestoreError> {
    let path = main_folder(site, point.run).join(RECORD);
    write(&path, point).map_err(file(&path))
}

/// A value below its own digest, so that nothing that was altered is believed.
pub fn write(path: &Path, value: &impl Serialize) -> std::io::Result<()> {
    let json = serde_json::to_string(value)?;
    let text = format!("{}\n{json}\n", Sum::of(json.as_bytes()));
    files::replace(path, text.as_bytes(), 0o600)
}

/// Reads it back; `None` when there is no such file.
pub fn read<T: DeserializeOwned>(path: &Path) -> std::io::Result<Option<T>> {
    let text = match files::read_bounded(path, RECORD_CAP) {
        Ok(text) => text,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause),
    };
    let altered = || std::io::Error::other("it is not what was written");
    let (sum, json) = text.split_once('\n').ok_or_else(altered)?;
    let json = json.trim_end_matches('\n');
    if Sum::of(json.as_bytes()).to_string() != sum {
        return Err(altered());
    }
    Ok(Some(serde_json::from_str(json)?))
}

/// Whether a point can undo all of this plan.
pub fn covers(site: &Site, run: RunId, plan: &Plan) -> Result<bool, RestoreError> {
    let Some(point) = load(site, run)? else {
        return Ok(false);
    };
    let is_kept = |change: &Change| match change.from {
        Some(_) => point.packages.iter().any(|it| it.change.id == change.id),
        None => point.new.iter().any(|new| new.id == change.id),
    };
    Ok(plan.changes().iter().all(is_kept))
}

/// All points, oldest first, valid or not.
pub fn runs(site: &Site) -> Result<Vec<RunId>, RestoreError> {
    let top = site.at(Path::new("/")).join(FOLDER);
    let names = files::names(&top).map_err(file(&top))?;
    let runs = names.into_iter().map(RunId::try_from);
    let mut runs: Vec<RunId> = runs.filter_map(Result::ok).collect();
    runs.sort();
    Ok(runs)
}

/// The points that can be used, oldest first, with what they take.
pub fn list(site: &Site) -> Result<Vec<KeptPoint>, RestoreError> {
    let mut points = Vec::new();
    for run in runs(site)? {
        // A damaged one is told to whoever wants to use it.
        let Ok(Some(point)) = load(site, run) else {
            continue;
        };
        points.push(KeptPoint {
            run,
            at: point.at,
            packages: u32::try_from(point.packages.len()).unwrap_or(u32::MAX),
            bytes: size(site, run),
            rolled_back: point.rolled_back,
        });
    }
    Ok(points)
}

/// What deleting a point would free.
pub fn size(site: &Site, run: RunId) -> u64 {
    let mounts = site.mounts().iter();
    mounts
        .map(|mount| size_below(&folder(site, mount, run)))
        .sum()
}

/// A file that has another name elsewhere takes nothing here.
fn size_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let own = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => found.blocks() * 512 + size_below(&entry.path()),
        Ok(found) if found.nlink() == 1 => found.blocks() * 512,
        _ => 0,
    };
    entries.flatten().map(own).sum()
}

/// Throws a point away. Safe to repeat.
pub fn delete(site: &Site, run: RunId) -> Result<(), RestoreError> {
    let main = main_folder(site, run);
    gone(std::fs::remove_file(main.join(RECORD))).map_err(file(&main))?;
    for mount in site.mounts() {
        let folder = folder(site, mount, run);
        gone(std::fs::remove_dir_all(&folder)).map_err(file(&folder))?;
    }
    Ok(())
}

/// What is not there need not be removed; nor can it be in what is no folder.
pub fn gone(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(())
        }
        removed => removed,
    }
}

/// The names in a folder survive a power cut.
pub fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}
