//! Over what was written, when nobody inside lives any more. Names, depth and
//! numbers are whatever somebody hostile made them: nothing here recurses,
//! follows a link, or grows without bound.

mod entry;

use std::collections::{BTreeMap, HashSet};
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use entry::{Entry, OPAQUE, REDIRECT};

use super::ended::{Change, Changed};
use super::view::Overlay;

/// Deeper folders are not looked into. Each takes two descriptors, of 1,024.
const DEEPEST: usize = 200;

/// So many entries are looked at, and so many listed.
const LOOKED_AT: usize = 1_000_000;
const LISTED: usize = 200_000;

/// The longest path that is listed, bytes.
const LONGEST: usize = 4096;

/// Blocks of stat(2), bytes.
const BLOCK: i64 = 512;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) changes: Vec<Changed>,
    pub(super) incomplete: bool,
    pub(super) grown: BTreeMap<String, i64>,
}

/// One folder that is being looked at.
struct Level {
    upper: OwnedFd,
    entries: Dir,
    /// The same folder of the machine, if there is one.
    lower: Option<OwnedFd>,
    path: Vec<u8>,
}

/// A folder that is to be looked at next.
struct Next {
    above: OwnedFd,
    name: CString,
    lower: Option<OwnedFd>,
    path: Vec<u8>,
}

struct Walk {
    found: Found,
    left: usize,
    growth: i64,
    /// Files with several names count once.
    linked: HashSet<(u64, u64)>,
}

/// Everything that was written over these file systems.
pub(super) fn walk(overlays: &[Overlay]) -> Found {
    let mut walk = Walk {
        found: Found::default(),
        left: LOOKED_AT,
        growth: 0,
        linked: HashSet::new(),
    };
    for overlay in overlays {
        walk.growth = 0;
        walk.over(overlay);
        let point = overlay.point.to_string_lossy().into_owned();
        walk.found.grown.insert(point, walk.growth);
    }
    walk.found.changes.sort();
    walk.found
}

impl Walk {
    fn over(&mut self, overlay: &Overlay) {
        let root = overlay.point.as_os_str().as_encoded_bytes();
        let path = if root == b"/" {
            Vec::new()
        } else {
            root.to_vec()
        };
        let lower = overlay.lower.try_clone().ok();
        let mut levels = Vec::new();
        let root = overlay.upper.try_clone().map(|above| Next {
            above,
            name: c".".to_owned(),
            lower,
            path,
        });
        self.go(root, &mut levels);
        while let Some(level) = levels.last_mut() {
            let name = match level.entries.next() {
                Some(Ok(entry)) => entry.file_name().to_owned(),
                Some(Err(_)) => {
                    self.found.incomplete = true;
                    continue;
                }
                None => {
                    levels.pop();
                    continue;
                }
            };
            if name.to_bytes() == b"." || name.to_bytes() == b".." {
                continue;
            }
            if self.left == 0 {
                self.found.incomplete = true;
                return;
            }
            self.left -= 1;
            if let Some((lower, path)) = self.look(level, &name) {
                let into = level.upper.try_clone().map(|above| Next {
                    above,
                    name,
                    lower,
                    path,
                });
                self.go(into, &mut levels);
            }
        }
    }

    /// Into a folder, if it can be opened and is not too deep.
    fn go(&mut self, into: std::io::Result<Next>, levels: &mut Vec<Level>) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = into.and_then(|into| {
            let upper = rustix::fs::openat(&into.above, &into.name, flags, Mode::empty())?;
            Ok((Dir::read_from(&upper)?, upper, into))
        });
        match opened {
            Ok((entries, upper, into)) if levels.len() < DEEPEST => levels.push(Level {
                upper,
                entries,
                lower: into.lower,
                path: into.path,
            }),
            _ => self.found.incomplete = true,
        }
    }

    /// Notes down one entry. If it is to be looked into: its like on the
    /// machine, and its path.
    fn look(&mut self, level: &Level, name: &CStr) -> Option<(Option<OwnedFd>, Vec<u8>)> {
        let Ok(upper) = rustix::fs::statat(&level.upper, name, AtFlags::SYMLINK_NOFOLLOW) else {
            self.found.incomplete = true;
            return None;
        };
        let entry = Entry {
            level,
            name,
            upper,
            lower: level
                .lower
                .as_ref()
                .and_then(|lower| rustix::fs::statat(lower, name, AtFlags::SYMLINK_NOFOLLOW).ok()),
        };
        let path = entry.path();
        let change = entry.change();
        self.growth += self.growth_of(&entry, change);
        if let Some(kind) = change {
            self.list(&path, kind, entry.bytes());
        }
        if !entry.upper_is(FileType::Directory) {
            return None;
        }
        let below = entry.lower_folder();
        if let Some(below) = below.as_ref().filter(|_| entry.has(OPAQUE)) {
            self.hidden(&entry, below, &path);
        }
        Some((
            below.filter(|_| !entry.has(OPAQUE) && !entry.has(REDIRECT)),
            path,
        ))
    }

    fn list(&mut self, path: &[u8], kind: Change, bytes: u64) {
        if self.found.changes.len() >= LISTED || path.len() > LONGEST {
            self.found.incomplete = true;
            return;
        }
        self.found.changes.push(Changed {
            path: String::from_utf8_lossy(path).into_owned(),
            kind,
            bytes,
        });
    }

    /// A folder that was removed and made anew hides what was in it.
    fn hidden(&mut self, entry: &Entry<'_>, below: &OwnedFd, path: &[u8]) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let there = rustix::fs::openat(below, c".", flags, Mode::empty());
        let upper = rustix::fs::openat(&entry.level.upper, entry.name, flags, Mode::empty());
        let (Ok(there), Ok(upper)) = (there, upper) else {
            self.found.incomplete = true;
            return;
        };
        for hidden in Dir::read_from(&there).into_iter().flatten().flatten() {
            let name = hidden.file_name();
            let again = rustix::fs::statat(&upper, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
            if !again && name.to_bytes() != b"." && name.to_bytes() != b".." {
                self.left = self.left.saturating_sub(1);
                self.list(&joined(path, name), Change::Deleted, 0);
            }
        }
    }

    /// What is taken on disk more than before.
    fn growth_of(&mut self, entry: &Entry<'_>, change: Option<Change>) -> i64 {
        let linked = entry.upper.st_nlink > 1 && !entry.upper_is(FileType::Directory);
        if linked && !self.linked.insert((entry.upper.st_dev, entry.upper.st_ino)) {
            return 0;
        }
        let taken = i64::try_from(entry.bytes()).unwrap_or(i64::MAX);
        let before = entry
            .lower
            .as_ref()
            .map_or(0, |lower| lower.st_blocks.saturating_mul(BLOCK));
        match change {
            Some(Change::New) => taken,
            Some(Change::Replaced | Change::Deleted) => taken.saturating_sub(before),
            Some(Change::Metadata | Change::Moved) | None => 0,
        }
    }
}

fn joined(path: &[u8], name: &CStr) -> Vec<u8> {
    let mut joined = path.to_vec();
    joined.push(b'/');
    joined.extend_from_slice(name.to_bytes());
    joined
}

#[cfg(test)]
mod tests {
    use std::fs::{File, create_dir, create_dir_all};
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use rustix::fs::{CWD, makedev, mkdirat, mknodat, openat};

    use super::*;

    /// A machine's folder and what was written over it.
    struct Tree {
        folder: tempfile::TempDir,
    }

    impl Tree {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for name in ["upper", "lower"] {
                create_dir(folder.path().join(name)).expect("made");
            }
            Self { folder }
        }

        fn upper(&self, path: &str) -> PathBuf {
            self.folder.path().join("upper").join(path)
        }

        fn lower(&self, path: &str) -> PathBuf {
            self.folder.path().join("lower").join(path)
        }

        fn walked(&self, point: &str) -> Found {
            let open = |path: PathBuf| OwnedFd::from(File::open(path).expect("open"));
            walk(&[Overlay {
                point: PathBuf::from(point),
                upper: open(self.upper("")),
                lower: open(self.lower("")),
            }])
        }

        fn changes(&self) -> Vec<(String, Change)> {
            let found = self.walked("/");
            assert!(!found.incomplete);
            let changes = found.changes.into_iter();
            changes
                .map(|changed| (changed.path, changed.kind))
                .collect()
        }
    }

    fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> std::io::Result<()> {
        File::create(path)?.write_all(content.as_ref())
    }

    fn whiteout(path: &Path) {
        let mode = Mode::from_raw_mode(0);
        mknodat(CWD, path, FileType::CharacterDevice, mode, makedev(0, 0)).expect("made");
    }

    fn expected(rows: &[(&str, Change)]) -> Vec<(String, Change)> {
        rows.iter()
            .map(|(path, kind)| ((*path).to_owned(), *kind))
            .collect()
    }

    #[test]
    fn each_entry_is_what_it_is_against_the_machine() {
        let tree = Tree::new();
        for path in ["etc", "usr/lib"] {
            create_dir_all(tree.lower(path)).expect("made");
            create_dir_all(tree.upper(path)).expect("made");
        }
        write(tree.lower("etc/old"), "1").expect("written");
        write(tree.lower("etc/gone"), "1").expect("written");
        symlink("old", tree.lower("etc/link")).expect("made");
        write(tree.upper("etc/old"), "2").expect("written");
        write(tree.upper("etc/new"), "2").expect("written");
        symlink("/", tree.upper("etc/link")).expect("made");
        whiteout(&tree.upper("etc/gone"));
        whiteout(&tree.upper("etc/never"));
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(tree.upper("usr/lib"), mode).expect("set");
        create_dir(tree.upper("usr/lib/made")).expect("made");
        let rows = [
            ("/etc/gone", Change::Deleted),
            ("/etc/link", Change::Replaced),
            ("/etc/new", Change::New),
            ("/etc/old", Change::Replaced),
            ("/usr/lib", Change::Metadata),
            ("/usr/lib/made", Change::New),
        ];
        assert_eq!(tree.changes(), expected(&rows));
    }

    #[test]
    fn a_fifo_a_socket_and_odd_names_are_only_named() {
        let tree = Tree::new();
        let mode = Mode::from_raw_mode(0o600);
        mknodat(CWD, tree.upper("fifo"), FileType::Fifo, mode, 0).expect("made");
        write(tree.upper("a\nname\u{1b}[2J"), "").expect("written");
        let rows = [("/a\nname\u{1b}[2J", Change::New), ("/fifo", Change::New)];
        assert_eq!(tree.changes(), expected(&rows));
    }

    #[test]
    fn a_link_in_the_machine_leads_nowhere() {
        let tree = Tree::new();
        symlink("/etc", tree.lower("there")).expect("made");
        create_dir(tree.upper("there")).expect("made");
        // Were the link followed, this would be a file of the machine.
        write(tree.upper("there/passwd"), "x").expect("written");
        let rows = [("/there", Change::Replaced), ("/there/passwd", Change::New)];
        assert_eq!(tree.changes(), expected(&rows));
    }

    #[test]
    fn what_is_too_deep_is_left_and_said() {
        let tree = Tree::new();
        let mode = Mode::from_raw_mode(0o700);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let mut at = openat(CWD, tree.upper(""), flags, Mode::empty()).expect("open");
        for _ in 0..3000 {
            mkdirat(&at, "d", mode).expect("made");
            at = openat(&at, "d", flags, Mode::empty()).expect("open");
        }
        let found = tree.walked("/");
        assert!(found.incomplete);
        assert_eq!(found.changes.len(), DEEPEST);
        crate::os::jail::sweep::remove(&tree.upper("d"));
    }

    #[test]
    fn growth_is_what_is_more_than_before() {
        let tree = Tree::new();
        write(tree.lower("old"), vec![1; 40 << 10]).expect("written");
        write(tree.upper("old"), vec![1; 100 << 10]).expect("written");
        write(tree.upper("new"), vec![1; 100 << 10]).expect("written");
        std::fs::hard_link(tree.upper("new"), tree.upper("twice")).expect("linked");
        let found = tree.walked("/boot");
        let grown = found.grown.get("/boot").expect("counted") >> 10;
        assert!((150..180).contains(&grown), "{grown} KiB");
    }
}
