//! Who runs code now that a transaction would replace.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::os::{files, process, systemd};

/// A process maps some thousand regions at most, a line each.
const MAPS_CAP: u64 = 16 << 20;
const CGROUP_CAP: u64 = 64 << 10;

/// The units with a process that maps any of these files; processes outside of
/// all units are left out, and so are those of other root file systems.
#[must_use]
pub fn units_running(replaced: &BTreeSet<String>) -> BTreeSet<String> {
    let mut units = BTreeSet::new();
    for pid in process::all() {
        let proc = Path::new("/proc").join(pid.to_string());
        // One that ended meanwhile runs nothing.
        let Ok(maps) = files::read_bounded(&proc.join("maps"), MAPS_CAP) else {
            continue;
        };
        let runs = mapped_code(&maps)
            .filter(|path| replaced.contains(*path))
            .any(|path| is_same_file(path, &proc.join("root")));
        let cgroup = files::read_bounded(&proc.join("cgroup"), CGROUP_CAP);
        if let (true, Ok(cgroup)) = (runs, cgroup) {
            units.extend(systemd::unit_of_cgroup(&cgroup).map(str::to_owned));
        }
    }
    units
}

/// A container has files of the same name that are other files.
fn is_same_file(path: &str, root: &Path) -> bool {
    let identity = |path: &Path| {
        let stat = std::fs::metadata(path).ok()?;
        Some((stat.dev(), stat.ino()))
    };
    let theirs = identity(&root.join(path.trim_start_matches('/')));
    theirs.is_some() && theirs == identity(Path::new(path))
}

/// The files that are mapped to be executed.
fn mapped_code(maps: &str) -> impl Iterator<Item = &str> {
    maps.lines().filter_map(|line| {
        let mut words = line.splitn(6, ' ');
        let (_range, rights) = (words.next()?, words.next()?);
        let path = words.nth(3)?.trim_start();
        (rights.contains('x') && path.starts_with('/')).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_are_executed_count() {
        let maps = "\
55d0c0a00000-55d0c0a01000 r--p 00000000 fe:00 1 /usr/sbin/cron
55d0c0a01000-55d0c0a02000 r-xp 00001000 fe:00 1                          /usr/sbin/cron
7f0000000000-7f0000001000 r-xp 00000000 fe:00 2                          /usr/lib/with blank.so
7f0000001000-7f0000002000 rw-p 00000000 fe:00 3                          /usr/lib/data.so
7f0000002000-7f0000003000 r-xp 00000000 00:00 0                          [vdso]
7f0000003000-7f0000004000 rwxp 00000000 00:00 0 
";
        let code: Vec<&str> = mapped_code(maps).collect();
        assert_eq!(code, ["/usr/sbin/cron", "/usr/lib/with blank.so"]);
    }

    #[test]
    fn a_file_is_the_same_only_below_the_same_root() {
        assert!(is_same_file("/bin/sh", Path::new("/")));
        assert!(!is_same_file("/bin/sh", Path::new("/nonexistent")));
    }
}
