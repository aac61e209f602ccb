//! Outside the jail: holds its lifeline. It ends the jail when whoever asked
//! for it is gone, or when its time is long over, and clears up behind it.

use std::io::{BufReader, PipeReader, Write};
use std::os::fd::AsFd;
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sched::CloneFlags;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};

use super::cgroup::Group;
use super::ended::Report;
use super::error::{JailError, Trying};
use super::wish::Wish;
use super::{Part, layer};
use crate::os::command::start_again;

/// What PID 1 may take besides the payload's time: to build the view, and to
/// walk over a large layer on a slow disk.
const GRACE: Duration = Duration::from_mins(3);

pub(super) fn main() -> bool {
    close_what_is_not_ours();
    let Err(error) = supervise() else {
        return true;
    };
    tell(&Report::Failed(error));
    false
}

/// Says it where the report is read. Nobody there: nobody to tell.
pub(super) fn tell(report: &Report) {
    if let Ok(mut line) = serde_json::to_vec(report) {
        line.push(b'\n');
        let _nobody_listens = std::io::stderr().lock().write_all(&line);
    }
}

/// Whoever started us may have left a descriptor open that is meant for him;
/// nothing of it may come into the jail.
fn close_what_is_not_ours() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let names: Vec<_> = open.flatten().map(|entry| entry.file_name()).collect();
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse().ok());
    for number in numbers.filter(|number: &i32| *number > 2) {
        // One of them was the listing's own, and is closed already.
        let _closed = nix::unistd::close(number);
    }
}

fn supervise() -> Result<(), JailError> {
    let mut stdin = BufReader::new(std::io::stdin());
    let mut wish = Wish::read(&mut stdin)?;
    let group = Group::make(&wish.id, wish.jail.bounds);
    wish.group = group.as_ref().map(Group::payload);
    let done = layer::hold(&wish).and_then(|_held| {
        let done = run(&wish);
        layer::clear(&wish);
        done
    });
    if let Some(group) = group {
        group.remove();
    }
    done
}

/// Starts PID 1 and stays until it has ended, one way or the other.
fn run(wish: &Wish) -> Result<(), JailError> {
    nix::sched::unshare(CloneFlags::CLONE_NEWPID).map_err(|cause| JailError::NotPermitted {
        reason: format!("new process namespace: {cause}"),
    })?;
    let (lifeline, mut ours) = std::io::pipe().trying("make a pipe")?;
    let mut first = start_first(lifeline)?;
    // One that ended at once has said why.
    let _broken_pipe = ours.write_all(&wish.to_bytes()?);
    let ended = wait(&first, wish.jail.time_limit + GRACE);
    // As PID 1 it takes all that is inside with it.
    let _ended_already = first.kill();
    let status = first.wait().or_lost()?;
    match ended {
        Ok(()) if status.success() => Ok(()),
        Ok(()) => Err(JailError::lost(format!(
            "its first process ended with {status}"
        ))),
        Err(error) => Err(error),
    }
}

fn start_first(lifeline: PipeReader) -> Result<Child, JailError> {
    let streams = [lifeline.into(), Stdio::inherit(), Stdio::inherit()];
    start_again(&["jail", Part::First.word()], streams).trying("start the first process")
}

/// Until PID 1 has ended; an error when it must be ended.
fn wait(first: &Child, limit: Duration) -> Result<(), JailError> {
    let process =
        rustix::process::pidfd_open(Pid::from_child(first), PidfdFlags::empty()).or_lost()?;
    let stdin = std::io::stdin();
    let mut interest = [
        PollFd::new(&process, PollFlags::IN),
        // Nothing more is ever written there: it can only be closed.
        PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::empty()),
    ];
    let limit = Timespec::try_from(limit).or_lost()?;
    loop {
        match rustix::event::poll(&mut interest, Some(&limit)) {
            Ok(0) => return Err(JailError::lost("it did not end when its time was over")),
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(cause) => return Err(JailError::lost(cause)),
        }
    }
    let [process, _] = &interest;
    if process.revents().is_empty() {
        return Err(JailError::lost("whoever asked for it is gone"));
    }
    Ok(())
}
