//! Before anything is touched: the package files of the way back. When one of
//! them cannot be had, the way is not begun.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::decide::Course;
use super::fault::{RestoreError, file};
use super::pack::Pack;
use super::point::{Kept, Point, Thing};
use super::rebuild::{Source, Unbuildable, rebuild};
use super::site::Site;
use super::store;
use super::sum::Sum;
use crate::model::{PackageId, RunId, Version};

/// Where the package files of a rollback lie, in the point's folder.
const PACKAGES: &str = "back";

/// Everything is there that the way back needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WayBack {
    /// Whose point it is.
    pub run: RunId,
    /// What goes back and what stays.
    pub course: Course,
    /// The package files, by the package that each brings back.
    pub files: Vec<(PackageId, PathBuf)>,
}

/// Builds the package files, or says for which packages there is nothing to
/// build of: whoever calls may find those elsewhere, and calls again.
pub fn ready(
    site: &Site,
    run: RunId,
    course: &Course,
    found: &BTreeMap<PackageId, PathBuf>,
) -> Result<Result<WayBack, Vec<(PackageId, Version)>>, RestoreError> {
    let point = store::load(site, run)?.ok_or(RestoreError::Absent(run))?;
    let damaged = |detail: String| RestoreError::Damaged { run, detail };
    let main = store::main_folder(site, run);
    let pack = Pack::open(&main).map_err(|cause| damaged(format!("its copies: {cause}")))?;
    let folder = main.join(PACKAGES);
    store::gone(std::fs::remove_dir_all(&folder)).map_err(file(&folder))?;
    store::make_private(&folder).map_err(file(&folder))?;
    let source = Source {
        site,
        point: &point,
        pack: &pack,
    };
    let mut files = Vec::new();
    let mut wanting = Vec::new();
    for change in &course.back {
        let Some(kept) = kept(&point, &change.id) else {
            return Err(damaged(format!("it does not hold {}", change.id)));
        };
        let built = folder.join(format!("{}.deb", kept.base.replace(':', "_")));
        let file = match (&kept.archive, found.get(&change.id)) {
            (Some(archive), _) => Some(whole(&main, archive).map_err(damaged)?),
            (None, Some(found)) => Some(found.clone()),
            (None, None) => match rebuild(&source, kept, &built) {
                Ok(()) => Some(built),
                Err(Unbuildable::NotKept) => None,
                Err(Unbuildable::Damaged(detail)) => return Err(damaged(detail)),
            },
        };
        match (file, &change.to) {
            (Some(file), _) => files.push((change.id.clone(), file)),
            (None, Some(version)) => wanting.push((change.id.clone(), version.clone())),
            (None, None) => return Err(damaged(format!("{} has no version", change.id))),
        }
    }
    // What the trees need must be there, too.
    for entry in &point.before {
        readable(&source, entry).map_err(damaged)?;
    }
    if !wanting.is_empty() {
        return Ok(Err(wanting));
    }
    Ok(Ok(WayBack {
        run,
        course: course.clone(),
        files,
    }))
}

/// What the packages of a way back take on disk, bytes.
pub fn unpacked(site: &Site, way: &WayBack) -> Result<u64, RestoreError> {
    let point = store::load(site, way.run)?.ok_or(RestoreError::Absent(way.run))?;
    let back = way.course.back.iter();
    let entries = back
        .filter_map(|change| kept(&point, &change.id))
        .flat_map(|kept| &kept.entries);
    let sizes = entries.map(|entry| match entry.thing {
        Thing::File { size, .. } => size,
        Thing::Folder { .. } | Thing::Link { .. } | Thing::Missing | Thing::Other => 0,
    });
    Ok(sizes.sum())
}

/// The record of a package in a point.
pub fn kept<'a>(point: &'a Point, id: &PackageId) -> Option<&'a Kept> {
    point.packages.iter().find(|kept| kept.change.id == *id)
}

fn whole(main: &Path, archive: &super::point::Archive) -> Result<PathBuf, String> {
    let path = main.join("packages").join(&archive.name);
    let read = std::fs::File::open(&path).and_then(Sum::of_all);
    match read {
        Ok((sum, _)) if sum == archive.sum => Ok(path),
        Ok(_) => Err(format!("{} is not what was kept", path.display())),
        Err(cause) => Err(format!("{}: {cause}", path.display())),
    }
}

fn readable(source: &Source<'_>, entry: &super::point::Entry) -> Result<(), String> {
    use super::point::Content;
    let Thing::File {
        content: content @ Content::Copied(_),
        sum: Some(sum),
        ..
    } = &entry.thing
    else {
        return Ok(());
    };
    let read = super::rebuild::open(source, entry).and_then(Sum::of_all);
    let place = entry.path.display();
    match read {
        Ok((found, _)) if found == *sum => Ok(()),
        Ok(_) => Err(format!(
            "the copy of {place} at {content:?} is not what was written"
        )),
        Err(cause) => Err(format!("{place}: {cause}")),
    }
}
