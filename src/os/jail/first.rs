//! PID 1 of the jail, and trusted: it is root of the machine, and nothing
//! inside may trace it, read its descriptors, or outlive it.

use std::io::BufReader;

use nix::sched::CloneFlags;
use rustix::process::Signal;

use super::cgroup::Gauges;
use super::ended::{Bounded, Ended, How, Report};
use super::error::{JailError, Trying};
use super::supervisor::{channel, tell};
use super::wish::{Network, Wish};
use super::{last, view, walk, watch};

pub(super) fn main() -> u8 {
    let report = serve().map_or_else(Report::Failed, Report::Ended);
    tell(&report);
    0
}

fn serve() -> Result<Ended, JailError> {
    // The lifeline does the same; this works also while nobody looks at it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .trying("follow the supervisor")?;
    let wish = Wish::read(&mut BufReader::new(channel()?))?;
    rustix::process::setsid().trying("begin a session")?;
    // Opened while the machine's control groups can still be seen.
    let gauges = wish.group.as_deref().map(Gauges::open).transpose()?;
    leave(&wish)?;
    let built = view::build(&wish)?;
    let payload = last::start(&wish, gauges.as_ref())?;
    let watched = watch::until_ended(&wish, payload.pid, built.layer.as_ref())?;
    let found = walk::walk(&built.overlays);
    let how = gauges
        .as_ref()
        .map_or(watched.how, |gauges| gauges.judge(watched.how));
    Ok(Ended {
        how,
        left_over: watched.left_over,
        changes: found.changes,
        incomplete: found.incomplete,
        grown: found.grown,
        layer_full: watched.layer_full,
        memory_peak: match &gauges {
            Some(gauges) => gauges.memory_peak(),
            None => Some(watched.memory_peak),
        },
        bounded: if gauges.is_some() {
            Bounded::ControlGroup
        } else {
            Bounded::Polled
        },
        walls: payload.walls,
        blind: built.blind,
        file_mounts: built.file_mounts,
    })
}

/// What is the machine's own stays behind: mounts, shared memory, names, network.
fn leave(wish: &Wish) -> Result<(), JailError> {
    let mut flags = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    flags.set(CloneFlags::CLONE_NEWNET, wish.jail.network == Network::None);
    nix::sched::unshare(flags).map_err(|cause| JailError::NotPermitted {
        reason: format!("new namespaces: {cause}"),
    })
}

impl Gauges {
    /// What the end of a payload means, by what the kernel counted.
    fn judge(&self, how: How) -> How {
        match how {
            How::Status(status) if status != 0 && self.killed_for_memory() => How::Memory,
            How::Status(status) if status != 0 && self.refused_tasks() => How::Tasks,
            other => other,
        }
    }
}
