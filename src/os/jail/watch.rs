//! PID 1 while the payload runs: reaps, follows the lifeline, keeps the time,
//! and, where the kernel does not, the bounds.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::fstatvfs;
use rustix::process::{Pid, PidfdFlags, WaitOptions, WaitStatus};
use rustix::time::{ClockId, clock_gettime};

use super::ended::How;
use super::error::JailError;
use super::wish::{Layer, View, Wish};

/// How often is looked.
const TICK: Duration = Duration::from_millis(100);

/// A layer with less room than this is full, bytes.
const FULL: u64 = 1 << 20;

/// What a payload starts may need a moment to end behind it.
const MOMENT: Duration = Duration::from_millis(300);

/// So many processes are named, each with so many characters.
const NAMED: usize = 100;
const NAME: usize = 200;

/// What was seen.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) how: How,
    pub(super) left_over: Vec<String>,
    pub(super) layer_full: bool,
    /// Of what was counted by us.
    pub(super) memory_peak: u64,
}

/// Until the payload has ended, by itself or because it must; nothing of it is
/// left afterwards.
pub(super) fn until_ended(
    wish: &Wish,
    payload: Pid,
    layer: Option<&OwnedFd>,
) -> Result<Watched, JailError> {
    let mut watched = Watched {
        how: How::TimeLimit,
        left_over: Vec::new(),
        layer_full: false,
        memory_peak: 0,
    };
    let end = now().saturating_add(wish.jail.time_limit);
    let process = rustix::process::pidfd_open(payload, PidfdFlags::empty()).ok();
    let polled = wish.group.is_none() && wish.jail.view == View::Copy;
    while now() < end {
        if let Some(status) = reap(payload) {
            watched.how = How::Status(status);
            break;
        }
        pause(process.as_ref())?;
        watched.layer_full |= layer.is_some_and(is_full);
        if polled {
            let taken = Taken::now(layer.filter(|_| is_memory(wish)));
            watched.memory_peak = watched.memory_peak.max(taken.memory);
            if let Some(how) = taken.beyond(wish) {
                watched.how = how;
                break;
            }
        }
    }
    if let How::Status(_) = watched.how {
        watched.left_over = left_over()?;
    }
    kill_all();
    Ok(watched)
}

/// Time that no clock change touches.
fn now() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::try_from(time).unwrap_or_default()
}

/// Sleeps until the payload has ended, at most a tick. Whoever holds our
/// lifeline is gone when it hangs up: then so are we, and all with us.
fn pause(payload: Option<&OwnedFd>) -> Result<(), JailError> {
    let stdin = std::io::stdin();
    let lifeline = PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::empty());
    let mut interest = vec![lifeline];
    interest.extend(payload.map(|process| PollFd::new(process, PollFlags::IN)));
    let tick = Timespec::try_from(TICK).ok();
    let _interrupted = rustix::event::poll(&mut interest, tick.as_ref());
    match interest.first() {
        Some(lifeline) if lifeline.revents().is_empty() => Ok(()),
        _ => Err(JailError::lost("the supervisor is gone")),
    }
}

/// Takes all that have ended, orphans too. The payload's status, if it is one of them.
fn reap(payload: Pid) -> Option<i32> {
    let mut found = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid == payload {
            found = Some(code(status));
        }
    }
    found
}

fn code(status: WaitStatus) -> i32 {
    let signal = || 128 + status.terminating_signal().unwrap_or(0);
    status.exit_status().unwrap_or_else(signal)
}

fn is_full(layer: &OwnedFd) -> bool {
    fstatvfs(layer).is_ok_and(|state| {
        state.f_bavail.saturating_mul(state.f_frsize) < FULL
            || (state.f_files > 0 && state.f_ffree == 0)
    })
}

fn is_memory(wish: &Wish) -> bool {
    matches!(wish.jail.layer, Layer::Memory { .. })
}

/// What all processes inside have together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    memory: u64,
    tasks: u64,
}

impl Taken {
    fn now(layer: Option<&OwnedFd>) -> Self {
        let mut taken = Self::default();
        for pid in others() {
            taken.tasks += 1;
            let statm = std::fs::read_to_string(format!("/proc/{pid}/statm"));
            taken.memory += statm.map_or(0, |statm| own_memory(&statm));
        }
        let state = layer.and_then(|layer| fstatvfs(layer).ok());
        taken.memory += state.map_or(0, |state| {
            (state.f_blocks - state.f_bfree).saturating_mul(state.f_frsize)
        });
        taken
    }

    fn beyond(&self, wish: &Wish) -> Option<How> {
        let bounds = wish.jail.bounds;
        if self.tasks > u64::from(bounds.tasks) {
            return Some(How::Tasks);
        }
        (self.memory > bounds.memory).then_some(How::Memory)
    }
}

/// What is resident and not shared, out of `/proc/PID/statm`.
fn own_memory(statm: &str) -> u64 {
    let mut pages = statm.split_ascii_whitespace().skip(1);
    let mut next = || {
        pages
            .next()
            .and_then(|count| count.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let (resident, shared) = (next(), next());
    let page = rustix::param::page_size() as u64;
    resident.saturating_sub(shared).saturating_mul(page)
}

/// All processes inside but us.
fn others() -> Vec<u32> {
    let mut all = crate::os::process::all();
    all.retain(|pid| *pid != 1);
    all
}

/// Who is still there after a moment, by the words that he was started with.
fn left_over() -> Result<Vec<String>, JailError> {
    let end = now().saturating_add(MOMENT);
    loop {
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
        let still = others();
        if still.is_empty() || now() >= end {
            return Ok(still.into_iter().take(NAMED).filter_map(called).collect());
        }
        pause(None)?;
    }
}

fn called(pid: u32) -> Option<String> {
    let words = crate::os::process::arguments(pid).join(" ");
    let name = if words.is_empty() {
        crate::os::process::name(pid)?
    } else {
        words
    };
    Some(name.chars().take(NAME).collect())
}

/// At once, so that nobody starts another one meanwhile.
fn kill_all() {
    let all = nix::unistd::Pid::from_raw(-1);
    let _nobody_there = nix::sys::signal::kill(all, nix::sys::signal::Signal::SIGKILL);
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_pages_are_counted_for_nobody() {
        let page = rustix::param::page_size() as u64;
        assert_eq!(own_memory("1000 50 20 5 0 90 0\n"), 30 * page);
        assert_eq!(own_memory(""), 0);
    }
}
