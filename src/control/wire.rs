//! Messages on a stream: JSON text, each ended by a NUL byte. What comes in is
//! bounded, what goes out is bounded in time.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Whoever does not take a message in this time is given up.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// How often it is looked whether somebody has left who sends no more.
const LOOK: Duration = Duration::from_secs(1);

/// How much room is made before each read, bytes.
const CHUNK: usize = 4 << 10;

/// One end of a connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: UnixStream,
    /// A message is never longer.
    limit: usize,
    /// What has come and was not taken yet.
    inbound: Vec<u8>,
    /// How much of it is known to hold no end of a message.
    searched: usize,
    /// The other end sends no more.
    ended: bool,
}

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The system's words.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// Longer than allowed.
    #[error("a message is longer than {0} bytes")]
    TooLong(usize),
    /// The other end stopped in the middle of a message.
    #[error("a message was cut short")]
    CutShort,
    /// The other end does not read.
    #[error("the other end has not read for {WRITE_LIMIT:?}")]
    Stuck,
}

impl Wire {
    /// Messages of at most `limit` bytes are read from `stream`.
    pub fn new(stream: UnixStream, limit: usize) -> Self {
        Self {
            stream,
            limit,
            inbound: Vec::new(),
            searched: 0,
            ended: false,
        }
    }

    /// The next message without its end; `None` when there will be none. What
    /// was read is kept when the wait is given up.
    pub async fn receive(&mut self) -> Result<Option<Vec<u8>>, WireError> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            match self.ended {
                false => self.fill().await?,
                true if self.inbound.is_empty() => return Ok(None),
                true => return Err(WireError::CutShort),
            }
        }
    }

    /// Writes a message and its end.
    pub async fn send(&mut self, mut message: Vec<u8>) -> Result<(), WireError> {
        message.push(0);
        let written = tokio::time::timeout(WRITE_LIMIT, self.stream.write_all(&message)).await;
        Ok(written.map_err(|_elapsed| WireError::Stuck)??)
    }

    /// Ready when the other end has left. Messages that it sends ahead are kept,
    /// as far as there is room. One that only stopped sending still listens.
    pub async fn left(&mut self) {
        while !self.ended && self.inbound.len() <= self.limit {
            if self.fill().await.is_err() {
                return;
            }
        }
        while !self.has_hung_up() {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn take(&mut self) -> Result<Option<Vec<u8>>, WireError> {
        let mut unsearched = self.inbound.iter().skip(self.searched);
        match unsearched.position(|byte| *byte == 0) {
            Some(at) if self.searched + at <= self.limit => {
                let rest = self.inbound.split_off(self.searched + at + 1);
                let mut message = std::mem::replace(&mut self.inbound, rest);
                message.pop();
                self.searched = 0;
                Ok(Some(message))
            }
            None if self.inbound.len() <= self.limit => {
                self.searched = self.inbound.len();
                Ok(None)
            }
            _ => Err(WireError::TooLong(self.limit)),
        }
    }

    async fn fill(&mut self) -> std::io::Result<()> {
        self.inbound.reserve(CHUNK);
        self.ended = self.stream.read_buf(&mut self.inbound).await? == 0;
        Ok(())
    }

    fn has_hung_up(&self) -> bool {
        let at_once = Timespec::default();
        let mut interest = [PollFd::new(&self.stream, PollFlags::empty())];
        let polled = rustix::event::poll(&mut interest, Some(&at_once));
        let [interest] = &interest;
        polled.is_ok()
            && interest
                .revents()
                .intersects(PollFlags::HUP | PollFlags::ERR)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(limit: usize) -> (Wire, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        (Wire::new(ours, limit), theirs)
    }

    #[tokio::test]
    async fn a_message_may_be_as_long_as_the_limit_and_no_longer() {
        let (mut wire, mut other) = pair(4);
        other.write_all(b"1234\0").await.expect("sent");
        assert_eq!(wire.receive().await.expect("read"), Some(b"1234".to_vec()));
        other.write_all(b"12345").await.expect("sent");
        assert!(matches!(wire.receive().await, Err(WireError::TooLong(4))));
    }

    #[tokio::test]
    async fn half_a_message_is_none() {
        let (mut wire, mut other) = pair(9);
        other.write_all(b"one\0tw").await.expect("sent");
        drop(other);
        assert_eq!(wire.receive().await.expect("read"), Some(b"one".to_vec()));
        assert!(matches!(wire.receive().await, Err(WireError::CutShort)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_given_up() {
        let (mut wire, _other) = pair(9);
        let huge = vec![b' '; 8 << 20];
        assert!(matches!(wire.send(huge).await, Err(WireError::Stuck)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_stopped_sending_is_still_there_until_he_leaves() {
        let (mut wire, mut other) = pair(9);
        other.shutdown().await.expect("half closed");
        let waited = tokio::time::timeout(Duration::from_mins(1), wire.left()).await;
        assert!(waited.is_err(), "still listens");
        drop(other);
        wire.left().await;
    }

    proptest! {
        /// However the bytes are cut up by the way, the messages are the same.
        #[test]
        fn messages_come_as_they_were_sent(
            messages in proptest::collection::vec("[a-z]{0,20}", 0..8),
            cut in 1usize..16,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("made");
            let bytes: Vec<u8> = messages.iter().flat_map(|it| [it.as_bytes(), b"\0"].concat()).collect();
            let received = runtime.block_on(async {
                let (mut wire, mut other) = pair(20);
                let mut received = Vec::new();
                for piece in bytes.chunks(cut) {
                    other.write_all(piece).await.expect("sent");
                    wire.fill().await.expect("read");
                    while let Some(message) = wire.take().expect("short enough") {
                        received.push(String::from_utf8(message).expect("text"));
                    }
                }
                received
            });
            prop_assert_eq!(received, messages);
        }
    }
}
