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

/// A way back, or what is wanting for one.
type Ready = Result<WayBack, Vec<(PackageId, Version)>>;

/// Builds the package files, or says for which packages there is nothing to
/// build of: whoever calls may find those elsewhere, and calls again.
pub fn ready(
    site: &Site,
    run: RunId,
    course: &Course,
    found: &BTreeMap<PackageId, PathBuf>,
) -> Result<Ready, RestoreError> {
    let built = build(site, run, course, found);
    if !matches!(built, Ok(Ok(_))) {
        // Half of them would only fill the disk; why it failed counts for more.
        let _stays = clear(site, run);
    }
    built
}

/// The package files are not wanted any more, or not yet.
pub fn clear(site: &Site, run: RunId) -> Result<(), RestoreError> {
    let folder = store::main_folder(site, run).join(PACKAGES);
    store::gone(std::fs::remove_dir_all(&folder)).map_err(file(&folder))
}

fn build(
    site: &Site,
    run: RunId,
    course: &Course,
    found: &BTreeMap<PackageId, PathBuf>,
) -> Result<Ready, RestoreError> {
    let point = store::load(site, run)?.ok_or(RestoreError::Absent(run))?;
    let damaged = |detail: String| RestoreError::Damaged { run, detail };
    let main = store::main_folder(site, run);
    let pack = Pack::open(&main).map_err(|cause| damaged(format!("its copies: {cause}")))?;
    let folder = main.join(PACKAGES);
    clear(site, run)?;
    store::make_private(&folder).map_err(|cause| unwritten(site, &folder, cause))?;
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
                Err(Unbuildable::Unwritten(cause)) => return Err(unwritten(site, &folder, cause)),
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

/// What becomes of a package file that cannot be written: a disk that is full says
/// nothing about the point.
fn unwritten(site: &Site, folder: &Path, cause: std::io::Error) -> RestoreError {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    if !matches!(cause.kind(), StorageFull | QuotaExceeded) {
        return file(folder)(cause);
    }
    let inside = site.inside(folder).unwrap_or_default();
    RestoreError::Full {
        at: site.at(site.mount_of(&inside)),
        folder: folder.to_owned(),
        cause,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, Plan};
    use crate::restore::{Keeping, journey, take};

    /// A system of two packages with a file each, and a point of both.
    struct System {
        _root: tempfile::TempDir,
        site: Site,
        run: RunId,
        course: Course,
    }

    impl System {
        fn new() -> Self {
            let root = tempfile::tempdir().expect("a folder");
            let site = Site::below(root.path()).expect("there");
            for folder in ["info", "updates"] {
                std::fs::create_dir_all(site.dpkg(folder)).expect("made");
            }
            let write = |path: &str, text: &str| {
                let place = site.at(Path::new(path));
                crate::os::files::replace(&place, text.as_bytes(), 0o644).expect("written");
            };
            std::fs::create_dir(site.at(Path::new("/usr"))).expect("made");
            for name in ["aa", "bb"] {
                let list = format!("/var/lib/dpkg/info/{name}.list");
                write(&list, &format!("/.\n/usr\n/usr/{name}\n"));
                write(&format!("/usr/{name}"), name);
            }
            let status = ["aa", "bb"].map(|name| {
                let lines = "Status: install ok installed\nArchitecture: all\nVersion: 1\n";
                format!("Package: {name}\n{lines}")
            });
            write("/var/lib/dpkg/status", &status.join("\n"));
            write("/var/lib/dpkg/diversions", "");
            let version = |text: &str| Version::try_from(text.to_owned()).ok();
            let newer = ["aa", "bb"].map(|name| Change {
                id: PackageId::parse(name, "all").expect("valid"),
                from: version("1"),
                to: version("2"),
            });
            let run = RunId::new(1, 1);
            let plan = Plan::new(newer.to_vec());
            take(&site, run, &plan, &Keeping::Files).expect("taken");
            let back = newer.iter().map(Change::reversed).collect();
            Self {
                _root: root,
                site,
                run,
                course: Course {
                    back,
                    ..Course::default()
                },
            }
        }

        fn ready(&self) -> Result<Ready, RestoreError> {
            ready(&self.site, self.run, &self.course, &BTreeMap::new())
        }

        fn folder(&self) -> PathBuf {
            store::main_folder(&self.site, self.run).join(PACKAGES)
        }
    }

    #[test]
    fn the_package_files_go_with_the_way_back() {
        let system = System::new();
        let way = system.ready().expect("whole").expect("nothing is wanting");
        assert!(way.files.len() == 2 && way.files.iter().all(|(_, file)| file.exists()));
        journey::forget(&system.site, system.run).expect("forgotten");
        assert!(!system.folder().exists());
    }

    #[test]
    fn of_a_damaged_point_nothing_half_built_stays() {
        let system = System::new();
        std::fs::remove_file(system.site.at(Path::new("/usr/bb"))).expect("removed");
        let links = store::main_folder(&system.site, system.run).join("links");
        std::fs::remove_file(links.join("0000/0001")).expect("removed");
        let refused = system.ready().map(drop);
        assert!(
            matches!(refused, Err(RestoreError::Damaged { .. })),
            "{refused:?}"
        );
        assert!(!system.folder().exists());
    }

    #[test]
    fn a_full_disk_is_not_a_damaged_point() {
        let system = System::new();
        let point = store::load(&system.site, system.run).expect("readable");
        let point = point.expect("there");
        let pack = Pack::open(&store::main_folder(&system.site, system.run)).expect("there");
        let source = Source {
            site: &system.site,
            point: &point,
            pack: &pack,
        };
        let kept = kept(&point, &system.course.back[0].id).expect("kept");
        let built = rebuild(&source, kept, Path::new("/dev/full"));
        let Err(Unbuildable::Unwritten(cause)) = built else {
            panic!("{built:?}")
        };
        let told = unwritten(&system.site, &system.folder(), cause).to_string();
        assert!(told.starts_with("there is no room on "), "{told}");
        assert!(told.contains("the restore point is whole"), "{told}");
    }

    #[test]
    fn another_fault_of_the_disk_names_the_folder() {
        let system = System::new();
        let cause = std::io::Error::other("input/output error");
        let told = unwritten(&system.site, &system.folder(), cause).to_string();
        assert!(told.starts_with("cannot use "), "{told}");
    }
}
