//! Configuration files that kept their old version: dpkg and ucf leave the new
//! one beside it.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::fault::Fault;
use super::commands;
use super::execution::file_fault;
use crate::model::{Change, PackageId};
use crate::os::command::Runner;
use crate::os::files;

/// An empty file whose change time is the first start of this transaction.
const START: &str = "apply-started";

/// Where ucf remembers which files it manages, one `PACKAGE PATH` a line.
const UCF: &str = "/var/lib/ucf/registry";

/// ucf manages some dozens of files.
const UCF_CAP: u64 = 4 << 20;

/// So many names go into one question.
const BATCH: usize = 500;

/// Remembers when the transaction was started first; a repetition keeps that.
pub fn remember_start(folder: &Path) -> Result<(), Fault> {
    let path = folder.join(START);
    if path.exists() {
        return Ok(());
    }
    files::replace(&path, b"", 0o640).map_err(file_fault(&path))
}

/// The configuration files of changed packages that kept their old version
/// since the start. Without a start there are none.
pub async fn kept(
    runner: &dyn Runner,
    changed: &[Change],
    folder: &Path,
) -> Result<Vec<String>, Fault> {
    let Some(start) = changed_at(&folder.join(START)) else {
        return Ok(Vec::new());
    };
    let ids: Vec<&PackageId> = changed
        .iter()
        .filter(|change| !change.is_removal())
        .map(|change| &change.id)
        .collect();
    let mut paths = BTreeSet::new();
    for batch in ids.chunks(BATCH) {
        let answer = runner
            .ask(&commands::conffiles(batch.iter().copied()))
            .await?;
        paths.extend(of_dpkg(&answer.text()));
    }
    let kept_by_dpkg = paths.iter().filter(|path| left(path, ".dpkg-dist", start));
    let registry = files::read_bounded(Path::new(UCF), UCF_CAP).unwrap_or_default();
    let managed = of_ucf(&registry);
    let kept_by_ucf = managed.iter().filter(|path| left(path, ".ucf-dist", start));
    Ok(kept_by_dpkg
        .chain(kept_by_ucf)
        .map(|path| path.display().to_string())
        .collect())
}

/// ` /etc/nginx/nginx.conf 0123… [obsolete]`; a path may hold blanks.
fn of_dpkg(text: &str) -> Vec<PathBuf> {
    text.lines()
        .map(str::trim)
        .filter_map(|line| {
            let line = line.trim_end_matches(" remove-on-upgrade");
            let line = line.trim_end_matches(" obsolete");
            line.rsplit_once(' ').map(|(path, _)| PathBuf::from(path))
        })
        .filter(|path| path.is_absolute())
        .collect()
}

fn of_ucf(registry: &str) -> Vec<PathBuf> {
    registry
        .lines()
        .filter_map(|line| line.split_once(char::is_whitespace))
        .map(|(_, path)| PathBuf::from(path.trim()))
        .filter(|path| path.is_absolute())
        .collect()
}

/// Whether the new version lies beside the old one, and was put there since
/// the start. The change time tells: dpkg sets the other one to the archive's.
fn left(path: &Path, suffix: &str, start: (i64, i64)) -> bool {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    changed_at(Path::new(&beside)).is_some_and(|at| at >= start)
}

fn changed_at(path: &Path) -> Option<(i64, i64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.ctime(), file.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_without_their_flags() {
        let text =
            "\n /etc/a 0123 obsolete\n /etc/b c newconffile\n /etc/d 0123 remove-on-upgrade\n";
        let paths = ["/etc/a", "/etc/b c", "/etc/d"].map(PathBuf::from);
        assert_eq!(of_dpkg(text), paths);
        assert_eq!(
            of_ucf("grub-common   /etc/default/grub\n"),
            [PathBuf::from("/etc/default/grub")]
        );
    }

    #[test]
    fn only_what_was_put_there_since_the_start_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str| std::fs::File::create(folder.path().join(name)).map(drop);
        put("old.dpkg-dist").expect("written");
        std::thread::sleep(std::time::Duration::from_millis(20));
        remember_start(folder.path()).expect("written");
        put("new.dpkg-dist").expect("written");
        let start = changed_at(&folder.path().join(START)).expect("there");
        let kept = |name: &str| left(&folder.path().join(name), ".dpkg-dist", start);
        assert_eq!(
            [kept("old"), kept("new"), kept("none")],
            [false, true, false]
        );
        remember_start(folder.path()).expect("kept");
        assert_eq!(changed_at(&folder.path().join(START)), Some(start));
    }
}
