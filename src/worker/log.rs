//! The package manager's output, one file a run: `/var/log/patchd/run-ID.log`,
//! for root and the group adm. The run's folder links to it, so that whoever
//! writes needs to know that folder only.

use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, chown};

use crate::model::RunId;
use crate::os::files::{no_follow, read_bounded};

/// Where the logs are.
pub const LOGS: &str = "/var/log/patchd";

/// The name of a run's output in its folder.
pub(super) const LINK: &str = "output.log";

/// What must be free where the logs are, bytes; a full upgrade prints less.
const ROOM: u64 = 4 << 20;

/// How many logs, and how many records, are kept.
pub(super) const KEPT: usize = 60;

/// The log of a run.
#[must_use]
pub fn log_file(logs: &Path, run: RunId) -> PathBuf {
    logs.join(format!("run-{run}.log"))
}

/// Makes the log and the link to it, and drops the oldest ones. Where that
/// fails the output simply stays in the run's folder.
pub(super) fn prepare(logs: &Path, folder: &Path, run: RunId) -> std::io::Result<()> {
    if !logs.is_dir() {
        DirBuilder::new().recursive(true).mode(0o750).create(logs)?;
        give_to_adm(logs, 0o750)?;
    }
    let space = rustix::fs::statvfs(logs)?;
    if space.f_bavail.saturating_mul(space.f_frsize) < ROOM {
        return Err(std::io::ErrorKind::StorageFull.into());
    }
    let path = log_file(logs, run);
    let new = File::options()
        .create_new(true)
        .append(true)
        .mode(0o640)
        .custom_flags(no_follow())
        .open(&path);
    match new {
        Ok(_) => give_to_adm(&path, 0o640)?,
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(cause) => return Err(cause),
    }
    match symlink(&path, folder.join(LINK)) {
        Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => return Err(cause),
        _ => {}
    }
    drop_oldest(logs)
}

/// Run ids sort by time, and so do the names of their logs.
fn drop_oldest(logs: &Path) -> std::io::Result<()> {
    let names = std::fs::read_dir(logs)?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("run-")).collect();
    names.sort();
    let surplus = names.len().saturating_sub(KEPT);
    names
        .iter()
        .take(surplus)
        .try_for_each(|name| std::fs::remove_file(logs.join(name)))
}

fn give_to_adm(path: &Path, mode: u32) -> std::io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    let groups = read_bounded(Path::new("/etc/group"), 1 << 20)?;
    match adm(&groups) {
        Some(group) => Ok(chown(path, None, Some(group))?),
        None => Ok(()),
    }
}

/// The group's number; a system without it leaves the logs to root alone.
fn adm(groups: &str) -> Option<Gid> {
    let mut fields = groups
        .lines()
        .find_map(|line| line.strip_prefix("adm:"))?
        .split(':');
    fields.nth(1)?.parse().ok().map(Gid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_logs_go_and_the_newest_stays() {
        let root = tempfile::tempdir().expect("a folder");
        let (logs, folder) = (root.path().join("logs"), root.path().join("run"));
        std::fs::create_dir(&folder).expect("made");
        for number in 0..70 {
            let _link_stays_at_the_first = prepare(&logs, &folder, RunId::new(number, 0));
        }
        let kept = std::fs::read_dir(&logs).expect("there").count();
        assert_eq!(kept, KEPT);
        assert!(log_file(&logs, RunId::new(69, 0)).exists());
        assert!(!log_file(&logs, RunId::new(0, 0)).exists());
    }

    #[test]
    fn the_number_of_adm_is_its_third_field() {
        assert_eq!(adm("root:x:0:\nadm:x:4:syslog\n"), Some(Gid::from_raw(4)));
        assert_eq!(adm("root:x:0:\n"), None);
    }
}
