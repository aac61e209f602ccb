//! What is mounted, and what a copy-on-write view makes of each mount. Pure.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// So many mounts are looked at; a machine with more runs containers, whose
/// file systems no package of the machine touches.
const MOST: usize = 512;

/// Replaced by fresh ones, with all that is mounted below them.
const FRESH: [&str; 5] = ["/proc", "/sys", "/dev", "/run", "/tmp"];

/// An overlay may lie on these.
const OVERLAID: [&str; 11] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "zfs", "overlay", "tmpfs", "ubifs",
];

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

/// One line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    id: u32,
    parent: u32,
    /// Where.
    pub(super) point: PathBuf,
    /// What a user named when he mounted it so.
    pub(super) nosuid: bool,
    /// As `nosuid`.
    pub(super) noexec: bool,
    /// As `nosuid`.
    pub(super) read_only: bool,
    kind: String,
}

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
        .filter(|mount| is_visible(mount, &all) && !is_fresh(&mount.point))
        .cloned()
        .collect();
    seen.sort_by_key(|mount| mount.point.components().count());
    let stands = seen.into_iter().enumerate();
    stands
        .map(|(index, mount)| {
            let stand = if index < MOST {
                stand(&mount.kind)
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

fn stand(kind: &str) -> Stand {
    match kind {
        _ if OVERLAID.contains(&kind) => Stand::Overlay,
        _ if COPIED.contains(&kind) => Stand::Copy,
        _ => Stand::Empty,
    }
}

fn is_fresh(point: &Path) -> bool {
    FRESH.iter().any(|fresh| point.starts_with(fresh))
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

fn parse(mountinfo: &[u8]) -> Vec<Mount> {
    let lines = mountinfo.split(|byte| *byte == b'\n');
    lines.filter_map(parse_line).collect()
}

/// `36 35 98:0 /root /point rw,nosuid shared:1 - ext4 /dev/x rw`
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (id, parent) = (number()?, number()?);
    let point = PathBuf::from(OsString::from_vec(unescape(fields.nth(2)?)));
    let options = std::str::from_utf8(fields.next()?).ok()?;
    let has = |wanted: &str| options.split(',').any(|option| option == wanted);
    let mut rest = fields.skip_while(|field| *field != b"-");
    let kind = std::str::from_utf8(rest.nth(1)?).ok()?;
    Some(Mount {
        id,
        parent,
        point,
        nosuid: has("nosuid"),
        noexec: has("noexec"),
        read_only: has("ro"),
        kind: kind.to_owned(),
    })
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, more)) = rest.split_first() {
        let code = more.split_at_checked(3).filter(|_| *first == b'\\');
        let byte = code.and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 8).ok()?, after))
        });
        let (byte, after) = byte.unwrap_or((*first, more));
        plain.push(byte);
        rest = after;
    }
    plain
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
        assert_eq!(unescape(b"a\\134b\\9\\"), b"a\\b\\9\\");
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
