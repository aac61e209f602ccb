//! Other processes, as /proc shows them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags};
use serde::{Deserialize, Serialize};

/// As much as is looked at of the words a process was started with, bytes.
const ARGUMENTS_CAP: u64 = 64 << 10;

/// A process may have 65,530 mappings unless its owner allows it more, a line
/// of 100 bytes each.
const MAPS_CAP: u64 = 64 << 20;

/// A line for each hierarchy.
const CGROUP_CAP: u64 = 64 << 10;

/// A process that cannot be confused with a later one of the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Clock ticks after boot.
    pub start_time: u64,
}

impl Process {
    /// The process that has this pid now.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(proc_file(pid, "stat")).ok()?;
        start_time(&stat).map(|start_time| Self { pid, start_time })
    }

    /// Whether it still runs; a zombie has ended.
    #[must_use]
    pub fn is_alive(self) -> bool {
        let Ok(stat) = std::fs::read_to_string(proc_file(self.pid, "stat")) else {
            return false;
        };
        start_time(&stat) == Some(self.start_time) && state(&stat) != Some('Z')
    }

    /// How long ago it was started.
    #[must_use]
    pub fn age(self) -> Duration {
        let started = self.start_time * 1000 / rustix::param::clock_ticks_per_second();
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let now = Duration::try_from(now).unwrap_or_default();
        now.saturating_sub(Duration::from_millis(started))
    }

    /// Asks it to end; what that means is its own affair.
    pub fn ask_to_stop(self) {
        if self.is_alive() {
            ask_to_stop(self.pid);
        }
    }

    /// Waits until it has ended. It need not be a child of ours.
    pub async fn ended(self) -> std::io::Result<()> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(());
        };
        let Ok(descriptor) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) else {
            return Ok(());
        };
        // Opened first, looked at after: the pid cannot be reused in between.
        if !self.is_alive() {
            return Ok(());
        }
        let wait = move || {
            let mut interest = [PollFd::new(&descriptor, PollFlags::IN)];
            while rustix::event::poll(&mut interest, None) == Err(rustix::io::Errno::INTR) {}
        };
        tokio::task::spawn_blocking(wait)
            .await
            .map_err(std::io::Error::other)
    }
}

/// The program that runs, whatever lies under its name now.
pub const OURSELVES: &str = "/proc/self/exe";

/// The program that runs, to be started again: by its path, so that it has its
/// name in process lists, or, when the file was replaced meanwhile, by what is
/// still in memory.
#[must_use]
pub fn own_program() -> PathBuf {
    let path = std::env::current_exe().ok().filter(|path| path.exists());
    path.unwrap_or_else(|| PathBuf::from(OURSELVES))
}

/// From now on we end when whoever started us ends, however that happens.
pub fn end_with_parent() -> std::io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(
        rustix::process::Signal::KILL,
    ))?)
}

/// The name a person knows the process by, such as `unattended-upgr`.
#[must_use]
pub fn name(pid: u32) -> Option<String> {
    let name = std::fs::read_to_string(proc_file(pid, "comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// All processes that we can see.
#[must_use]
pub fn all() -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect()
}

/// What a process has started, and what that has started, parents first; not
/// what was left by its parent.
#[must_use]
pub fn below(of: u32) -> Vec<Process> {
    let mut children: BTreeMap<u32, Vec<Process>> = BTreeMap::new();
    for (parent, process) in with_parents() {
        children.entry(parent).or_default().push(process);
    }
    let mut found = children.remove(&of).unwrap_or_default();
    let mut next = 0;
    while let Some(process) = found.get(next) {
        found.extend(children.remove(&process.pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// The child of a process that was started first.
#[must_use]
pub fn oldest_child(of: u32) -> Option<u32> {
    let children = with_parents().filter(|(parent, _)| *parent == of);
    let oldest = children.min_by_key(|(_, child)| (child.start_time, child.pid));
    oldest.map(|(_, child)| child.pid)
}

/// All processes that we can see, each behind the pid of its parent.
fn with_parents() -> impl Iterator<Item = (u32, Process)> {
    all().into_iter().filter_map(|pid| {
        let stat = std::fs::read_to_string(proc_file(pid, "stat")).ok()?;
        let start_time = start_time(&stat)?;
        Some((parent(&stat)?, Process { pid, start_time }))
    })
}

/// Asks a process to end; what that means is its own affair.
pub fn ask_to_stop(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _has_ended = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// The words a process was started with; none of one that has ended, or that we
/// may not look at.
#[must_use]
pub fn arguments(pid: u32) -> Vec<String> {
    let mut bytes = Vec::new();
    let file = File::open(proc_file(pid, "cmdline"));
    let read = file.and_then(|file| file.take(ARGUMENTS_CAP).read_to_end(&mut bytes));
    if read.is_err() {
        return Vec::new();
    }
    let words = bytes.split(|byte| *byte == 0);
    words
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// The program that a process runs, as the kernel says it: ` (deleted)` at its
/// end when another file has its name now. `None` for what has none (the
/// kernel's own threads, a zombie) and for a process that has ended.
#[must_use]
pub fn program(pid: u32) -> Option<String> {
    let path = std::fs::read_link(proc_file(pid, "exe")).ok()?;
    Some(path.to_string_lossy().into_owned())
}

/// The text of `/proc/PID/maps`; bytes that are not UTF-8 as U+FFFD.
pub fn maps(pid: u32) -> std::io::Result<String> {
    read_capped(&proc_file(pid, "maps"), MAPS_CAP)
}

/// The text of `/proc/PID/cgroup`.
pub fn cgroup(pid: u32) -> std::io::Result<String> {
    read_capped(&proc_file(pid, "cgroup"), CGROUP_CAP)
}

/// The namespace that a process has its pid in; another one than ours is a
/// container's, or a sandbox's.
#[must_use]
pub fn pid_namespace(pid: u32) -> Option<u64> {
    let stat = rustix::fs::stat(proc_file(pid, "ns/pid")).ok()?;
    Some(stat.st_ino)
}

fn read_capped(path: &Path, cap: u64) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(cap + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > cap {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The root folder that a process sees, as a path.
#[must_use]
pub fn root(pid: u32) -> PathBuf {
    proc_file(pid, "root")
}

fn proc_file(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

/// The fields behind the command name, which may itself hold blanks and brackets.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_ascii_whitespace()
}

fn state(stat: &str) -> Option<char> {
    fields(stat).next()?.chars().next()
}

/// Field 4 of proc(5).
fn parent(stat: &str) -> Option<u32> {
    fields(stat).nth(1)?.parse().ok()
}

/// Field 22 of proc(5), the twentieth behind the name.
fn start_time(stat: &str) -> Option<u64> {
    fields(stat).nth(19)?.parse().ok()
}

/// A shell at work, for tests.
#[cfg(test)]
pub(crate) fn shell(script: &str) -> super::command::Transaction {
    use super::command::{Command, System, Transaction};
    let command = Command::new("/bin/sh").args(["-c", script]);
    let output = Path::new("/dev/null");
    Transaction::start(&System, &command, output, None, |_| Vec::new()).expect("started")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(state(stat), Some('S'));
        assert_eq!(parent(stat), Some(1));
        assert_eq!(start_time(stat), Some(4242));
    }

    #[tokio::test]
    async fn what_is_below_a_process_comes_parents_first() {
        let mut shell = shell("sleep 60 & wait");
        let ours = || below(std::process::id());
        let names = || {
            ours()
                .iter()
                .filter_map(|it| name(it.pid))
                .collect::<Vec<_>>()
        };
        while !names().iter().any(|name| name == "sleep") {
            std::thread::yield_now();
        }
        let place = |wanted: &str| names().iter().position(|name| name == wanted);
        assert!(place("sh") < place("sleep"), "{:?}", names());
        assert!(ours().iter().all(|it| it.age() < Duration::from_mins(10)));
        for process in below(shell.pid) {
            process.ask_to_stop();
        }
        shell.wait(&mut || ()).await.expect("its child is gone");
        assert_eq!(below(shell.pid), Vec::new());
    }

    #[test]
    fn we_are_alive_and_our_future_namesake_is_not() {
        let me = Process::of(std::process::id()).expect("we run");
        assert!(me.is_alive());
        assert!(
            !Process {
                start_time: me.start_time + 1,
                ..me
            }
            .is_alive()
        );
    }
}
