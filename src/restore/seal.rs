//! After the transaction: what was not replaced is let go, and what was is told
//! by digest from now on. Until here a link shared its content with the
//! installed file; now nothing can reach it but through the point.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::database::{Stanza, find, stanzas};
use super::fault::{RestoreError, file};
use super::point::{Content, Entry, Kept, Point, Thing};
use super::site::Site;
use super::sum::Sum;
use super::{store, trees};
use crate::model::RunId;

/// Ends what was begun with taking the point. Safe to repeat; without a point
/// there is nothing to do. A point that would undo nothing is thrown away.
pub fn seal(site: &Site, run: RunId) -> Result<(), RestoreError> {
    let Some(mut point) = store::load(site, run)? else {
        return Ok(());
    };
    if point.after.is_some() {
        return Ok(());
    }
    let dropped = settle(site, &mut point)?;
    if point.is_empty() {
        return store::delete(site, run);
    }
    let trees = trees::see(site)?;
    point.after = Some(trees.entries);
    point.end = trees::earlier(point.end, trees.end);
    store::save(site, &point)?;
    for place in dropped {
        store::gone(std::fs::remove_file(&place)).map_err(file(&place))?;
    }
    Ok(())
}

/// Compares the point with what dpkg says now. Returns the links that are not
/// wanted any more, to be removed when the point is saved.
pub fn settle(site: &Site, point: &mut Point) -> Result<Vec<PathBuf>, RestoreError> {
    let status = site.status()?;
    let installed = stanzas(&status);
    let is_untouched = |kept: &Kept| {
        let now = find(&installed, &kept.change.id);
        now.is_some_and(|now| now.is_sound() && now.version == kept.change.from)
    };
    let packages = std::mem::take(&mut point.packages);
    let (untouched, touched): (Vec<Kept>, Vec<Kept>) = packages.into_iter().partition(is_untouched);
    point.packages = touched;
    point
        .new
        .retain(|change| find(&installed, &change.id).is_some_and(Stanza::is_there));
    let linked = untouched.iter().flat_map(|kept| &kept.entries);
    let dropped = linked.filter_map(|entry| link_of(site, point, entry));
    let dropped = dropped.collect();
    let (run, stores) = (point.run, point.stores.clone());
    let link = |content: &Content| link_at(site, (run, &stores), content);
    for kept in &mut point.packages {
        kept.entries
            .iter_mut()
            .try_for_each(|entry| digest(entry, &link))?;
    }
    Ok(dropped)
}

/// Where the link of an entry is.
pub fn link_of(site: &Site, point: &Point, entry: &Entry) -> Option<PathBuf> {
    match &entry.thing {
        Thing::File { content, .. } => link_at(site, (point.run, &point.stores), content),
        _ => None,
    }
}

/// Where such a content is when it is a link.
pub fn link_at(
    site: &Site,
    (run, stores): (RunId, &[PathBuf]),
    content: &Content,
) -> Option<PathBuf> {
    let Content::Linked { store, number, .. } = content else {
        return None;
    };
    let mount = stores.get(*store as usize)?;
    Some(store::link(&store::folder(site, mount, run), *number))
}

/// A file that was changed in place through its installed name is lost: that is
/// not what the package had.
fn digest(
    entry: &mut Entry,
    link: &impl Fn(&Content) -> Option<PathBuf>,
) -> Result<(), RestoreError> {
    let mtime = entry.mtime;
    let Thing::File { size, content, sum } = &mut entry.thing else {
        return Ok(());
    };
    let Content::Linked { nanoseconds, .. } = *content else {
        return Ok(());
    };
    if sum.is_some() {
        return Ok(());
    }
    let Some(place) = link(content) else {
        return Ok(());
    };
    if is_unchanged(&place, *size, (mtime, nanoseconds)).map_err(file(&place))? {
        let opened = File::open(&place).map_err(file(&place))?;
        let (found, _) = Sum::of_all(opened).map_err(file(&place))?;
        *sum = Some(found);
    } else {
        *content = Content::Lost;
    }
    Ok(())
}

/// Whether a link has the size and the time that it was taken with.
pub fn is_unchanged(place: &Path, size: u64, time: (i64, i64)) -> std::io::Result<bool> {
    let now = std::fs::symlink_metadata(place)?;
    Ok(now.is_file() && now.len() == size && (now.mtime(), now.mtime_nsec()) == time)
}
