//! The system whose packages are kept: where its files are, and which file
//! systems it is made of.

use std::path::{Path, PathBuf};

use super::fault::{RestoreError, file};
use crate::os::mounts::{self, Mount};

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
        let told = mounts::mountinfo().map_err(file(Path::new("/proc/self/mountinfo")))?;
        let holds_packages = |mount: &Mount| mount.is_local() && !mount.is_volatile();
        let mut mounts: Vec<PathBuf> = mounts::parse(&told)
            .into_iter()
            .filter(holds_packages)
            .map(|mount| mount.point)
            .collect();
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

#[cfg(test)]
mod tests {
    use super::*;

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
