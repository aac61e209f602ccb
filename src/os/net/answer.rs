//! What comes back from an exchange.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout_at};

use super::door::NetError;
use super::exchange::{Exchange, Head, Reply};
use super::frame;
use crate::os::attendant::Attention;
use crate::os::command::Deputy;

/// The longest first line, bytes.
const LINE: u64 = 16 << 10;

/// The answer's head, and its body still to come.
#[derive(Debug)]
pub struct Answer {
    /// What is known already.
    pub head: Head,
    source: BufReader<UnixStream>,
    cap: u64,
    deadline: Instant,
    /// Who makes the exchange, if he is ours; he ends with this.
    _maker: Option<Deputy>,
}

impl Answer {
    /// Waits for the head.
    pub(super) async fn hear(
        attention: Attention,
        exchange: &Exchange,
        deadline: Instant,
    ) -> Result<Self, NetError> {
        let mut source = BufReader::new(attention.stream);
        let mut line = Vec::new();
        let mut bounded = (&mut source).take(LINE);
        in_time(deadline, bounded.read_until(b'\n', &mut line))
            .await?
            .map_err(|cause| NetError::Cut { bytes: 0, cause })?;
        let reply = serde_json::from_slice(&line).map_err(|cause| NetError::Cut {
            bytes: 0,
            cause: cause.into(),
        })?;
        match reply {
            Reply::Refused(refusal) => Err(refusal.into()),
            Reply::Head(head) => Ok(Self {
                head,
                source,
                cap: exchange.cap,
                deadline,
                _maker: attention.child,
            }),
        }
    }

    /// Writes the body somewhere, all of it or an error; returns its length.
    pub async fn pour(mut self, sink: &mut (impl AsyncWrite + Unpin)) -> Result<u64, NetError> {
        let mut bytes = 0;
        loop {
            let piece = in_time(self.deadline, frame::receive(&mut self.source)).await?;
            let Some(piece) = piece.map_err(|cause| NetError::Cut { bytes, cause })? else {
                sink.flush().await.map_err(NetError::Sink)?;
                return Ok(bytes);
            };
            bytes += piece.len() as u64;
            if bytes > self.cap {
                return Err(NetError::Cap { cap: self.cap });
            }
            sink.write_all(&piece).await.map_err(NetError::Sink)?;
        }
    }

    /// The whole body, for what is short.
    pub async fn bytes(self) -> Result<Vec<u8>, NetError> {
        let mut bytes = io::Cursor::new(Vec::new());
        self.pour(&mut bytes).await?;
        Ok(bytes.into_inner())
    }
}

pub(super) async fn in_time<T>(
    deadline: Instant,
    work: impl Future<Output = T>,
) -> Result<T, NetError> {
    timeout_at(deadline, work).await.map_err(|_| NetError::Late)
}
