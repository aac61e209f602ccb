//! Reading files that decide what root does. Such a file, and every folder
//! above it, must belong to root and be writable by nobody else. Each step is
//! opened without following links and judged on the descriptor, so that nothing
//! can be exchanged between the look and the use.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// What every opening has in common.
const COMMON: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// How many entries of a folder are looked at.
const ENTRIES: usize = 10_000;

/// A file or folder that is not to be trusted, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// It belongs to somebody who may not decide this.
    #[error("{} belongs to uid {uid}; give it to root with `chown root:root`", path.display())]
    Owner {
        /// Which file or folder.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// Somebody else could change it.
    #[error("{} is writable by group or others (mode {mode:04o}); keep it, and every folder above it, writable by its owner alone", path.display())]
    Writable {
        /// Which file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is a symbolic link.
    #[error("{} is a symbolic link; put a regular file or folder there, or give the path that it points to", path.display())]
    Link {
        /// Which link.
        path: PathBuf,
    },
    /// It is a device, a socket, a folder.
    #[error("{} is not a regular file; put a text file there", path.display())]
    NotAFile {
        /// Which one.
        path: PathBuf,
    },
    /// It is longer than any sane file of its kind.
    #[error("{} is longer than {cap} bytes; make it shorter", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// The bound, bytes.
        cap: u64,
    },
    /// It is not UTF-8.
    #[error("{} is not UTF-8 text (line {line}); save it as UTF-8", path.display())]
    NotText {
        /// Which file.
        path: PathBuf,
        /// Where the first such byte is, counted from 1.
        line: usize,
    },
    /// The system refuses.
    #[error("cannot read {}: {cause}; look at its permissions and its disk", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
}

/// Whose files are accepted: root's, and those of the user who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    uid: u32,
}

impl Reader {
    /// The user that this process acts as.
    #[must_use]
    pub fn this_process() -> Self {
        Self::of_user(rustix::process::geteuid().as_raw())
    }

    /// A certain user.
    #[must_use]
    pub fn of_user(uid: u32) -> Self {
        Self { uid }
    }

    /// The text of `path` below `root`; `None` when there is no such file. `root`
    /// itself is judged only when it is `/`: who names another one vouches for it.
    pub fn text(&self, root: &Path, path: &Path, cap: u64) -> Result<Option<String>, Untrusted> {
        let shown = below(root, path);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Untrusted::NotAFile { path: shown });
        };
        let Some(folder) = self.folder(root, parent)? else {
            return Ok(None);
        };
        // Without NONBLOCK a named pipe would hold us here for ever.
        let flags = COMMON | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let Some(descriptor) = self.step(&folder, name, flags, &shown)? else {
            return Ok(None);
        };
        read(File::from(descriptor), shown, cap).map(Some)
    }

    /// The names in a folder below `root`, unsorted; none when there is no such folder.
    pub fn names(&self, root: &Path, path: &Path) -> Result<Vec<OsString>, Untrusted> {
        let Some(folder) = self.folder(root, path)? else {
            return Ok(Vec::new());
        };
        let failed = |errno: Errno| io(below(root, path), errno);
        // What was judged is only a place; "." of it is the same folder, readable.
        let flags = COMMON | OFlags::RDONLY | OFlags::DIRECTORY;
        let folder = rustix::fs::openat(&folder, ".", flags, Mode::empty()).map_err(failed)?;
        let entries = rustix::fs::Dir::new(folder).map_err(failed)?;
        entries
            .take(ENTRIES)
            .map(|entry| entry.map(|entry| OsStr::from_bytes(entry.file_name().to_bytes()).into()))
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Opens a folder step by step, each judged.
    fn folder(&self, root: &Path, path: &Path) -> Result<Option<OwnedFd>, Untrusted> {
        let flags = OFlags::CLOEXEC | OFlags::PATH | OFlags::DIRECTORY;
        let mut at = rustix::fs::open(root, flags, Mode::empty())
            .map_err(|errno| io(root.to_owned(), errno))?;
        let mut seen = root.to_owned();
        if root == Path::new("/") {
            self.judge(&at, &seen)?;
        }
        for part in path.components() {
            if matches!(part, Component::RootDir | Component::CurDir) {
                continue;
            }
            seen.push(part);
            let flags = COMMON | OFlags::PATH | OFlags::DIRECTORY;
            let Some(next) = self.step(&at, part.as_os_str(), flags, &seen)? else {
                return Ok(None);
            };
            at = next;
        }
        Ok(Some(at))
    }

    /// One step down, judged.
    fn step(
        &self,
        folder: &OwnedFd,
        name: &OsStr,
        flags: OFlags,
        shown: &Path,
    ) -> Result<Option<OwnedFd>, Untrusted> {
        match rustix::fs::openat(folder, name, flags, Mode::empty()) {
            Ok(descriptor) => {
                self.judge(&descriptor, shown)?;
                Ok(Some(descriptor))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(_) if is_link(folder, name) => Err(Untrusted::Link {
                path: shown.to_owned(),
            }),
            Err(errno) => Err(io(shown.to_owned(), errno)),
        }
    }

    fn judge(&self, descriptor: &OwnedFd, path: &Path) -> Result<(), Untrusted> {
        let stat = rustix::fs::fstat(descriptor).map_err(|errno| io(path.to_owned(), errno))?;
        if stat.st_uid != 0 && stat.st_uid != self.uid {
            let (path, uid) = (path.to_owned(), stat.st_uid);
            return Err(Untrusted::Owner { path, uid });
        }
        if stat.st_mode & 0o022 != 0 && !self.tolerates(&stat) {
            let (path, mode) = (path.to_owned(), stat.st_mode & 0o7777);
            return Err(Untrusted::Writable { path, mode });
        }
        Ok(())
    }

    /// Below `/tmp` an ordinary user's file is still his alone. For root it is
    /// not good enough: anybody may take the name before root does.
    fn tolerates(&self, stat: &Stat) -> bool {
        let sticky_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            && stat.st_mode & 0o1000 != 0;
        sticky_folder && self.uid != 0
    }
}

/// `path` as it is seen from outside of `root`.
#[must_use]
pub fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn read(file: File, path: PathBuf, cap: u64) -> Result<String, Untrusted> {
    let failed = |cause| Untrusted::Io {
        path: path.clone(),
        cause,
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(Untrusted::NotAFile { path });
    }
    let mut bytes = Vec::new();
    file.take(cap + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > cap {
        return Err(Untrusted::TooLong { path, cap });
    }
    String::from_utf8(bytes).map_err(|error| {
        let sound = error.utf8_error().valid_up_to();
        let line_ends = error.as_bytes().iter().take(sound).filter(|b| **b == b'\n');
        let line = line_ends.count() + 1;
        Untrusted::NotText { path, line }
    })
}

fn is_link(folder: &OwnedFd, name: &OsStr) -> bool {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

fn io(path: PathBuf, errno: Errno) -> Untrusted {
    Untrusted::Io {
        path,
        cause: errno.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    const CAP: u64 = 16;

    /// A folder with a sound file `etc/file`.
    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(root.path().join("etc")).expect("created");
        let path = root.path().join("etc/file");
        crate::os::files::replace(&path, b"content", 0o644).expect("written");
        set_mode(&root.path().join("etc"), 0o755);
        set_mode(&path, 0o644);
        root
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("chmod");
    }

    fn read(root: &Path) -> Result<Option<String>, Untrusted> {
        Reader::this_process().text(root, Path::new("/etc/file"), CAP)
    }

    fn refusal(root: &Path) -> String {
        let text = read(root).expect_err("refused").to_string();
        text.replace(&root.display().to_string(), "")
    }

    #[test]
    fn a_sound_file_is_read_and_an_absent_one_is_none() {
        let root = root();
        assert_eq!(read(root.path()).expect("sound"), Some("content".into()));
        let reader = Reader::this_process();
        for absent in ["/etc/other", "/nowhere/file"] {
            let text = reader.text(root.path(), Path::new(absent), CAP);
            assert_eq!(text.expect("absent"), None);
        }
        let names = reader.names(root.path(), Path::new("/nowhere"));
        assert_eq!(names.expect("absent"), Vec::<OsString>::new());
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let root = root();
        set_mode(&root.path().join("etc/file"), 0o666);
        insta::assert_snapshot!(refusal(root.path()), @r#"/etc/file is writable by group or others (mode 0666); keep it, and every folder above it, writable by its owner alone"#);
    }

    #[test]
    fn a_folder_that_the_group_may_write_is_refused() {
        let root = root();
        set_mode(&root.path().join("etc"), 0o775);
        insta::assert_snapshot!(refusal(root.path()), @r#"/etc is writable by group or others (mode 0775); keep it, and every folder above it, writable by its owner alone"#);
    }

    #[test]
    fn a_sticky_folder_is_good_enough_for_a_user_and_not_for_root() {
        let root = root();
        set_mode(&root.path().join("etc"), 0o1777);
        let is_root = rustix::process::geteuid().is_root();
        assert_eq!(read(root.path()).is_err(), is_root);
        // An ordinary user reads root's file there, too.
        let reader = Reader::of_user(rustix::process::geteuid().as_raw().max(1));
        let text = reader.text(root.path(), Path::new("/etc/file"), CAP);
        assert_eq!(text.expect("sound"), Some("content".into()));
    }

    #[test]
    fn somebody_elses_file_is_refused() {
        let root = root();
        let path = root.path().join("etc/file");
        let somebody = if rustix::process::geteuid().is_root() {
            chown(&path, Some(4242), None).expect("root may");
            Reader::this_process()
        } else {
            // Our own file, seen by another user.
            Reader::of_user(4242)
        };
        let refused = somebody.text(root.path(), Path::new("/etc/file"), CAP);
        assert!(
            matches!(refused, Err(Untrusted::Owner { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn a_link_is_refused_as_file_and_as_folder() {
        let root = root();
        symlink("file", root.path().join("etc/link")).expect("linked");
        symlink("etc", root.path().join("other")).expect("linked");
        for path in ["/etc/link", "/other/file"] {
            let refused = Reader::this_process().text(root.path(), Path::new(path), CAP);
            assert!(
                matches!(refused, Err(Untrusted::Link { .. })),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn what_is_no_bounded_text_file_is_refused() {
        let root = root();
        let path = root.path().join("etc/file");
        let replace =
            |bytes: &[u8]| crate::os::files::replace(&path, bytes, 0o644).expect("written");
        replace(&[b'x'; 16]);
        assert!(read(root.path()).is_ok());
        replace(&[b'x'; 17]);
        assert!(matches!(read(root.path()), Err(Untrusted::TooLong { .. })));
        replace(b"a\nb\xff");
        assert!(matches!(
            read(root.path()),
            Err(Untrusted::NotText { line: 2, .. })
        ));
        std::fs::remove_file(&path).expect("removed");
        std::fs::create_dir(&path).expect("created");
        set_mode(&path, 0o755);
        assert!(matches!(read(root.path()), Err(Untrusted::NotAFile { .. })));
    }

    #[test]
    fn a_named_pipe_does_not_hold_us() {
        let root = root();
        let path = root.path().join("etc/file");
        std::fs::remove_file(&path).expect("removed");
        let mode = Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, mode, 0).expect("a pipe");
        assert!(matches!(read(root.path()), Err(Untrusted::NotAFile { .. })));
    }
}
