//! Control groups: the kernel's own bounds. PID 1 and the payload are in two
//! leaves, so that the end of the one by lack of memory leaves the other its
//! report. Where no controllers are, [`super::watch`] polls.

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::{JailError, Trying};
use super::wish::Bounds;

/// Where version 2 is mounted, if it is the only one.
const MOUNT: &str = "/sys/fs/cgroup";

/// How groups of our own begin; whoever is killed leaves an empty one behind.
const PREFIX: &str = "patchd-rehearsal-";

/// What systemd writes on a group that it does not touch.
const DELEGATED: &str = "trusted.delegate";

/// For the supervisor and PID 1.
const SUPERVISOR: &str = "sup";

/// For what runs inside.
const PAYLOAD: &str = "payload";

/// A group with two leaves; we are in one of them.
#[derive(Debug)]
pub(super) struct Group {
    folder: PathBuf,
    /// Where we came from, when the group is our own.
    home: Option<PathBuf>,
}

impl Group {
    /// Within the group that systemd has given us, else beside all others.
    /// None where the kernel does not bound by groups, or lacks a controller.
    pub(super) fn make(id: &str, bounds: Bounds) -> Option<Self> {
        let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let here = Path::new(MOUNT).join(own(&text)?);
        if !Path::new(MOUNT).join("cgroup.controllers").exists() {
            return None;
        }
        let group = if is_delegated(&here) {
            Self {
                folder: here,
                home: None,
            }
        } else {
            let folder = Path::new(MOUNT).join(format!("{PREFIX}{id}"));
            DirBuilder::new().create(&folder).ok()?;
            Self {
                folder,
                home: Some(here),
            }
        };
        if group.furnish(bounds).is_none() {
            group.remove();
            return None;
        }
        Some(group)
    }

    /// The leaf of the payload.
    pub(super) fn payload(&self) -> PathBuf {
        self.folder.join(PAYLOAD)
    }

    fn furnish(&self, bounds: Bounds) -> Option<()> {
        let supervisor = self.folder.join(SUPERVISOR);
        for leaf in [&supervisor, &self.payload()] {
            match DirBuilder::new().create(leaf) {
                Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => return None,
                _ => {}
            }
        }
        // A group that hands out controllers may hold no process itself.
        if self.home.is_some() {
            write(&supervisor, "cgroup.procs", "0")?;
        } else {
            let all = std::fs::read_to_string(self.folder.join("cgroup.procs")).ok()?;
            for pid in all.lines() {
                write(&supervisor, "cgroup.procs", pid)?;
            }
        }
        for needed in ["+memory", "+pids"] {
            write(&self.folder, "cgroup.subtree_control", needed)?;
        }
        let payload = self.payload();
        write(&payload, "memory.max", &bounds.memory.to_string())?;
        write(&payload, "pids.max", &bounds.tasks.to_string())?;
        write(&payload, "memory.oom.group", "1")?;
        // These are courtesy; not every kernel has them.
        let _no_swap = write(&payload, "memory.swap.max", "0");
        for wanted in ["+cpu", "+io"] {
            let _absent = write(&self.folder, "cgroup.subtree_control", wanted);
        }
        let _absent = write(&payload, "cpu.weight", "20");
        let _absent = write(&payload, "io.weight", "20");
        Some(())
    }

    /// Goes home, and takes away what is ours. A delegated group goes with its unit.
    pub(super) fn remove(self) {
        if let Some(home) = &self.home {
            let _stays = write(home, "cgroup.procs", "0");
            remove(&self.folder);
        }
    }
}

/// What is known of the payload's leaf where no control group can be seen.
#[derive(Debug)]
pub(super) struct Gauges {
    entry: File,
    memory: File,
    tasks: File,
    /// Since Linux 5.19.
    peak: Option<File>,
}

impl Gauges {
    pub(super) fn open(leaf: &Path) -> Result<Self, JailError> {
        let step = format!("open {}", leaf.display());
        let entry = File::options().write(true).open(leaf.join("cgroup.procs"));
        Ok(Self {
            entry: entry.trying(&step)?,
            memory: File::open(leaf.join("memory.events")).trying(&step)?,
            tasks: File::open(leaf.join("pids.events")).trying(&step)?,
            peak: File::open(leaf.join("memory.peak")).ok(),
        })
    }

    /// Puts a process in, by the pid that we know it by.
    pub(super) fn enter(&self, pid: u32) -> std::io::Result<()> {
        (&self.entry).write_all(pid.to_string().as_bytes())
    }

    /// Whether the kernel killed it for lack of memory.
    pub(super) fn killed_for_memory(&self) -> bool {
        counted(&now(&self.memory), "oom_kill") > 0
    }

    /// Whether it wanted more processes than it may have.
    pub(super) fn refused_tasks(&self) -> bool {
        counted(&now(&self.tasks), "max") > 0
    }

    pub(super) fn memory_peak(&self) -> Option<u64> {
        now(self.peak.as_ref()?).trim().parse().ok()
    }
}

/// What such a file says at this moment; nothing when its group is gone.
fn now(file: &File) -> String {
    let mut bytes = [0; 4096];
    let length = file.read_at(&mut bytes, 0).unwrap_or(0);
    String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned()
}

/// `NAME COUNT` on a line of its own.
fn counted(events: &str, name: &str) -> u64 {
    let mut lines = events.lines().filter_map(|line| line.split_once(' '));
    let found = lines.find(|(found, _)| *found == name);
    found.and_then(|(_, count)| count.parse().ok()).unwrap_or(0)
}

/// Empty groups of those that were killed.
pub(super) fn sweep() {
    let Ok(groups) = std::fs::read_dir(MOUNT) else {
        return;
    };
    for group in groups.flatten() {
        if group.file_name().to_string_lossy().starts_with(PREFIX) {
            remove(&group.path());
        }
    }
}

/// The kernel refuses as long as a process is in it.
fn remove(group: &Path) {
    for folder in [
        group.join(PAYLOAD),
        group.join(SUPERVISOR),
        group.to_owned(),
    ] {
        let _in_use = std::fs::remove_dir(folder);
    }
}

/// The path below the mount, out of `/proc/self/cgroup`.
fn own(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|line| line.strip_prefix("0::"));
    line.map(|path| path.trim_start_matches('/'))
}

fn is_delegated(group: &Path) -> bool {
    let mut value = [0; 8];
    let read = rustix::fs::getxattr(group, DELEGATED, &mut value);
    read.is_ok_and(|length| value.get(..length) == Some(b"1"))
}

fn write(group: &Path, file: &str, text: &str) -> Option<()> {
    let mut file = File::options().write(true).open(group.join(file)).ok()?;
    file.write_all(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_version_two_is_ours() {
        let hybrid = "4:memory:/x\n0::/system.slice/patchd-rehearse@1.service\n";
        assert_eq!(own(hybrid), Some("system.slice/patchd-rehearse@1.service"));
        assert_eq!(own("0::/\n"), Some(""));
        assert_eq!(own("4:memory:/x\n"), None);
    }

    #[test]
    fn events_are_counted_by_their_whole_name() {
        let events = "low 0\nmax 7\noom 1\noom_kill 3\noom_group_kill 1\n";
        assert_eq!(counted(events, "oom_kill"), 3);
        assert_eq!(counted(events, "max"), 7);
        assert_eq!(counted("", "max"), 0);
    }
}
