//! How the brain gives orders: today to a worker that is our own child, with
//! the next release to one that systemd starts. The protocol is the same.

use crate::model::{Order, Refusal, Report, WorkerEvent};
use crate::os::command::{Command, Dialogue};
use crate::os::process;

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
        Command::new(process::own_program().to_string_lossy().into_owned())
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

/// The two ends that an order can have.
pub(super) enum End {
    Done(Report),
    Refused(Refusal),
}

fn lost(cause: impl std::fmt::Display) -> Lost {
    Lost(cause.to_string())
}
