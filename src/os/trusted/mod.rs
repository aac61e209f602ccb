//! Reading files that decide what root does. Such a file, and every folder
//! above it, must belong to root and be writable by nobody else. Each step is
//! opened without following links and judged on the descriptor, so that nothing
//! can be exchanged between the look and the use.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
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
    /// It is a program that nobody may execute.
    #[error("{} is not executable; make it so with `chmod 755`", path.display())]
    NotExecutable {
        /// Which file.
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
        let Some(file) = self.open(root, path)? else {
            return Ok(None);
        };
        read(file, below(root, path), cap).map(Some)
    }

    /// A program below `root`, opened: it is executed by this descriptor, so that
    /// it is the one that was judged. `None` when there is no such file.
    pub fn program(&self, root: &Path, path: &Path) -> Result<Option<File>, Untrusted> {
        let Some(file) = self.open(root, path)? else {
            return Ok(None);
        };
        let path = below(root, path);
        let metadata = match file.metadata() {
            Ok(metadata) => metadata,
            Err(cause) => return Err(Untrusted::Io { path, cause }),
        };
        if !metadata.is_file() {
            return Err(Untrusted::NotAFile { path });
        }
        if metadata.mode() & 0o111 == 0 {
            return Err(Untrusted::NotExecutable { path });
        }
        Ok(Some(file))
    }

    fn open(&self, root: &Path, path: &Path) -> Result<Option<File>, Untrusted> {
        let shown = below(root, path);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Untrusted::NotAFile { path: shown });
        };
        let Some(folder) = self.folder(root, parent)? else {
            return Ok(None);
        };
        // Without NONBLOCK a named pipe would hold us here for ever.
        let flags = COMMON | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let descriptor = self.step(&folder, name, flags, &shown)?;
        Ok(descriptor.map(File::from))
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
mod tests;
