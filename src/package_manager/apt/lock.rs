//! Who holds the locks of apt and dpkg. They are POSIX record locks, so the
//! kernel itself tells the holder (`F_GETLK`). /proc/locks would as well, but
//! its device numbers are not those of `stat` on btrfs and overlayfs.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::super::contract::{Activity, Held, Watch};
use super::super::fault::Fault;
use super::super::settings::Settings;
use super::execution::file_fault;
use super::scripts;
use crate::os::process;

/// Every file that apt or dpkg locks.
const LOCKS: [&str; 4] = [
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
];

/// What dpkg changes with every package.
const STATUS: &str = "/var/lib/dpkg/status";

/// How often we look again.
const PAUSE: Duration = Duration::from_secs(1);

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A process that we can see.
    Process(u32),
    /// A maintainer script that outlived its dpkg, and works all the same.
    Script(u32, String),
    /// A process of another PID namespace, or a lock that belongs to no process.
    Unknown,
}

/// Waits until nobody holds any of the locks, and no maintainer script works
/// without one, no longer than `lock_wait`.
/// Each new holder is told once.
pub async fn wait_for_lock(settings: &Settings, watch: Watch<'_>) -> Result<(), Fault> {
    wait_for(&LOCKS.map(Path::new), settings.lock_wait, watch).await
}

/// Waits in the same way, and then holds the locks of dpkg itself.
pub async fn hold(settings: &Settings, watch: Watch<'_>) -> Result<Held, Fault> {
    loop {
        wait_for_lock(settings, watch).await?;
        if let Some(locks) = take(&LOCKS.map(Path::new))? {
            let before = state_of(Path::new(STATUS));
            let disturbed = move || state_of(Path::new(STATUS)) != before;
            return Ok(Held::new(locks, Box::new(disturbed)));
        }
    }
}

/// The locks, unless somebody was faster. Whoever holds them must open none of
/// these files again: a POSIX lock ends when its process closes the file.
fn take(paths: &[&Path]) -> Result<Option<Vec<File>>, Fault> {
    let mut locks = Vec::new();
    for path in paths {
        let opened = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(path);
        let file = match opened {
            Ok(file) => file,
            // A machine without lists has no lock of them either.
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(file_fault(path)(cause)),
        };
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => locks.push(file),
            Err(Errno::AGAIN | Errno::ACCESS) => return Ok(None),
            Err(cause) => return Err(file_fault(path)(cause.into())),
        }
    }
    Ok(Some(locks))
}

/// dpkg replaces its database whole: another inode, or another time.
fn state_of(status: &Path) -> Option<(u64, i64, i64, u64)> {
    let stat = std::fs::symlink_metadata(status).ok()?;
    Some((stat.ino(), stat.ctime(), stat.ctime_nsec(), stat.size()))
}

async fn wait_for(locks: &[&Path], at_most: Duration, watch: Watch<'_>) -> Result<(), Fault> {
    let start = tokio::time::Instant::now();
    let mut told = None;
    while let Some(holder) = first_holder(locks)? {
        let waited = start.elapsed();
        if waited >= at_most {
            return Err(Fault::Locked {
                holder: describe(&holder),
                waited_seconds: waited.as_secs(),
            });
        }
        if told.as_ref() != Some(&holder) {
            watch(Activity::Waiting {
                holder: describe(&holder),
            });
            told = Some(holder);
        }
        tokio::time::sleep(PAUSE.min(at_most.saturating_sub(waited))).await;
    }
    Ok(())
}

fn first_holder(locks: &[&Path]) -> Result<Option<Holder>, Fault> {
    for lock in locks {
        let holder = holder_of(lock).map_err(|cause| Fault::File {
            path: lock.to_path_buf(),
            cause,
        })?;
        if holder.is_some() {
            return Ok(holder);
        }
    }
    Ok(scripts::running().map(|(pid, script)| Holder::Script(pid, script)))
}

/// Who holds this file; a file that does not exist is held by nobody.
fn holder_of(lock: &Path) -> std::io::Result<Option<Holder>> {
    let file = match File::open(lock) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let held = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))?;
    Ok(held.map(|lock| {
        lock.pid
            .and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok())
            .map_or(Holder::Unknown, Holder::Process)
    }))
}

/// `unattended-upgr (pid 812)`.
fn describe(holder: &Holder) -> String {
    match holder {
        Holder::Script(pid, script) => {
            format!("the maintainer script {script} (pid {pid}), which outlived its dpkg")
        }
        Holder::Process(pid) => match process::name(*pid) {
            Some(name) => format!("{name} (pid {pid})"),
            None => format!("a process that has just ended (pid {pid})"),
        },
        Holder::Unknown => "an unknown process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_nobody_holds_is_not_waited_for() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut told = 0;
        wait_for(
            &[file.path(), Path::new("/nonexistent/lock")],
            Duration::ZERO,
            &mut |_| told += 1,
        )
        .await
        .expect("free");
        assert_eq!(told, 0);
    }

    #[test]
    fn what_is_held_is_seen_as_held_by_others_and_a_replaced_database_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lock, status) = (folder.path().join("lock"), folder.path().join("status"));
        crate::os::files::replace(&status, b"old", 0o640).expect("written");
        let missing = folder.path().join("no/lists/lock");
        let locks = take(&[&lock, &missing]).expect("free").expect("free");
        assert_eq!(locks.len(), 1);
        let before = state_of(&status);
        assert_eq!(state_of(&status), before);
        crate::os::files::replace(&status, b"new", 0o640).expect("written");
        assert_ne!(state_of(&status), before);
    }

    #[test]
    fn somebody_is_named_with_his_pid() {
        let me = std::process::id();
        assert!(describe(&Holder::Process(me)).ends_with(&format!("(pid {me})")));
        assert_eq!(describe(&Holder::Unknown), "an unknown process");
    }
}
