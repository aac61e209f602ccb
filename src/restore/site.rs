//! The system whose packages are kept: where its files are, and which file
//! systems it is made of.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::fault::{RestoreError, file};
use crate::os::files;

const MOUNTS: &str = "/proc/self/mountinfo";

/// A machine with ten thousand containers is below.
const MOUNTS_CAP: u64 = 16 << 20;

/// A root with its mounts.
#[derive(Debug, Clone)]
pub struct Site {
    root: PathBuf,
    /// Absolute in the root, longest first, `/` last.
    mounts: Vec<PathBuf>,
}

impl Site {
    /// What this process sees as `/`: a machine, or a view of one.
    pub fn here() -> Result<Self, RestoreError> {
        let path = Path::new(MOUNTS);
        let text = files::read_bounded(path, MOUNTS_CAP).map_err(file(path))?;
        let mut mounts: Vec<PathBuf> = text.lines().filter_map(mount_point).collect();
        mounts.push(PathBuf::from("/"));
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.as_os_str().len()));
        mounts.dedup();
        Ok(Self {
            root: PathBuf::from("/"),
            mounts,
        })
    }

    /// Another root, all of it on one file system.
    pub fn below(root: &Path) -> Result<Self, RestoreError> {
        Ok(Self {
            root: root.canonicalize().map_err(file(root))?,
            mounts: vec![PathBuf::from("/")],
        })
    }

    /// Where an absolute path of the system is for us.
    pub(super) fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A file of dpkg's database.
    pub(super) fn dpkg(&self, name: &str) -> PathBuf {
        self.at(Path::new("/var/lib/dpkg")).join(name)
    }

    /// dpkg's status file.
    pub(super) fn status(&self) -> Result<Vec<u8>, RestoreError> {
        let path = self.dpkg("status");
        std::fs::read(&path).map_err(file(&path))
    }

    /// What a path of ours is called in the system; `None` outside of it.
    pub(super) fn inside(&self, place: &Path) -> Option<PathBuf> {
        let inner = place.strip_prefix(&self.root).ok()?;
        Some(Path::new("/").join(inner))
    }

    pub(super) fn mounts(&self) -> &[PathBuf] {
        &self.mounts
    }

    /// The mount that holds this absolute path, none of whose folders is a link.
    pub(super) fn mount_of(&self, path: &Path) -> &Path {
        let mut mounts = self.mounts.iter();
        let mount = mounts.find(|mount| path.starts_with(mount));
        mount.map_or(Path::new("/"), PathBuf::as_path)
    }
}

/// The fifth word, in which blanks and their kin are written `\040`.
fn mount_point(line: &str) -> Option<PathBuf> {
    let word = line.split(' ').nth(4)?.as_bytes();
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, behind)) = rest.split_first() {
        let code = (*first == b'\\')
            .then(|| behind.split_at_checked(3))
            .flatten();
        let byte = code
            .and_then(|(digits, _)| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        let (byte, behind) = match (byte, code) {
            (Some(byte), Some((_, behind))) => (byte, behind),
            (None, _) | (_, None) => (*first, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_with_blanks_is_read() {
        let line = r"36 35 98:0 / /mnt/a\040b\134c rw,noatime master:1 - ext4 /dev/root rw";
        assert_eq!(mount_point(line), Some(PathBuf::from(r"/mnt/a b\c")));
        assert_eq!(mount_point("36 35"), None);
    }

    #[test]
    fn the_longest_mount_holds_a_path() {
        let site = Site {
            root: "/".into(),
            mounts: ["/usr/local", "/usr", "/"].map(PathBuf::from).to_vec(),
        };
        for (path, mount) in [
            ("/usr/bin/x", "/usr"),
            ("/usr/local/x", "/usr/local"),
            ("/usrlocal", "/"),
        ] {
            assert_eq!(site.mount_of(Path::new(path)), Path::new(mount));
        }
    }
}
