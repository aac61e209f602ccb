//! One path, above and below.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};

use super::{BLOCK, Level, joined};
use crate::os::jail::ended::Change;

/// Marks of the overlay on what it keeps.
pub(super) const OPAQUE: &str = "trusted.overlay.opaque";
pub(super) const REDIRECT: &str = "trusted.overlay.redirect";
const METACOPY: &str = "trusted.overlay.metacopy";

/// What stands at one path, above and below.
pub(super) struct Entry<'a> {
    pub(super) level: &'a Level,
    pub(super) name: &'a CStr,
    pub(super) upper: Stat,
    pub(super) lower: Option<Stat>,
}

impl Entry<'_> {
    pub(super) fn path(&self) -> Vec<u8> {
        joined(&self.level.path, self.name)
    }

    pub(super) fn bytes(&self) -> u64 {
        u64::try_from(self.upper.st_blocks.saturating_mul(BLOCK)).unwrap_or(0)
    }

    pub(super) fn upper_is(&self, kind: FileType) -> bool {
        FileType::from_raw_mode(self.upper.st_mode) == kind
    }

    /// None for a folder that is here because of what is in it.
    pub(super) fn change(&self) -> Option<Change> {
        let whiteout = self.upper_is(FileType::CharacterDevice) && self.upper.st_rdev == 0;
        let Some(lower) = &self.lower else {
            // A whiteout over nothing hides nothing.
            return match (whiteout, self.has(REDIRECT)) {
                (true, _) => None,
                (_, true) => Some(Change::Moved),
                (_, false) => Some(Change::New),
            };
        };
        if whiteout {
            return Some(Change::Deleted);
        }
        if self.has(REDIRECT) {
            return Some(Change::Moved);
        }
        let both_folders = self.upper_is(FileType::Directory)
            && FileType::from_raw_mode(lower.st_mode) == FileType::Directory;
        if both_folders {
            let owner = |stat: &Stat| (stat.st_mode, stat.st_uid, stat.st_gid);
            return (owner(&self.upper) != owner(lower)).then_some(Change::Metadata);
        }
        if self.has(METACOPY) {
            return Some(Change::Metadata);
        }
        Some(Change::Replaced)
    }

    /// Whether the overlay has put this mark on it. Links cannot have any.
    pub(super) fn has(&self, mark: &str) -> bool {
        if !self.upper_is(FileType::Directory) && !self.upper_is(FileType::RegularFile) {
            return false;
        }
        let mut path = format!("/proc/self/fd/{}/", self.level.upper.as_raw_fd()).into_bytes();
        path.extend_from_slice(self.name.to_bytes());
        let mut none: [u8; 0] = [];
        rustix::fs::lgetxattr(path, mark, &mut none).is_ok()
    }

    /// Of one name and of this file system only: no link is followed, and
    /// nothing is woken that is mounted there.
    pub(super) fn lower_folder(&self) -> Option<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let lower = self.level.lower.as_ref()?;
        rustix::fs::openat2(lower.as_fd(), self.name, flags, Mode::empty(), resolve).ok()
    }
}
