//! The process that becomes the payload. PID 1 starts it and gives it its map
//! of users; it gives up all that a package does not need, and is somebody
//! else's program from then on.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;

use nix::sched::CloneFlags;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};
use serde::{Deserialize, Serialize};

use super::Part;
use super::cgroup::Gauges;
use super::error::{JailError, Trying};
use super::filter::filter;
use super::supervisor::channel;
use super::wish::{View, Walls, Wish};
use crate::os::command::{Command, start_again};

/// What packages and their scripts need; in a user namespace it counts for
/// files and processes of the jail alone.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::SETFCAP)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::IPC_OWNER)
    .union(CapabilitySet::LEASE);

/// The kernel kills these before anything of the machine, and they cannot
/// change that.
const SACRIFICE: &[u8] = b"900";

/// Capabilities that a kernel may have; each is known by its bit.
const CAPABILITIES: u32 = 64;

/// A payload that runs.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) pid: Pid,
    pub(super) walls: Walls,
}

/// What it becomes, and on what terms.
#[derive(Debug, Serialize, Deserialize)]
struct Terms {
    payload: Vec<String>,
    within: PathBuf,
    walls: Walls,
    /// The root folder is somebody's: syncs are real, device nodes can be made.
    real: bool,
    /// It is our own program, which gives up nothing.
    is_ours: bool,
}

/// What it says on its way. Silence at the end means that it has become the payload.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    /// Whether it is in a user namespace, and wants its map.
    Moved(Result<(), String>),
    /// Which walls stand.
    Ready(Walls),
    Failed(JailError),
}

/// Starts it and sees it through until it is the payload.
pub(super) fn start(wish: &Wish, gauges: Option<&Gauges>) -> Result<Payload, JailError> {
    let step = "start what runs inside";
    let (ours, theirs) = UnixStream::pair().trying(step)?;
    let streams = [
        OwnedFd::from(theirs).into(),
        Stdio::inherit(),
        Stdio::inherit(),
    ];
    let child = start_again(&["jail", Part::Last.word()], streams).trying(step)?;
    if let Some(gauges) = gauges {
        gauges.enter(child.id()).trying(step)?;
    }
    write(&format!("/proc/{}/oom_score_adj", child.id()), SACRIFICE)?;
    let real = matches!(wish.jail.view, View::Folder(_));
    let mut walls = wish.jail.walls;
    // Device nodes can be made by the machine's root only.
    walls.user_namespace &= !real;
    if wish.jail.is_ours {
        (walls.user_namespace, walls.seccomp) = (false, false);
    }
    let terms = Terms {
        payload: wish.payload.clone(),
        within: wish.within.clone(),
        walls,
        real,
        is_ours: wish.jail.is_ours,
    };
    say(&ours, &terms)?;
    let walls = see_through(&ours, child.id())?;
    Ok(Payload {
        pid: Pid::from_child(&child),
        walls,
    })
}

fn see_through(channel: &UnixStream, pid: u32) -> Result<Walls, JailError> {
    let mut walls = None;
    for line in BufReader::new(channel).lines() {
        let line = line.or_lost()?;
        match serde_json::from_str(&line).or_lost()? {
            Word::Moved(moved) => {
                let mapped = moved.and_then(|()| map_users(pid).map_err(|error| error.to_string()));
                say(channel, &mapped)?;
            }
            Word::Ready(stand) => walls = Some(stand),
            Word::Failed(error) => return Err(error),
        }
    }
    walls.ok_or_else(|| JailError::lost("what runs inside did not start"))
}

/// Everybody is who he is outside; only the kernel knows that it is not so.
fn map_users(pid: u32) -> Result<(), JailError> {
    for map in ["uid_map", "gid_map"] {
        let own = std::fs::read_to_string(format!("/proc/self/{map}"));
        let own = own.trying(format!("read {map}"))?;
        write(&format!("/proc/{pid}/{map}"), identity(&own).as_bytes())?;
    }
    Ok(())
}

/// Of all whom we know: in a container not everybody.
fn identity(own: &str) -> String {
    use std::fmt::Write;
    let mut map = String::new();
    for line in own.lines() {
        let mut numbers = line.split_ascii_whitespace();
        if let (Some(first), Some(count)) = (numbers.next(), numbers.nth(1)) {
            let _never_fails = writeln!(map, "{first} {first} {count}");
        }
    }
    map
}

fn write(path: &str, content: &[u8]) -> Result<(), JailError> {
    let file = std::fs::File::options().write(true).open(path);
    file.and_then(|mut file| file.write_all(content))
        .trying(format!("write {path}"))
}

fn say<W: Serialize>(mut channel: &UnixStream, word: &W) -> Result<(), JailError> {
    let mut line = serde_json::to_vec(word).or_lost()?;
    line.push(b'\n');
    channel.write_all(&line).or_lost()
}

/// Of this process: on the channel to PID 1 in place of standard input.
pub(super) fn main() -> u8 {
    if let Ok(channel) = channel()
        && let Err(error) = become_payload(&channel)
    {
        let _first_is_gone = say(&channel, &Word::Failed(error));
    }
    1
}

/// Returns only if that fails. The channel closes when it does not.
fn become_payload(channel: &UnixStream) -> Result<(), JailError> {
    let mut heard = BufReader::new(channel).lines();
    let mut hear = || {
        heard
            .next()
            .ok_or("its first process is gone")
            .or_lost()?
            .or_lost()
    };
    let terms: Terms = serde_json::from_str(&hear()?).or_lost()?;
    follow_first()?;
    // The leaf becomes the root of what can be seen of control groups.
    let _old_kernel = nix::sched::unshare(CloneFlags::CLONE_NEWCGROUP);
    rustix::process::setsid().trying("begin a session")?;
    let mut walls = Walls {
        user_namespace: false,
        seccomp: false,
    };
    let mut refusals = Vec::new();
    if terms.walls.user_namespace {
        let moved = nix::sched::unshare(CloneFlags::CLONE_NEWUSER);
        say(
            channel,
            &Word::Moved(moved.map_err(|cause| cause.to_string())),
        )?;
        let mapped: Result<(), String> = serde_json::from_str(&hear()?).or_lost()?;
        walls.user_namespace = mapped.is_ok();
        refusals.extend(mapped.err());
    }
    settle()?;
    if !terms.is_ours {
        drop_bounding(terms.real)?;
    }
    if terms.walls.seccomp {
        let filtered = seccompiler::apply_filter(&filter(terms.real));
        walls.seccomp = filtered.is_ok();
        refusals.extend(filtered.err().map(|cause| cause.to_string()));
    }
    if !terms.is_ours {
        drop_rest(terms.real)?;
        if !walls.user_namespace && !walls.seccomp {
            return Err(JailError::NoWalls {
                reason: refusals.join("; "),
            });
        }
    }
    say(channel, &Word::Ready(walls))?;
    let mut words = terms.payload.into_iter();
    let program = words.next().unwrap_or_default();
    let step = format!("start {program} inside");
    let command = Command::new(program).args(words).within(&terms.within);
    Err(command.exec()).trying(step)
}

fn follow_first() -> Result<(), JailError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .trying("follow the first process")
}

/// Root with no groups, no input, no core dumps, and the limits of a login.
fn settle() -> Result<(), JailError> {
    use rustix::fs::{Gid, Uid};
    let step = "settle down inside";
    rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT).trying(step)?;
    rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).trying(step)?;
    rustix::thread::set_thread_groups(&[]).trying(step)?;
    // A change of user forgets it.
    follow_first()?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let limit = |resource, current, maximum| {
        let limit = Rlimit {
            current: Some(current),
            maximum: Some(maximum),
        };
        rustix::process::setrlimit(resource, limit)
    };
    // One byte, which is the kernel's sign for no dump and no handler either:
    // that would run outside, as root.
    limit(Resource::Core, 1, 1).trying(step)?;
    limit(Resource::Nofile, 1024, 4096).trying(step)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let null = rustix::fs::open("/dev/null", flags, Mode::empty()).trying(step)?;
    rustix::stdio::dup2_stdin(&null).trying(step)
}

fn kept(real: bool) -> CapabilitySet {
    if real {
        KEPT.union(CapabilitySet::MKNOD)
    } else {
        KEPT
    }
}

/// What no program inside can get back, whatever bits its file has.
fn drop_bounding(real: bool) -> Result<(), JailError> {
    let step = "give up capabilities";
    for number in 0..CAPABILITIES {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if kept(real).contains(capability) {
            continue;
        }
        // The kernel says where its capabilities end.
        match rustix::thread::capability_is_in_bounding_set(capability) {
            Ok(true) => {
                rustix::thread::remove_capability_from_bounding_set(capability).trying(step)?;
            }
            Ok(false) => {}
            Err(_) => break,
        }
    }
    rustix::thread::clear_ambient_capability_set().trying(step)
}

fn drop_rest(real: bool) -> Result<(), JailError> {
    let sets = CapabilitySets {
        effective: kept(real),
        permitted: kept(real),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets).trying("give up capabilities")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_we_know_is_himself() {
        assert_eq!(
            identity("         0          0 4294967295\n"),
            "0 0 4294967295\n"
        );
        assert_eq!(
            identity("0 100000 1000\n1000 1000 1\n"),
            "0 0 1000\n1000 1000 1\n"
        );
    }

    #[test]
    fn nothing_that_reaches_the_machine_is_kept() {
        let reach = CapabilitySet::SYS_ADMIN
            | CapabilitySet::SYS_MODULE
            | CapabilitySet::SYS_RAWIO
            | CapabilitySet::SYS_PTRACE
            | CapabilitySet::SYS_RESOURCE
            | CapabilitySet::DAC_READ_SEARCH
            | CapabilitySet::NET_ADMIN
            | CapabilitySet::MKNOD;
        assert!(!KEPT.intersects(reach));
    }
}
