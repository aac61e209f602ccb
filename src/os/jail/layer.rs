//! Where a copy keeps what is written: in memory, or in a file system in a file
//! that has no name any more.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, statvfs};
use rustix::mount::{MountFlags, mount, mount_bind};

use super::error::{JailError, Trying};
use super::wish::{Layer, View, Wish};
use crate::os::command::Command;

/// Names of what lies in a layer folder; [`super::sweep()`] knows them.
pub(super) const IMAGE: &str = "image";
/// As [`IMAGE`].
pub(super) const FOLDER: &str = "layer";

/// Of a file system's own; `mke2fs` takes a few per cent.
const OVERHEAD: u64 = 16 << 20;

/// The kernel's number of an overlay file system.
const OVERLAY: rustix::fs::FsWord = 0x794c_7630;

/// One inode for so many bytes, in memory and on disk: half a page less than what
/// packages need on the average, so that bytes run out first.
const BYTES_PER_INODE: u64 = 4096;

/// Mounts the layer at `at`, which nobody outside sees.
pub(super) fn mount_layer(wish: &Wish, at: &Path) -> Result<(), JailError> {
    match &wish.jail.layer {
        Layer::Memory { bytes } => {
            let inodes = bytes / BYTES_PER_INODE;
            tmpfs(at, &format!("size={bytes},nr_inodes={inodes},mode=755"))
        }
        Layer::Disk { folder, bytes } => on_disk(folder, &wish.id, *bytes, at),
    }
}

/// A new file system in memory; without devices or set-user-id programs.
pub(super) fn tmpfs(at: &Path, options: &str) -> Result<(), JailError> {
    let step = format!("mount a file system in memory at {}", at.display());
    let options = std::ffi::CString::new(options).trying(&step)?;
    let flags = MountFlags::NODEV | MountFlags::NOSUID;
    mount("tmpfs", at, "tmpfs", flags, options.as_c_str()).trying(&step)
}

fn on_disk(folder: &Path, id: &str, bytes: u64, at: &Path) -> Result<(), JailError> {
    let free = statvfs(folder).trying(format!("look at {}", folder.display()))?;
    let free = free.f_bavail.saturating_mul(free.f_frsize);
    if free < bytes.saturating_add(OVERHEAD) {
        return Err(JailError::NoRoom {
            reason: format!(
                "{} has {} MiB free, and {} MiB are needed",
                folder.display(),
                free >> 20,
                bytes >> 20
            ),
        });
    }
    // Containers have none.
    if Path::new("/dev/loop-control").exists() {
        in_image(&path(folder, id, IMAGE), bytes, at)
    } else {
        in_folder(&path(folder, id, FOLDER), at)
    }
}

fn path(folder: &Path, id: &str, what: &str) -> PathBuf {
    folder.join(format!("rehearsal-{id}.{what}"))
}

/// The file has a name for the moment that its tools need one.
fn in_image(image: &Path, bytes: u64, at: &Path) -> Result<(), JailError> {
    let made = make_image(image, bytes).and_then(|()| {
        let mount = Command::new("/bin/mount").args(["-n", "-t", "ext4", "-o"]);
        // No barrier and no journal: what is in it is thrown away in any case.
        let mount = mount.arg("loop,nodev,noatime,nobarrier");
        let mount = mount.arg(image.to_string_lossy()).arg(at.to_string_lossy());
        tool(&mount, "mount a layer")
    });
    let _not_made = std::fs::remove_file(image);
    made
}

fn make_image(image: &Path, bytes: u64) -> Result<(), JailError> {
    let step = format!("make {}", image.display());
    let file = File::options().write(true).create_new(true).open(image);
    file.and_then(|file| file.set_len(bytes)).trying(&step)?;
    let options = "lazy_itable_init=1,nodiscard";
    let make = Command::new("/sbin/mke2fs")
        .args([
            "-q",
            "-F",
            "-t",
            "ext4",
            "-m",
            "0",
            "-O",
            "^has_journal,^resize_inode",
        ])
        .args([
            "-E",
            options,
            "-I",
            "512",
            "-i",
            &(BYTES_PER_INODE * 2).to_string(),
        ])
        .arg(image.to_string_lossy());
    tool(&make, "make a file system for a layer")
}

fn tool(command: &Command, step: &str) -> Result<(), JailError> {
    let output = command.ask_and_wait().trying(step)?;
    if output.status != 0 {
        return Err(output.last_words()).trying(step);
    }
    Ok(())
}

fn in_folder(folder: &Path, at: &Path) -> Result<(), JailError> {
    let parent = folder.parent().unwrap_or(folder);
    let kind = rustix::fs::statfs(parent).trying(format!("look at {}", parent.display()))?;
    if kind.f_type == OVERLAY {
        return Err(JailError::NoRoom {
            reason: format!(
                "{} lies on an overlay, which can hold no layer, and there are no loop devices",
                parent.display()
            ),
        });
    }
    let step = format!("make {}", folder.display());
    DirBuilder::new().mode(0o700).create(folder).trying(&step)?;
    mount_bind(folder, at).trying(&step)
}

/// Takes away what a layer in a folder leaves behind.
pub(super) fn clear(wish: &Wish) {
    if let (View::Copy, Layer::Disk { folder, .. }) = (&wish.jail.view, &wish.jail.layer) {
        let _not_made = std::fs::remove_file(path(folder, &wish.id, IMAGE));
        super::sweep::remove(&path(folder, &wish.id, FOLDER));
    }
}

/// Held by the supervisor as long as there is a jail with a layer on disk, so
/// that nobody sweeps it away.
pub(super) fn hold(wish: &Wish) -> Result<Option<File>, JailError> {
    let (View::Copy, Layer::Disk { folder, .. }) = (&wish.jail.view, &wish.jail.layer) else {
        return Ok(None);
    };
    let step = format!("lock {}", folder.display());
    let file = File::open(folder).trying(&step)?;
    rustix::fs::flock(&file, FlockOperation::LockShared).trying(&step)?;
    Ok(Some(file))
}
