//! How the brain gives orders: to a worker that systemd starts for a connection,
//! or, without a daemon, to one that is our own child. The protocol is the same.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::events::event;
use crate::model::{Order, Phase, Refusal, Report, WorkerEvent};
use crate::os::command::{Command, Dialogue};

/// Where systemd listens for the worker, and for the same worker in a unit that
/// may be killed with all that is in it.
const WORKER: &str = "/run/patchd-worker.sock";
const REHEARSE: &str = "/run/patchd-rehearse.sock";

/// How often a worker is asked for, and the pause after the first attempt; each
/// further one is twice as long: 25 s in all.
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(200);

/// The worker ended without a last word.
#[derive(Debug, thiserror::Error)]
#[error("the worker was lost: {0}")]
pub struct Lost(pub String);

/// An order at work.
pub trait Work {
    /// The next event; the last one is `Done` or `Refused`.
    fn next(&mut self) -> impl Future<Output = Result<WorkerEvent, Lost>>;
}

/// Whoever carries out orders.
pub trait Hands {
    /// What an order becomes.
    type Work: Work;

    /// Gives an order.
    fn order(&mut self, order: &Order) -> impl Future<Output = Result<Self::Work, Lost>>;
}

/// Starts `patchd worker` as a child for each order. It goes on when we die.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChildWorker;

impl Hands for ChildWorker {
    type Work = Dialogue;

    async fn order(&mut self, order: &Order) -> Result<Dialogue, Lost> {
        let mut text = serde_json::to_vec(order).map_err(lost)?;
        text.push(b'\n');
        Command::ourselves()
            .arg("worker")
            .converse(&text)
            .await
            .map_err(lost)
    }
}

impl Work for Dialogue {
    async fn next(&mut self) -> Result<WorkerEvent, Lost> {
        if let Some(line) = self.next_line().await.map_err(lost)? {
            return serde_json::from_str(&line).map_err(lost);
        }
        let status = self.wait().await.map_err(lost)?;
        Err(Lost(format!(
            "it ended with status {status} before it reported"
        )))
    }
}

/// Connects to the worker's socket for each order; systemd starts a worker for
/// each connection, in a cgroup of its own, so that it goes on when we end.
#[derive(Debug, Clone)]
pub struct SocketWorker {
    worker: PathBuf,
    rehearse: PathBuf,
}

/// A connection to a worker.
#[derive(Debug)]
pub struct Conversation {
    lines: Lines<BufReader<OwnedReadHalf>>,
    /// What was heard when it was tried whether anybody is there.
    first: Option<String>,
    /// Kept open: to hang up means nothing to a worker, but it may ask.
    _write: OwnedWriteHalf,
}

impl Default for SocketWorker {
    fn default() -> Self {
        Self {
            worker: WORKER.into(),
            rehearse: REHEARSE.into(),
        }
    }
}

impl Hands for SocketWorker {
    type Work = Conversation;

    /// systemd may turn a connection away without a word when there are too many;
    /// an order that nobody has answered was not begun, and is given again.
    async fn order(&mut self, order: &Order) -> Result<Conversation, Lost> {
        let mut text = serde_json::to_vec(order).map_err(lost)?;
        text.push(b'\n');
        let path = self.path(order.phase);
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match converse(path, &text).await {
                Ok(conversation) => return Ok(conversation),
                Err(cause) => {
                    event!(WORKER_UNREACHABLE, PATCHD_RUN = %order.run,
                        "the worker at {} does not answer ({cause}); tried again in {} ms", path.display(), pause.as_millis());
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        converse(path, &text).await.map_err(|cause| {
            Lost(format!(
                "nobody answers at {}: {cause}; see `systemctl status {}.socket`",
                path.display(),
                path.file_stem().unwrap_or_default().to_string_lossy()
            ))
        })
    }
}

impl SocketWorker {
    /// Where somebody else listens in systemd's place, for all orders.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self {
            rehearse: path.clone(),
            worker: path,
        }
    }

    fn path(&self, phase: Phase) -> &Path {
        match phase {
            Phase::Rehearse => &self.rehearse,
            _ => &self.worker,
        }
    }
}

async fn converse(path: &Path, text: &[u8]) -> std::io::Result<Conversation> {
    let (read, mut write) = UnixStream::connect(path).await?.into_split();
    write.write_all(text).await?;
    let mut lines = BufReader::new(read).lines();
    let first = lines.next_line().await?;
    let nobody = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    Ok(Conversation {
        lines,
        first: Some(first.ok_or_else(nobody)?),
        _write: write,
    })
}

impl Work for Conversation {
    async fn next(&mut self) -> Result<WorkerEvent, Lost> {
        let line = match self.first.take() {
            Some(first) => Some(first),
            None => self.lines.next_line().await.map_err(lost)?,
        };
        let hung_up = || Lost("it hung up before it reported".to_owned());
        serde_json::from_str(&line.ok_or_else(hung_up)?).map_err(lost)
    }
}

/// The ends that an order can have.
pub(super) enum End {
    Done(Report),
    Refused(Refusal),
    Lost(Lost),
}

fn lost(cause: impl std::fmt::Display) -> Lost {
    Lost(cause.to_string())
}
