//! What rehearsals leave behind that were killed: an empty control group each,
//! and, where there are no loop devices, the folder of their layer.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, RenameFlags};

use super::{cgroup, layer};

/// Clears up behind rehearsals whose layers lay in `layers`. Called before the
/// next one starts; while another one runs there, its layer is left alone.
pub fn sweep(layers: &Path) {
    cgroup::sweep();
    let Ok(folder) = File::open(layers) else {
        return;
    };
    if rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive).is_err() {
        return;
    }
    let Ok(entries) = std::fs::read_dir(layers) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match name
            .strip_prefix("rehearsal-")
            .and_then(|rest| rest.rsplit_once('.'))
        {
            Some((_, layer::IMAGE)) => {
                let _gone = std::fs::remove_file(entry.path());
            }
            Some((_, layer::FOLDER)) => remove(&entry.path()),
            _ => {}
        }
    }
}

/// Removes a folder with all that is in it, however deep: each folder that is
/// found is first moved to the top, so that nothing here grows with depth. What
/// cannot be removed stays; the next sweep tries again.
pub(super) fn remove(top: &Path) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(folder) = rustix::fs::open(top, flags, Mode::empty()) else {
        return;
    };
    let (mut moved, mut names_used) = (0_u64, 0_u64);
    let mut before = None;
    // Each round empties what the one before has moved to the top.
    while before != Some(moved) {
        before = Some(moved);
        let Ok(names) = list(&folder) else { return };
        for (name, kind) in names {
            let name = OsStr::from_bytes(&name);
            if kind != FileType::Directory {
                let _stays = rustix::fs::unlinkat(&folder, name, AtFlags::empty());
                continue;
            }
            if let Ok(inner) = rustix::fs::openat(&folder, name, flags, Mode::empty()) {
                for (name, kind) in list(&inner).unwrap_or_default() {
                    let name = OsStr::from_bytes(&name);
                    if kind == FileType::Directory {
                        names_used += 1;
                        let to = format!("swept-{names_used}");
                        let flags = RenameFlags::NOREPLACE;
                        let done = rustix::fs::renameat_with(&inner, name, &folder, to, flags);
                        moved += u64::from(done.is_ok());
                    } else {
                        let _stays = rustix::fs::unlinkat(&inner, name, AtFlags::empty());
                    }
                }
            }
            let _stays = rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR);
        }
    }
    let _stays = std::fs::remove_dir(top);
}

/// What is in a folder, but itself and its parent.
fn list(folder: &std::os::fd::OwnedFd) -> rustix::io::Result<Vec<(Vec<u8>, FileType)>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push((name.to_vec(), entry.file_type()));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_any_depth_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().join("rehearsal-x.layer");
        std::fs::create_dir(&top).expect("made");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let mut at = rustix::fs::open(&top, flags, Mode::empty()).expect("open");
        for _ in 0..1200 {
            rustix::fs::mkdirat(&at, "a folder", Mode::from_raw_mode(0o700)).expect("made");
            rustix::fs::mkdirat(&at, "another", Mode::from_raw_mode(0o700)).expect("made");
            at = rustix::fs::openat(&at, "a folder", flags, Mode::empty()).expect("open");
        }
        std::fs::create_dir(top.join("swept-1")).expect("made");
        sweep(folder.path());
        assert!(!top.exists());
    }

    #[test]
    fn what_is_in_use_or_not_ours_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let ours = folder.path().join("rehearsal-x.layer");
        std::fs::create_dir(&ours).expect("made");
        std::fs::create_dir(folder.path().join("other")).expect("made");
        let held = File::open(folder.path()).expect("open");
        rustix::fs::flock(&held, FlockOperation::LockShared).expect("locked");
        sweep(folder.path());
        assert!(ours.exists());
        drop(held);
        sweep(folder.path());
        assert!(!ours.exists());
        assert!(folder.path().join("other").exists());
    }
}
