//! Outside the jail: holds its lifeline. It ends the jail when whoever asked
//! for it is gone, or when its time is long over, and clears up behind it.

use std::io::{BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use nix::sched::CloneFlags;
use rustix::event::{PollFd, PollFlags, Timespec};

use super::cgroup::Group;
use super::ended::Report;
use super::error::{JailError, Trying};
use super::wish::{View, Wish};
use super::{Part, layer};
use crate::os::command::start_again;

/// What PID 1 may take besides the payload's time: to build the view, and to
/// walk over a large layer on a slow disk.
const GRACE: Duration = Duration::from_mins(3);

/// No payload is waited for longer, whatever its limit.
const LONGEST: Duration = Duration::from_hours(24 * 365);

pub(super) fn main() -> u8 {
    let Err(error) = supervise() else {
        return 0;
    };
    tell(&Report::Failed(error));
    1
}

/// Says it to whoever holds our lifeline. Nobody there: nobody to tell.
pub(super) fn tell(report: &Report) {
    if let (Ok(mut line), Ok(mut channel)) = (serde_json::to_vec(report), channel()) {
        line.push(b'\n');
        let _nobody_listens = channel.write_all(&line);
    }
}

/// What whoever started us holds the other end of, in place of standard input:
/// the wish comes out of it, the report goes into it, its end is ours.
pub(super) fn channel() -> Result<UnixStream, JailError> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    stdin
        .map(UnixStream::from)
        .trying("find whoever started us")
}

/// Whoever started us may have left a descriptor open that is meant for him;
/// nothing of it may come into the jail but the one that is meant for it.
fn close_what_is_not_ours(kept: Option<i32>) {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let names: Vec<_> = open.flatten().map(|entry| entry.file_name()).collect();
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse().ok());
    for number in numbers.filter(|number: &i32| *number > 2 && Some(*number) != kept) {
        // One of them was the listing's own, and is closed already.
        let _closed = nix::unistd::close(number);
    }
}

fn supervise() -> Result<(), JailError> {
    let mut wish = Wish::read(&mut BufReader::new(channel()?))?;
    close_what_is_not_ours(wish.kept);
    let group = match wish.jail.view {
        View::Copy => Group::make(&wish.id, wish.jail.bounds),
        View::Folder(_) => None,
    };
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
    let (mut ours, theirs) = UnixStream::pair().trying("make a channel")?;
    let streams = [
        OwnedFd::from(theirs).into(),
        Stdio::inherit(),
        Stdio::inherit(),
    ];
    let mut first =
        start_again(&["jail", Part::First.word()], streams).trying("start the first process")?;
    // One that ended at once has said why.
    let _broken_pipe = ours.write_all(&wish.to_bytes()?);
    let ended = relay(&mut ours, wish.jail.time_limit.min(LONGEST) + GRACE);
    // As PID 1 it takes all that is inside with it.
    let _ended_already = first.kill();
    let status = first.wait().or_lost()?;
    ended?;
    if !status.success() {
        return Err(JailError::lost(format!("its first process: {status}")));
    }
    Ok(())
}

/// Passes the report on until PID 1 has ended; an error when it must be ended.
fn relay(first: &mut UnixStream, limit: Duration) -> Result<(), JailError> {
    let mut above = channel()?;
    let limit = Timespec::try_from(limit).or_lost()?;
    let mut bytes = vec![0; 64 << 10];
    loop {
        let mut interest = [
            PollFd::new(&*first, PollFlags::IN),
            // Nothing more is ever written there: it can only be closed.
            PollFd::new(&above, PollFlags::empty()),
        ];
        match rustix::event::poll(&mut interest, Some(&limit)) {
            Ok(0) => return Err(JailError::lost("it did not end when its time was over")),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(cause) => return Err(JailError::lost(cause.to_string())),
        }
        let [said, gone] = interest.map(|end| end.revents());
        if !gone.is_empty() {
            return Err(JailError::lost("whoever asked for it is gone"));
        }
        if !said.is_empty() {
            match first.read(&mut bytes) {
                // It has ended.
                Ok(0) | Err(_) => return Ok(()),
                Ok(count) => above
                    .write_all(bytes.get(..count).unwrap_or_default())
                    .or_lost()?,
            }
        }
    }
}
