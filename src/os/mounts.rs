//! What is mounted, as this process sees it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Below these nothing lasts, and no package has a file.
const VOLATILE: [&str; 5] = ["/proc", "/sys", "/dev", "/run", "/tmp"];

/// The machine's own, with links and owners as packages want them. Looking at any
/// other kind could hang, wake somebody, or be refused.
const LOCAL: [&str; 11] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "zfs", "overlay", "tmpfs", "ubifs",
];

/// One line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The kernel's number for it.
    pub id: u32,
    /// The mount that it lies on.
    pub parent: u32,
    /// Where.
    pub point: PathBuf,
    /// Set-user-id bits mean nothing there.
    pub nosuid: bool,
    /// No program starts from there.
    pub noexec: bool,
    /// Nothing is written there.
    pub read_only: bool,
    /// The kind of file system, such as `ext4`.
    pub kind: String,
}

impl Mount {
    /// Whether it is of the machine itself, and nothing to be afraid of.
    #[must_use]
    pub fn is_local(&self) -> bool {
        LOCAL.contains(&self.kind.as_str())
    }

    /// Whether it is there for this boot only.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        VOLATILE.iter().any(|folder| self.point.starts_with(folder))
    }
}

/// What the kernel tells.
pub fn mountinfo() -> std::io::Result<Vec<u8>> {
    seen_by(std::process::id())
}

/// What the kernel tells of the mounts that another process sees.
pub fn seen_by(pid: u32) -> std::io::Result<Vec<u8>> {
    std::fs::read(format!("/proc/{pid}/mountinfo"))
}

/// The mount that a path lies on, as far as no link leads elsewhere.
#[must_use]
pub fn under<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    // Of two at the same point the later one hides the other.
    above.max_by_key(|mount| mount.point.as_os_str().len())
}

/// All that can be read of it, in the order of the kernel.
#[must_use]
pub fn parse(mountinfo: &[u8]) -> Vec<Mount> {
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

    #[test]
    fn a_mount_is_read_with_what_is_known_of_it() {
        let line = b"36 35 98:0 /mnt1 /mnt/a\\040b\\134c rw,noexec shared:1 - ext4 /dev/sda1 rw\n";
        let [mount] = parse(line).try_into().expect("one");
        let Mount { point, kind, .. } = &mount;
        assert_eq!(
            (point.to_str(), kind.as_str()),
            (Some(r"/mnt/a b\c"), "ext4")
        );
        assert!(mount.noexec && !mount.nosuid && mount.is_local() && !mount.is_volatile());
        assert_eq!(parse(b"36 35\n\n"), []);
        assert_eq!(unescape(b"a\\9\\"), b"a\\9\\");
    }

    #[test]
    fn what_could_hang_or_refuse_is_not_local() {
        for (kind, point, expected) in [
            ("bpf", "/sys/fs/bpf", false),
            ("autofs", "/home", false),
            ("nfs4", "/srv/nfs", false),
            ("xfs", "/var", true),
        ] {
            let line = format!("1 0 8:1 / {point} rw - {kind} x rw");
            let mounts = parse(line.as_bytes());
            assert_eq!(mounts[0].is_local(), expected, "{kind}");
        }
    }

    #[test]
    fn a_path_lies_on_the_deepest_and_latest_mount_above_it() {
        let table = b"1 0 8:1 / / rw - ext4 x rw\n2 1 0:3 / /home rw - autofs x rw\n\
            3 2 0:4 / /home rw - nfs4 x rw\n4 1 8:2 / /usr rw - xfs x rw\n";
        let mounts = parse(table);
        for (path, kind) in [
            ("/home/alice/bin/tool.py", "nfs4"),
            ("/usr/bin/tool", "xfs"),
            ("/homes/x", "ext4"),
        ] {
            let found = under(&mounts, Path::new(path)).expect("one");
            assert_eq!(found.kind, kind, "{path}");
        }
    }
}
