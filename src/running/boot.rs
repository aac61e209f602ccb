//! When this system, and what runs in it, was started.

use std::time::{Duration, SystemTime};

use crate::os::process::Process;

/// When PID 1 started: in a container that is the container's boot.
pub(super) fn system_start() -> Option<SystemTime> {
    started(Process::of(1)?)
}

/// When a process was started, by the clock as it is set now.
pub(super) fn started(process: Process) -> Option<SystemTime> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let boot: u64 = stat
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    let ticks = rustix::param::clock_ticks_per_second();
    let since_boot = Duration::from_secs(process.start_time / ticks.max(1));
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(boot) + since_boot)
}
