//! The repair pass: dpkg brings the files back, and leaves some things as the
//! newer version made them. Each path of a package is compared with the record,
//! and so is what dpkg itself remembers. This is the only place where patchd
//! writes dpkg's database.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::database::{find, is_same, raw_stanzas, stanza, stanzas};
use super::fault::{RestoreError, file};
use super::look::look_closely;
use super::point::{Entry, Kept, Thing};
use super::put::{dress, put, remove};
use super::rebuild::Source;
use super::site::Site;
use super::store::gone;
use super::{transaction, trees};
use crate::model::PackageId;
use crate::os::files;

/// What dpkg lays beside a file while it unpacks.
const LEFTOVERS: [&str; 2] = [".dpkg-new", ".dpkg-tmp"];

/// Before dpkg: where the newer version has made a link of a folder, the older
/// one's files would be written through it.
pub fn unlink_folders(source: &Source<'_>, kept: &Kept) -> Result<(), RestoreError> {
    for entry in &kept.entries {
        let place = source.site.at(entry.place());
        let is_link = place.symlink_metadata().is_ok_and(|it| it.is_symlink());
        if is_link && entry.thing == (Thing::Folder { behind: None }) {
            put(source, entry, &place).map_err(file(&place))?;
        }
    }
    Ok(())
}

/// Behind dpkg: every path of the package as it was. Returns those that had to
/// be put right.
pub fn mend(source: &Source<'_>, kept: &Kept) -> Result<Vec<PathBuf>, RestoreError> {
    let mut mended = Vec::new();
    let mut aside = Vec::new();
    for entry in &kept.entries {
        let place = source.site.at(entry.place());
        sweep(&place)?;
        if entry.conffile || trees::covers(entry.place()) {
            continue;
        }
        if let Thing::Folder { behind: Some(_) } | Thing::Link { .. } = entry.thing {
            aside.extend(lay_aside(&place).map_err(file(&place))?);
        }
        if mend_one(source, entry, &place).map_err(file(&place))? {
            mended.push(entry.place().to_owned());
        }
    }
    for folder in aside {
        drop_if_ours(&folder, kept).map_err(file(&folder))?;
    }
    Ok(mended)
}

/// The paths that are still not as they were.
pub fn differing(site: &Site, kept: &Kept) -> Result<Vec<PathBuf>, RestoreError> {
    let mut differing = Vec::new();
    for entry in &kept.entries {
        if entry.conffile || trees::covers(entry.place()) {
            continue;
        }
        let place = site.at(entry.place());
        let now = look_closely(&place, &entry.path).map_err(file(&place))?;
        if compare(entry, &now) != Difference::None {
            differing.push(entry.place().to_owned());
        }
    }
    Ok(differing)
}

#[derive(Debug, PartialEq, Eq)]
enum Difference {
    None,
    /// Only mode, owner or extended attributes.
    Dress,
    All,
}

fn compare(entry: &Entry, now: &Entry) -> Difference {
    let dressed = || {
        if entry.has_attributes_of(now) {
            Difference::None
        } else {
            Difference::Dress
        }
    };
    match (&entry.thing, &now.thing) {
        (Thing::Other, _) | (Thing::Missing, Thing::Missing) => Difference::None,
        (
            Thing::Folder {
                behind: Some(target),
            },
            Thing::Link { target: now },
        ) if target == now => Difference::None,
        (Thing::Folder { behind: None }, Thing::Folder { .. }) => dressed(),
        (Thing::Link { target }, Thing::Link { target: now }) if target == now => Difference::None,
        (Thing::File { sum, .. }, Thing::File { sum: now, .. }) => match sum {
            // Kept as a whole package, which brought it.
            None => dressed(),
            Some(_) if sum == now => dressed(),
            Some(_) => Difference::All,
        },
        _ => Difference::All,
    }
}

fn mend_one(source: &Source<'_>, entry: &Entry, place: &Path) -> std::io::Result<bool> {
    let now = look_closely(place, &entry.path)?;
    match compare(entry, &now) {
        Difference::None => return Ok(false),
        Difference::Dress => dress(entry, place)?,
        Difference::All => put(source, entry, place)?,
    }
    Ok(true)
}

/// A killed dpkg leaves these.
fn sweep(place: &Path) -> Result<(), RestoreError> {
    for suffix in LEFTOVERS {
        let mut name = place.as_os_str().as_bytes().to_vec();
        name.extend(suffix.as_bytes());
        let left = PathBuf::from(std::ffi::OsStr::from_bytes(&name));
        gone(std::fs::remove_file(&left)).map_err(file(&left))?;
    }
    Ok(())
}

/// What a package that came in and went has left: half-unpacked files, empty folders.
pub fn sweep_new(site: &Site, paths: &[String]) -> Result<(), RestoreError> {
    for path in paths.iter().rev() {
        let place = site.at(Path::new(path));
        sweep(&place)?;
        if place.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            remove(&place).map_err(file(&place))?;
        }
    }
    Ok(())
}

/// A folder where a link to one belongs; dpkg never makes a link of a folder.
fn lay_aside(place: &Path) -> std::io::Result<Option<PathBuf>> {
    if !place.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(None);
    }
    let mut name = place.as_os_str().to_owned();
    name.push(".patchd-aside");
    let aside = PathBuf::from(name);
    std::fs::rename(place, &aside)?;
    Ok(Some(aside))
}

/// What was laid aside goes when the package has all of it; other files stay.
fn drop_if_ours(aside: &Path, kept: &Kept) -> std::io::Result<()> {
    let names: BTreeSet<_> = kept
        .entries
        .iter()
        .filter_map(|entry| entry.path.file_name())
        .collect();
    for entry in std::fs::read_dir(aside)? {
        let entry = entry?;
        if names.contains(entry.file_name().as_os_str()) && !entry.file_type()?.is_dir() {
            std::fs::remove_file(entry.path())?;
        }
    }
    remove(aside)
}

/// dpkg's own files about the packages that are back, and its status: lines of
/// the recorded version are put back as they were, holds included, and what is
/// `held` since then stays so. What came in and went is forgotten; the trees tell what its configuration was before.
pub fn database(
    source: &Source<'_>,
    back: &[&Kept],
    left: &[&PackageId],
    held: &[PackageId],
) -> Result<(), RestoreError> {
    let site = source.site;
    let _lock = transaction::database(site)?;
    let path = site.dpkg("status");
    let status = site.status()?;
    let mut lines = Vec::new();
    let mut forgotten = Vec::new();
    {
        let installed = stanzas(&status);
        for id in left {
            let rest = find(&installed, id).filter(|rest| !rest.is_there());
            if let Some(rest) = rest {
                forget(site, &rest.base)?;
                forgotten.push(rest.id.clone());
            }
        }
        for kept in back {
            let now = find(&installed, &kept.change.id);
            let is_back = now.is_some_and(|now| now.is_sound() && now.version == kept.change.from);
            if !is_back {
                continue;
            }
            let raw = source.pack.bytes(&kept.stanza).map_err(file(&path))?;
            let is_held = held.iter().any(|id| is_same(id, &kept.change.id));
            lines.push(if is_held { on_hold(raw) } else { raw });
            for control in &kept.control {
                let own = site.dpkg(&format!("info/{}.{}", kept.base, control.name));
                let bytes = source.pack.bytes(&control.bytes).map_err(file(&own))?;
                if std::fs::read(&own).ok().as_ref() != Some(&bytes) {
                    files::replace(&own, &bytes, control.mode).map_err(file(&own))?;
                }
            }
        }
    }
    let wanted = replaced(&status, &lines, &forgotten);
    if wanted != status {
        files::replace(&path, &wanted, 0o644).map_err(file(&path))?;
    }
    Ok(())
}

/// The same lines with the wish that nothing changes.
fn on_hold(mut raw: Vec<u8>) -> Vec<u8> {
    const WANTED: &[u8] = b"\nStatus: install ";
    let mut places = raw.windows(WANTED.len());
    if let Some(at) = places.position(|place| place == WANTED) {
        raw.splice(at..at + WANTED.len(), *b"\nStatus: hold ");
    }
    raw
}

/// Its scripts would only be wanted for a purge.
fn forget(site: &Site, base: &str) -> Result<(), RestoreError> {
    let info = site.dpkg("info");
    let start = format!("{base}.");
    for entry in std::fs::read_dir(&info).map_err(file(&info))?.flatten() {
        let name = entry.file_name();
        let kind = name.to_str().and_then(|name| name.strip_prefix(&start));
        if kind.is_some_and(|kind| !kind.contains('.')) {
            let path = entry.path();
            gone(std::fs::remove_file(&path)).map_err(file(&path))?;
        }
    }
    Ok(())
}

/// The status file with these stanzas in the places of their own, and without
/// those that are forgotten.
fn replaced(status: &[u8], lines: &[Vec<u8>], forgotten: &[PackageId]) -> Vec<u8> {
    let known: Vec<_> = lines.iter().filter_map(|raw| stanza(raw)).collect();
    let mut wanted = Vec::with_capacity(status.len());
    for raw in raw_stanzas(status) {
        let now = stanza(raw);
        if now.as_ref().is_some_and(|now| forgotten.contains(&now.id)) {
            continue;
        }
        let own = now.and_then(|now| known.iter().find(|it| is_same(&it.id, &now.id)));
        wanted.extend(own.map_or(raw, |own| own.raw));
        wanted.push(b'\n');
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stanza_is_replaced_and_every_other_byte_stays() {
        let status = b"Package: aa\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\nPackage: bb\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nConffiles:\n /etc/b 9\n\n";
        let held =
            b"Package: aa\nStatus: hold ok installed\nArchitecture: all\nVersion: 1\n".to_vec();
        assert_eq!(on_hold(held.clone()), held);
        let free = b"Package: aa\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n";
        assert_eq!(on_hold(free.to_vec()), held);
        let text = String::from_utf8(replaced(status, &[held], &[])).expect("text");
        assert_eq!(
            text,
            String::from_utf8_lossy(status).replacen("install ok", "hold ok", 1)
        );
        assert_eq!(replaced(status, &[], &[]), status);
        let gone = PackageId::parse("aa", "all").expect("valid");
        let left = replaced(status, &[], &[gone]);
        assert!(left.starts_with(b"Package: bb\n") && status.ends_with(&left));
    }
}
