//! What the jail takes for the machine: copy-on-write views of its mounts, or
//! somebody's folder, under fresh `/proc`, `/sys`, `/dev`, `/run` and `/tmp`.
//! Nothing here is seen outside: these are mounts of a namespace of our own.

use std::ffi::CString;
use std::fs::DirBuilder;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::mount::{mount, mount_bind_recursive, mount_change, mount_remount, unmount};

use super::error::{JailError, Trying};
use super::fresh;
use super::layer::{mount_layer, tmpfs};
use super::mounts::{Stand, below, decide, is_needed};
use super::wish::{View, Wish};
use crate::os::mounts::{Mount, mountinfo};

/// Ours while we build; all of it is covered by a file system in memory. `/run`
/// is on every machine, and what is in it is not needed for building.
const STAGING: &str = "/run";

/// The options of an overlay, the best first. Without `metacopy` a change of
/// owner copies the file; without `volatile` (before Linux 5.10) it is synced.
const OPTIONS: [&str; 3] = [
    "index=off,xino=off,redirect_dir=on,metacopy=on,volatile",
    "index=off,xino=off,redirect_dir=on,metacopy=on",
    "index=off,xino=off,redirect_dir=on",
];

/// So many files are copied from a small file system.
const COPIED: usize = 10_000;

/// A view that we are in.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// Where to look at the end for what was written.
    pub(super) overlays: Vec<Overlay>,
    /// The layer, to see how full it is.
    pub(super) layer: Option<OwnedFd>,
    /// Mount points that are empty.
    pub(super) blind: Vec<String>,
    /// Single files that something is mounted over.
    pub(super) file_mounts: Vec<String>,
}

/// One file system of the machine, and what is written over it.
#[derive(Debug)]
pub(super) struct Overlay {
    /// Where it is mounted.
    pub(super) point: PathBuf,
    /// What is written.
    pub(super) upper: OwnedFd,
    /// The machine's.
    pub(super) lower: OwnedFd,
}

/// Builds it and moves in: afterwards no path leads out of it.
pub(super) fn build(wish: &Wish) -> Result<Built, JailError> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private)
        .trying("make mounts private (is this a chroot, whose root is no mount?)")?;
    let told = mountinfo().trying("read /proc/self/mountinfo")?;
    let (built, view) = match &wish.jail.view {
        View::Copy => copy(wish, &decide(&told))?,
        View::Folder(folder) => (Built::default(), bound(folder)?),
    };
    fresh::furnish(wish, &view)?;
    move_into(&view)?;
    Ok(built)
}

fn copy(wish: &Wish, mounts: &[(Mount, Stand)]) -> Result<(Built, PathBuf), JailError> {
    let layer = Path::new(STAGING).join("layer");
    let view = Path::new(STAGING).join("view");
    tmpfs(Path::new(STAGING), "size=1m,mode=700")?;
    make(&layer)?;
    make(&view)?;
    mount_layer(wish, &layer)?;
    let mut built = Built {
        layer: Some(open(&layer)?),
        ..Built::default()
    };
    for (number, (mount, stand)) in mounts.iter().enumerate() {
        let own = layer.join(number.to_string());
        stand_in(mount, *stand, &own, &view, &mut built)?;
    }
    if built.overlays.is_empty() {
        return Err(no_overlay(
            Path::new("/"),
            "it is not in the list of mounts",
        ));
    }
    let tmp = layer.join("tmp");
    make(&tmp)?;
    set_mode(&tmp, 0o1777)?;
    rustix::mount::mount_bind(&tmp, view.join("tmp")).trying("mount /tmp")?;
    Ok((built, view))
}

/// Does for one mount what was decided.
fn stand_in(
    mount: &Mount,
    stand: Stand,
    own: &Path,
    view: &Path,
    built: &mut Built,
) -> Result<(), JailError> {
    let point = &mount.point;
    let inside = view.join(point.strip_prefix("/").unwrap_or(point));
    let name = || point.to_string_lossy().into_owned();
    let done = match stand {
        Stand::Overlay if point.is_dir() => {
            overlay(mount, own, &inside).map(|overlay| built.overlays.push(overlay))
        }
        // A single file: what lies below it in the view is what the folder has.
        Stand::Overlay | Stand::Copy if !point.is_dir() => {
            built.file_mounts.push(name());
            Ok(())
        }
        Stand::Copy => copied(mount, &inside),
        Stand::Overlay | Stand::Empty => empty(&inside).map(|()| built.blind.push(name())),
    };
    match done {
        Err(error) if is_needed(point) => Err(error),
        Err(_) => {
            built.blind.push(name());
            // Not even that: then its folder on the file system above it is seen.
            let _nothing = empty(&inside);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// An overlay's lower layer is the folder that we are in, so that no character
/// of its path can be taken for a separator.
fn overlay(of: &Mount, own: &Path, inside: &Path) -> Result<Overlay, JailError> {
    let (upper, work) = (own.join("upper"), own.join("work"));
    make(own)?;
    make(&work)?;
    make(&upper)?;
    let lower = open(&of.point)?;
    rustix::process::fchdir(&lower).trying("enter a file system")?;
    resemble(&upper)?;
    let flags = flags(of);
    let mut last = None;
    for options in OPTIONS {
        let data = format!(
            "lowerdir=.,upperdir={},workdir={},{options}",
            upper.display(),
            work.display()
        );
        let data = CString::new(data).or_lost()?;
        match mount("overlay", inside, "overlay", flags, data.as_c_str()) {
            Ok(()) => {
                return Ok(Overlay {
                    point: of.point.clone(),
                    upper: open(&upper)?,
                    lower,
                });
            }
            Err(cause) => last = Some(cause),
        }
    }
    Err(no_overlay(&of.point, refusal(last)))
}

fn refusal(cause: Option<rustix::io::Errno>) -> &'static str {
    match cause {
        Some(rustix::io::Errno::NODEV) => "the kernel has no overlay file system",
        Some(rustix::io::Errno::INVAL) => {
            "the kernel refuses an overlay here; it allows no third one upon another, as in a container within a container"
        }
        Some(rustix::io::Errno::PERM | rustix::io::Errno::ACCESS) => "mounting is not permitted",
        Some(rustix::io::Errno::NOSPC | rustix::io::Errno::NOMEM) => "there is no room for it",
        _ => "the kernel refuses an overlay here",
    }
}

fn no_overlay(point: &Path, reason: impl Into<String>) -> JailError {
    JailError::NoOverlay {
        mount: point.display().to_string(),
        reason: reason.into(),
    }
}

fn flags(of: &Mount) -> MountFlags {
    let mut flags = MountFlags::NODEV;
    flags.set(MountFlags::NOSUID, of.nosuid);
    flags.set(MountFlags::NOEXEC, of.noexec);
    flags
}

/// The root of an overlay has the owner and mode of its upper folder.
fn resemble(upper: &Path) -> Result<(), JailError> {
    let step = "copy the owner of a mount's root";
    let lower = std::fs::metadata(".").trying(step)?;
    std::os::unix::fs::chown(upper, Some(lower.uid()), Some(lower.gid())).trying(step)?;
    set_mode(upper, lower.mode() & 0o7777)
}

/// Its files in a file system in memory, as far as there are not too many.
fn copied(of: &Mount, inside: &Path) -> Result<(), JailError> {
    tmpfs(inside, "size=256m,nr_inodes=16k,mode=700")?;
    copy_small(&of.point, inside)
}

/// Copies folders and plain files of a small file system.
fn copy_small(from: &Path, to: &Path) -> Result<(), JailError> {
    let step = format!("copy {}", from.display());
    let mut folders = vec![PathBuf::new()];
    let mut left = COPIED;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(from.join(&folder)).trying(&step)? {
            let entry = entry.trying(&step)?;
            left = left
                .checked_sub(1)
                .ok_or("it holds too many files")
                .trying(&step)?;
            let kind = entry.file_type().trying(&step)?;
            let path = folder.join(entry.file_name());
            if kind.is_dir() {
                std::fs::DirBuilder::new()
                    .create(to.join(&path))
                    .trying(&step)?;
                folders.push(path);
            } else if kind.is_file() {
                std::fs::copy(entry.path(), to.join(path)).trying(&step)?;
            }
        }
    }
    Ok(())
}

fn empty(inside: &Path) -> Result<(), JailError> {
    let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::RDONLY;
    mount(
        "tmpfs",
        inside,
        "tmpfs",
        flags,
        c"size=4k,nr_inodes=2,mode=555",
    )
    .trying("cover a mount that cannot be shown")
}

/// The folder itself, with what is mounted in it; devices there do not work.
fn bound(folder: &Path) -> Result<PathBuf, JailError> {
    let step = format!("make {} a root folder", folder.display());
    let view = Path::new(STAGING).join("view");
    let folder = open(folder)?;
    tmpfs(Path::new(STAGING), "size=1m,mode=700")?;
    make(&view)?;
    rustix::process::fchdir(&folder).trying(&step)?;
    mount_bind_recursive(".", &view).trying(&step)?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change(&view, private).trying(&step)?;
    let told = mountinfo().trying("read /proc/self/mountinfo")?;
    // Each by itself: a partition of the image that is mounted in it is no better.
    for mount in below(&told, &view) {
        let mut flags = flags(&mount) | MountFlags::BIND;
        flags.set(MountFlags::RDONLY, mount.read_only);
        match mount_remount(&mount.point, flags, "") {
            // Its folder was removed, so that nobody gets there.
            Err(rustix::io::Errno::NOENT) => {}
            remounted => remounted.trying(&step)?,
        }
    }
    Ok(view)
}

fn move_into(view: &Path) -> Result<(), JailError> {
    let step = "move into the view";
    rustix::process::chdir(view).trying(step)?;
    rustix::process::pivot_root(".", ".").trying(step)?;
    unmount(".", UnmountFlags::DETACH).trying(step)?;
    rustix::process::chdir("/").trying(step)
}

fn open(folder: &Path) -> Result<OwnedFd, JailError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::empty()).trying(format!("open {}", folder.display()))
}

fn make(folder: &Path) -> Result<(), JailError> {
    let made = DirBuilder::new().mode(0o755).create(folder);
    made.trying(format!("make {}", folder.display()))
}

fn set_mode(path: &Path, mode: u32) -> Result<(), JailError> {
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, mode).trying(format!("set the mode of {}", path.display()))
}
