//! Whoever gives the order: systemd's socket with the daemon behind it, or the
//! command whose child we are. He is heard within bounds, and told what happens;
//! but he never holds up the work: what he does not take at once, he loses.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use rustix::net::SendFlags;
use tokio::time::Instant;

use super::validate::ORDER_CAP;
use crate::model::{Refusal, WorkerEvent};

/// How long an order may take to come, and how long its last word is offered:
/// then nothing is at work any more, and a long report may be longer than what
/// fits between two processes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one read brings at most, bytes.
const CHUNK: usize = 64 << 10;

/// The other side of an order.
#[derive(Debug)]
pub(super) struct Caller {
    input: Option<OwnedFd>,
    /// `None` once he has gone, or fell behind.
    output: Option<Output>,
    patience: Duration,
}

#[derive(Debug)]
struct Output {
    descriptor: OwnedFd,
    kind: FileType,
}

impl Caller {
    /// What this process was started with: one connection as standard input and
    /// output, or two pipes.
    pub fn of_this_process() -> std::io::Result<Self> {
        let input = std::io::stdin().as_fd().try_clone_to_owned()?;
        let output = std::io::stdout().as_fd().try_clone_to_owned()?;
        Self::new(input, output)
    }

    /// Reads from `input` and writes to `output`.
    pub fn new(input: OwnedFd, output: OwnedFd) -> std::io::Result<Self> {
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&output)?.st_mode);
        if kind == FileType::Fifo {
            // A pipe has no send flags; its writing end is ours alone.
            let flags = rustix::fs::fcntl_getfl(&output)?;
            rustix::fs::fcntl_setfl(&output, flags | OFlags::NONBLOCK)?;
        }
        Ok(Self {
            input: Some(input),
            output: Some(Output {
                descriptor: output,
                kind,
            }),
            patience: PATIENCE,
        })
    }

    /// Nobody: an act of our own.
    pub fn nobody() -> Self {
        Self {
            input: None,
            output: None,
            patience: Duration::ZERO,
        }
    }

    /// Reads the order: one line. A stranger who connects and says nothing, or
    /// says too much, is refused.
    pub fn order(&mut self) -> Result<String, Refusal> {
        let Some(input) = self.input.take() else {
            return Err(invalid("nobody gave it"));
        };
        let until = Instant::now() + self.patience;
        let mut bytes = Vec::new();
        let mut chunk = vec![0; CHUNK];
        while !bytes.contains(&b'\n') {
            if bytes.len() > ORDER_CAP {
                return Err(invalid(&format!("it is longer than {ORDER_CAP} bytes")));
            }
            if !ready(&input, PollFlags::IN, until) {
                return Err(invalid("it did not come to its end in time"));
            }
            match rustix::io::read(&input, &mut chunk) {
                Ok(0) => return Err(invalid("it was cut short: its line has no end")),
                Ok(count) => bytes.extend(chunk.iter().take(count)),
                Err(Errno::INTR) => {}
                Err(cause) => return Err(invalid(&format!("it cannot be read: {cause}"))),
            }
        }
        let text = String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8 text"))?;
        match text.split_once('\n') {
            Some((order, "")) => Ok(order.to_owned()),
            _ => Err(invalid(
                "something follows it; one connection brings one order",
            )),
        }
    }

    /// Tells something that happened. Never waits.
    pub fn tell(&mut self, event: &WorkerEvent) {
        self.offer(event, Duration::ZERO);
    }

    /// Tells the end. Nothing is at work any more, so that a moment may pass.
    pub fn last_word(&mut self, event: &WorkerEvent) {
        self.offer(event, self.patience);
    }

    /// Whole lines only: one that he did not take to its end is his last.
    fn offer(&mut self, event: &WorkerEvent, patience: Duration) {
        let Some(output) = &self.output else { return };
        let until = Instant::now() + patience;
        let taken = serde_json::to_vec(event).is_ok_and(|mut line| {
            line.push(b'\n');
            output.write_whole(&line, until)
        });
        if !taken {
            self.output = None;
        }
    }
}

impl Output {
    /// Whether all of it was taken before `until`.
    fn write_whole(&self, mut line: &[u8], until: Instant) -> bool {
        while !line.is_empty() {
            match self.write(line) {
                Ok(count) => line = line.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !ready(&self.descriptor, PollFlags::OUT, until) {
                        return false;
                    }
                }
                Err(_gone) => return false,
            }
        }
        true
    }

    fn write(&self, bytes: &[u8]) -> rustix::io::Result<usize> {
        if self.kind == FileType::Socket {
            // The connection itself blocks, and stays so for whoever else has it.
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            rustix::net::send(&self.descriptor, bytes, flags)
        } else {
            rustix::io::write(&self.descriptor, bytes)
        }
    }
}

/// Waits until the descriptor can be used; false when it could not be in time.
fn ready(descriptor: &impl AsFd, interest: PollFlags, until: Instant) -> bool {
    let mut descriptors = [PollFd::new(descriptor, interest)];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else {
            return false;
        };
        match rustix::event::poll(&mut descriptors, Some(&timeout)) {
            Ok(count) => return count > 0,
            // A signal that was only noted.
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

fn invalid(detail: &str) -> Refusal {
    Refusal::Invalid {
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn connection() -> (Caller, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let again = ours.try_clone().expect("another");
        let caller = Caller::new(ours.into(), again.into()).expect("usable");
        (caller, theirs)
    }

    fn refusal(said: &[u8], goes: bool, patience: Duration) -> String {
        let (mut caller, mut theirs) = connection();
        caller.patience = patience;
        let telling = std::thread::spawn({
            let said = said.to_owned();
            move || {
                let _cut_short = theirs.write_all(&said);
                if goes {
                    let _gone = theirs.shutdown(std::net::Shutdown::Write);
                }
                theirs
            }
        });
        let refusal = caller.order().expect_err("refused").to_string();
        drop(caller);
        drop(telling.join());
        refusal
    }

    fn progress() -> WorkerEvent {
        WorkerEvent::Progress {
            percent: 50,
            doing: "x".repeat(1 << 10),
        }
    }

    #[test]
    fn an_order_is_one_whole_line() {
        let (mut caller, mut theirs) = connection();
        theirs.write_all(b"{}\n").expect("sent");
        assert_eq!(caller.order(), Ok("{}".to_owned()));
    }

    #[test]
    fn a_stranger_does_not_hold_us_and_does_not_fill_us() {
        let huge = vec![b' '; ORDER_CAP + CHUNK];
        for said in [b"".as_slice(), b"{}"] {
            let refusal = refusal(said, false, Duration::from_millis(100));
            assert!(refusal.contains("in time"), "{refusal}");
        }
        let table: [(&[u8], bool, &str); 4] = [
            (b"{}", true, "no end"),
            (b"", true, "no end"),
            (b"{}\n{}\n", false, "something follows"),
            (&huge, false, "longer than"),
        ];
        for (said, goes, words) in table {
            let refusal = refusal(said, goes, PATIENCE);
            assert!(refusal.contains(words), "{refusal}");
        }
    }

    #[test]
    fn who_does_not_listen_is_dropped_behind_a_whole_line() {
        let (mut caller, theirs) = connection();
        for _ in 0..10_000 {
            caller.tell(&progress());
        }
        assert!(caller.output.is_none());
        drop(caller);
        let lines = BufReader::new(theirs).lines().map_while(Result::ok);
        let whole = lines
            .take_while(|line| serde_json::from_str::<WorkerEvent>(line).is_ok())
            .count();
        assert!(whole > 10, "{whole}");
    }

    #[test]
    fn who_has_gone_is_no_reason_to_stop() {
        let (mut caller, theirs) = connection();
        drop(theirs);
        caller.tell(&progress());
        caller.last_word(&progress());
        assert!(caller.output.is_none());
    }

    #[test]
    fn the_last_word_may_be_longer_than_what_a_pipe_holds() {
        let (read, write) = rustix::pipe::pipe().expect("a pipe");
        let input = UnixStream::pair().expect("a pair").0;
        let mut caller = Caller::new(input.into(), write).expect("usable");
        let reading = std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(std::fs::File::from(read)).read_line(&mut line);
            read.map(|_| line)
        });
        let long = WorkerEvent::Waiting {
            holder: "x".repeat(1 << 20),
        };
        caller.last_word(&long);
        let line = reading.join().expect("ended").expect("read");
        assert_eq!(serde_json::from_str::<WorkerEvent>(&line).ok(), Some(long));
    }
}
