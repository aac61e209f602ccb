//! The state trees: what maintainer scripts keep outside of packages, and what
//! people edit. They are copied whole, because no package says what is in them.

use std::path::{Path, PathBuf};

use super::fault::{RestoreError, file};
use super::keeper::Keeper;
use super::look::{look, look_closely};
use super::point::{Content, Entry, Thing};
use super::site::Site;

/// The answers, choices and services that scripts remember, and configuration. In
/// this order they are looked at: what may be endless comes last.
const TREES: [&str; 9] = [
    "/var/cache/debconf",
    "/var/lib/apt/extended_states",
    "/var/lib/dpkg/alternatives",
    "/var/lib/systemd/deb-systemd-helper-enabled",
    "/var/lib/systemd/deb-systemd-helper-masked",
    "/var/lib/systemd/deb-systemd-user-helper-enabled",
    "/var/lib/systemd/deb-systemd-user-helper-masked",
    "/var/lib/ucf",
    "/etc",
];

/// Paths of all trees together; the rest is not looked at, and that is told.
const ENTRIES: usize = 50_000;

/// A file that is larger is told apart, and not kept.
const FILE_CAP: u64 = 8 << 20;

/// All copies of the trees together, bytes.
const COPIES_CAP: u64 = 64 << 20;

/// What never goes back, although it lies in a tree: users and their secrets,
/// who the machine is, and what is made anew from the rest.
const NEVER: [&str; 22] = [
    "/etc/passwd",
    "/etc/passwd-",
    "/etc/group",
    "/etc/group-",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/subuid",
    "/etc/subuid-",
    "/etc/subgid",
    "/etc/subgid-",
    "/etc/machine-id",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/etc/mtab",
    "/etc/adjtime",
    "/etc/ld.so.cache",
    "/etc/.updated",
    "/var/cache/debconf/config.dat-old",
    "/var/cache/debconf/templates.dat-old",
    "/var/cache/debconf/passwords.dat",
];

/// Where people keep the history of `/etc`, with etckeeper or by hand: what was
/// committed since the run would be lost, and half of a history is none.
const HISTORY: [&str; 5] = [
    "/etc/.git",
    "/etc/.hg",
    "/etc/.bzr",
    "/etc/_darcs",
    "/etc/.etckeeper",
];

/// What scripts of packages write below `/etc`, through update-alternatives,
/// update-rc.d, deb-systemd-helper and update-ca-certificates.
const OF_SCRIPTS: [&str; 11] = [
    "/etc/alternatives",
    "/etc/rc0.d",
    "/etc/rc1.d",
    "/etc/rc2.d",
    "/etc/rc3.d",
    "/etc/rc4.d",
    "/etc/rc5.d",
    "/etc/rc6.d",
    "/etc/rcS.d",
    "/etc/ssl/certs",
    "/etc/systemd",
];

/// The trees at one moment.
pub struct Trees {
    pub entries: Vec<Entry>,
    /// The last path that was looked at, where there are too many.
    pub end: Option<PathBuf>,
}

/// The trees with their contents.
pub fn keep(site: &Site, keeper: &mut Keeper<'_>) -> Result<Trees, RestoreError> {
    let mut entries = Vec::new();
    let mut total = 0;
    let (paths, end) = paths(site, ENTRIES)?;
    for path in paths {
        let place = site.at(&path);
        let Some(seen) = look(&place, &path).map_err(file(&place))? else {
            continue;
        };
        let bytes = match seen.entry.thing {
            Thing::File { size, .. } => size,
            _ => 0,
        };
        let entry = if bytes <= FILE_CAP && total + bytes <= COPIES_CAP {
            total += bytes;
            keeper.copy(&place, seen)
        } else {
            look_closely(&place, &path)
        };
        entries.push(entry.map_err(file(&place))?);
    }
    Ok(Trees { entries, end })
}

/// The trees as they are now, told apart by digest.
pub fn see(site: &Site) -> Result<Trees, RestoreError> {
    let mut entries = Vec::new();
    let (paths, end) = paths(site, ENTRIES)?;
    for path in paths {
        let place = site.at(&path);
        let entry = look_closely(&place, &path).map_err(file(&place))?;
        if entry.thing != Thing::Missing {
            entries.push(entry);
        }
    }
    Ok(Trees { entries, end })
}

/// Where something is known of both: the earlier one of two ends.
pub fn earlier(one: Option<PathBuf>, other: Option<PathBuf>) -> Option<PathBuf> {
    match (one, other) {
        (Some(one), Some(other)) if is_behind(&one, &other) => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

/// Whether a path comes only after the end.
pub fn is_behind(path: &Path, end: &Path) -> bool {
    let place = |path: &Path| TREES.iter().position(|tree| path.starts_with(tree));
    (place(path), path) > (place(end), end)
}

/// What is told of the paths behind the end.
pub fn unseen(end: &Path) -> String {
    format!(
        "everything behind {} (the state trees have more than {ENTRIES} paths)",
        end.display()
    )
}

/// Whether a file of these trees was kept with its content.
pub fn is_kept(entry: &Entry) -> bool {
    !matches!(
        entry.thing,
        Thing::File {
            content: Content::Lost,
            ..
        }
    )
}

/// Whether a path belongs to a tree, and goes back with it.
pub fn covers(path: &Path) -> bool {
    TREES.iter().any(|tree| path.starts_with(tree)) && !is_never(path)
}

/// Whether people and their tools write there as much as packages do.
pub fn is_of_people(path: &Path) -> bool {
    path.starts_with("/etc") && !OF_SCRIPTS.iter().any(|tree| path.starts_with(tree))
}

fn is_never(path: &Path) -> bool {
    NEVER.iter().any(|one| path == Path::new(one))
        || HISTORY.iter().any(|one| path.starts_with(one))
}

/// All paths, folders before what is in them; with the last one, where there are
/// more than `most`.
fn paths(site: &Site, most: usize) -> Result<(Vec<PathBuf>, Option<PathBuf>), RestoreError> {
    let mut walk = Walk {
        site,
        most,
        found: Vec::new(),
        is_cut: false,
    };
    for tree in TREES.map(Path::new) {
        if site.at(tree).symlink_metadata().is_ok() {
            walk.on(tree)?;
        }
    }
    let end = walk.found.last().filter(|_| walk.is_cut).cloned();
    Ok((walk.found, end))
}

struct Walk<'a> {
    site: &'a Site,
    most: usize,
    found: Vec<PathBuf>,
    is_cut: bool,
}

impl Walk<'_> {
    fn on(&mut self, path: &Path) -> Result<(), RestoreError> {
        if is_never(path) {
            return Ok(());
        }
        if self.found.len() >= self.most {
            self.is_cut = true;
            return Ok(());
        }
        self.found.push(path.to_owned());
        let place = self.site.at(path);
        let Ok(metadata) = place.symlink_metadata() else {
            return Ok(());
        };
        if !metadata.is_dir() {
            return Ok(());
        }
        let entries = std::fs::read_dir(&place).map_err(file(&place))?;
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        names.iter().try_for_each(|name| self.on(&path.join(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with these files, all of them empty.
    fn system(files: &[&str]) -> (tempfile::TempDir, Site) {
        let root = tempfile::tempdir().expect("a folder");
        let site = Site::below(root.path()).expect("there");
        for path in files {
            let place = site.at(Path::new(path));
            std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
            std::fs::File::create(place).expect("made");
        }
        (root, site)
    }

    #[test]
    fn the_history_of_etc_never_goes_back() {
        let files = [
            "/etc/.git/objects/aa/bb",
            "/etc/.etckeeper",
            "/etc/.gitignore",
        ];
        let (_root, site) = system(&files);
        let (found, end) = paths(&site, ENTRIES).expect("walked");
        assert_eq!(found, ["/etc", "/etc/.gitignore"].map(PathBuf::from));
        assert_eq!(end, None);
        let is_covered = files.map(|path| covers(Path::new(path)));
        assert_eq!(is_covered, [false, false, true]);
    }

    #[test]
    fn of_too_many_paths_the_last_are_left_out_and_that_is_told() {
        let files = [
            "/etc/a",
            "/etc/b/c",
            "/etc/b.d",
            "/var/lib/dpkg/alternatives/x",
        ];
        let (_root, site) = system(&files);
        let small = ["/var/lib/dpkg/alternatives", "/var/lib/dpkg/alternatives/x"];
        let (found, end) = paths(&site, 4).expect("walked");
        assert_eq!(found[..2], small.map(PathBuf::from));
        assert_eq!(found[2..], ["/etc", "/etc/a"].map(PathBuf::from));
        let end = end.expect("there are more");
        assert!(unseen(&end).starts_with("everything behind /etc/a ("));
        let is_behind = |path: &str| is_behind(Path::new(path), &end);
        assert!(is_behind("/etc/b") && is_behind("/etc/b/c") && is_behind("/etc/b.d"));
        assert!(!is_behind("/etc/a") && !is_behind("/var/lib/dpkg/alternatives/x"));
        let (all, end) = paths(&site, 7).expect("walked");
        assert_eq!((all.len(), end), (7, None));
    }

    #[test]
    fn the_earlier_end_counts() {
        let path = |path: &str| Some(PathBuf::from(path));
        let [small, large] = ["/var/lib/ucf/x", "/etc/a"].map(path);
        assert_eq!(earlier(large.clone(), small.clone()), small);
        assert_eq!(earlier(small.clone(), large.clone()), small);
        assert_eq!(earlier(None, large.clone()), large);
        assert_eq!(earlier(large.clone(), None), large);
    }
}
