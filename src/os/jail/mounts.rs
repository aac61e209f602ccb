//! What is mounted, and what a copy-on-write view makes of each mount. Pure.

use std::path::Path;

use crate::os::mounts::{Mount, parse};

/// So many mounts are looked at; a machine with more runs containers, whose
/// file systems no package of the machine touches.
const MOST: usize = 512;

/// These are no lower layer for the kernel, but small: their files are copied.
const COPIED: [&str; 3] = ["vfat", "msdos", "exfat"];

/// Without one of these there is nothing to rehearse.
const NEEDED: [&str; 12] = [
    "/usr",
    "/etc",
    "/boot",
    "/opt",
    "/bin",
    "/sbin",
    "/lib",
    "/root",
    "/var/lib/dpkg",
    "/var/lib/apt",
    "/var/cache",
    "/var/log",
];

/// What the view has in place of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// A copy-on-write view of it.
    Overlay,
    /// A copy of its files.
    Copy,
    /// Nothing, read-only: looking at it could hang, or wake somebody.
    Empty,
}

/// All mounts that can be seen, parents first, with what is to be done; none
/// of those that are replaced anyway.
pub(super) fn decide(mountinfo: &[u8]) -> Vec<(Mount, Stand)> {
    let all = parse(mountinfo);
    let mut seen: Vec<Mount> = all
        .iter()
        .filter(|mount| is_visible(mount, &all) && !mount.is_volatile())
        .cloned()
        .collect();
    seen.sort_by_key(|mount| mount.point.components().count());
    let stands = seen.into_iter().enumerate();
    stands
        .map(|(index, mount)| {
            let stand = if index < MOST {
                stand(&mount)
            } else {
                Stand::Empty
            };
            (mount, stand)
        })
        .collect()
}

/// What is mounted at a folder and below it.
pub(super) fn below(mountinfo: &[u8], folder: &Path) -> Vec<Mount> {
    let mut all = parse(mountinfo);
    all.retain(|mount| mount.point.starts_with(folder));
    all
}

/// Whether the view is worth nothing without what is mounted there.
pub(super) fn is_needed(point: &Path) -> bool {
    let inner = ["/usr", "/etc", "/boot"];
    NEEDED
        .iter()
        .any(|needed| Path::new(needed).starts_with(point))
        || inner.iter().any(|folder| point.starts_with(folder))
}

fn stand(mount: &Mount) -> Stand {
    if mount.is_local() {
        Stand::Overlay
    } else if COPIED.contains(&mount.kind.as_str()) {
        Stand::Copy
    } else {
        Stand::Empty
    }
}

/// Not if something is mounted over it, or over a folder above it or above any
/// of the mounts that it lies in.
fn is_visible(mount: &Mount, all: &[Mount]) -> bool {
    let over = |other: &Mount| other.parent == mount.id && other.point == mount.point;
    if all.iter().any(over) {
        return false;
    }
    let mut at = mount;
    for _ in all {
        let above = |other: &Mount| {
            other.parent == at.parent
                && other.point != at.point
                && at.point.starts_with(&other.point)
        };
        if all.iter().any(above) {
            return false;
        }
        let parent = |other: &&Mount| other.id == at.parent && other.id != at.id;
        let Some(parent) = all.iter().find(parent) else {
            return true;
        };
        at = parent;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(text: &str) -> Vec<(String, Stand)> {
        let decided = decide(text.as_bytes()).into_iter();
        decided
            .map(|(mount, stand)| (mount.point.display().to_string(), stand))
            .collect()
    }

    fn table(rows: &[(&str, Stand)]) -> Vec<(String, Stand)> {
        rows.iter()
            .map(|(point, stand)| ((*point).to_owned(), *stand))
            .collect()
    }

    #[test]
    fn each_kind_of_mount_has_its_stand() {
        let text = "\
            1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
            2 1 0:5 / /proc rw,nosuid - proc proc rw\n\
            3 1 0:6 / /dev rw - devtmpfs udev rw\n\
            4 3 0:7 / /dev/shm rw - tmpfs tmpfs rw\n\
            5 1 8:2 / /boot rw - ext4 /dev/sda2 rw\n\
            6 5 8:3 / /boot/efi rw - vfat /dev/sda3 rw\n\
            7 1 8:4 / /var/lib/my\\040data rw,noexec master:3 - xfs /dev/sda4 rw\n\
            8 1 0:9 / /srv/nfs rw - nfs4 server:/x rw\n\
            9 1 0:10 / /home rw - autofs systemd-1 rw\n\
            10 1 0:11 / /mnt/phone rw - fuse.sshfs x rw\n\
            11 1 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro\n\
            12 1 0:12 / /run rw - tmpfs tmpfs rw\n\
            13 12 0:13 / /run/user/0 rw - tmpfs tmpfs rw\n\
            14 1 0:14 / /odd rw - newfs x rw\n";
        let expected = [
            ("/", Stand::Overlay),
            ("/boot", Stand::Overlay),
            ("/home", Stand::Empty),
            ("/odd", Stand::Empty),
            ("/boot/efi", Stand::Copy),
            ("/srv/nfs", Stand::Empty),
            ("/mnt/phone", Stand::Empty),
            ("/var/lib/my data", Stand::Overlay),
            ("/snap/core/1", Stand::Empty),
        ];
        assert_eq!(decided(text), table(&expected));
    }

    #[test]
    fn what_is_covered_is_not_there() {
        let text = "\
            1 0 0:1 / / rw - rootfs rootfs rw\n\
            2 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            3 2 8:2 / /mnt/inner rw - ext4 /dev/sda2 rw\n\
            4 2 8:3 / /mnt rw - ext4 /dev/sda3 rw\n\
            5 2 0:3 / /home rw - autofs x rw\n\
            6 5 8:4 / /home rw - ext4 /dev/sda4 rw\n\
            7 4 8:5 / /mnt/new rw - ext4 /dev/sda5 rw\n";
        let expected = [
            ("/", Stand::Overlay),
            ("/mnt", Stand::Overlay),
            ("/home", Stand::Overlay),
            ("/mnt/new", Stand::Overlay),
        ];
        assert_eq!(decided(text), table(&expected));
    }

    #[test]
    fn flags_are_those_of_the_mount() {
        let text = "1 0 8:1 / / rw,nosuid,noexec - ext4 /dev/sda1 rw,nodev\n";
        let (mount, _) = decide(text.as_bytes()).pop().expect("one");
        assert!(mount.nosuid && mount.noexec);
    }

    #[test]
    fn what_is_below_a_folder_is_found_with_its_flags() {
        let text = "\
            1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
            2 1 8:1 /image /run/view ro,nosuid - ext4 /dev/sda1 rw\n\
            3 2 8:2 / /run/view/boot rw - ext4 /dev/sda2 rw\n\
            4 1 8:3 / /run/viewer rw - ext4 /dev/sda3 rw\n";
        let found = below(text.as_bytes(), Path::new("/run/view"));
        let found: Vec<_> = found
            .iter()
            .map(|mount| (mount.point.to_str(), mount.read_only, mount.nosuid))
            .collect();
        let expected = [
            (Some("/run/view"), true, true),
            (Some("/run/view/boot"), false, false),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_line_that_is_none_is_left_out() {
        assert_eq!(decided("nonsense\n1 2 3\n\n"), []);
    }

    #[test]
    fn only_what_packages_are_made_of_is_needed() {
        for point in [
            "/",
            "/usr",
            "/usr/local",
            "/var",
            "/var/lib",
            "/boot/efi",
            "/etc/x",
        ] {
            assert!(is_needed(Path::new(point)), "{point}");
        }
        for point in ["/home", "/srv", "/var/lib/docker/overlay2/x/merged"] {
            assert!(!is_needed(Path::new(point)), "{point}");
        }
    }
}
