//! Who holds the locks of apt and dpkg. They are POSIX record locks, so the
//! kernel itself tells the holder (`F_GETLK`). /proc/locks would as well, but
//! its device numbers are not those of `stat` on btrfs and overlayfs.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::super::contract::{Activity, Watch};
use super::super::fault::Fault;
use super::super::settings::Settings;
use super::scripts;
use crate::os::process;

/// Every file that apt or dpkg locks.
const LOCKS: [&str; 4] = [
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
];

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
    fn somebody_is_named_with_his_pid() {
        let me = std::process::id();
        assert!(describe(&Holder::Process(me)).ends_with(&format!("(pid {me})")));
        assert_eq!(describe(&Holder::Unknown), "an unknown process");
    }
}
