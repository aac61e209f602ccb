//! The way back to somebody who asked.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};

use crate::control::REPLY_LIMIT;
use crate::control::error::ControlError;
use crate::control::request::is_false;
use crate::model::ExitCode;

/// How many notices somebody may be behind.
const BEHIND: usize = 64;

/// Answers a call. Nothing here waits: whoever does not read what he asked for
/// loses his stream, and the run goes on.
#[derive(Debug)]
pub struct Replies {
    /// Nobody listens any more when it is gone.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    stream: mpsc::Sender<Vec<u8>>,
    end: oneshot::Sender<End>,
}

/// The last reply of a call.
pub(super) type End = Result<Vec<u8>, ControlError>;

/// What is on its way to the caller.
#[derive(Debug)]
pub(super) struct Outgoing {
    stream: mpsc::Receiver<Vec<u8>>,
    end: oneshot::Receiver<End>,
}

/// The next reply.
#[derive(Debug)]
pub(super) enum Next {
    More(Vec<u8>),
    Last(End),
}

/// A reply on the wire.
#[derive(Serialize)]
struct Reply<P> {
    parameters: P,
    #[serde(skip_serializing_if = "is_false")]
    continues: bool,
}

impl Replies {
    pub(super) fn channel() -> (Self, Outgoing) {
        let (stream, notices) = mpsc::channel(BEHIND);
        let (end, last) = oneshot::channel();
        let open = Some(Open { stream, end });
        let outgoing = Outgoing {
            stream: notices,
            end: last,
        };
        (Self { open }, outgoing)
    }

    /// One more of a stream; false when nobody takes any more of them.
    pub fn notice(&mut self, notice: &impl Serialize) -> bool {
        let Some(open) = &self.open else {
            return false;
        };
        let sent = reply(BTreeMap::from([("notice", notice)]), true)
            .map(|message| open.stream.try_send(message));
        match sent {
            Ok(Ok(())) => return true,
            Ok(Err(mpsc::error::TrySendError::Full(_))) => self.end(Err(ControlError::failed(
                "the notices of the run were not read fast enough; the run goes on, `patchd run --attach` watches it again",
                ExitCode::Failed,
            ))),
            Ok(Err(mpsc::error::TrySendError::Closed(_))) => self.open = None,
            Err(error) => self.end(Err(error)),
        }
        false
    }

    /// The last reply: a document.
    pub fn document(mut self, document: &impl Serialize) {
        self.end(reply(BTreeMap::from([("document", document)]), false));
    }

    /// The last reply: it is done.
    pub fn done(mut self) {
        self.end(reply(Value::Object(Map::new()), false));
    }

    /// The last reply: it is not, and why.
    pub fn refuse(mut self, error: ControlError) {
        self.end(Err(error));
    }

    fn end(&mut self, end: End) {
        if let Some(open) = self.open.take() {
            let _left = open.end.send(end);
        }
    }
}

impl Outgoing {
    /// All notices, then the end. May be given up and asked for again.
    pub async fn next(&mut self) -> Next {
        if let Some(notice) = self.stream.recv().await {
            return Next::More(notice);
        }
        let sentence = "patchd ended before it had answered; see `systemctl status patchd`";
        let unanswered = |_| Err(ControlError::failed(sentence, ExitCode::Unreachable));
        Next::Last((&mut self.end).await.unwrap_or_else(unanswered))
    }
}

fn reply(parameters: impl Serialize, continues: bool) -> End {
    let reply = Reply {
        parameters,
        continues,
    };
    match serde_json::to_vec(&reply) {
        Ok(message) if message.len() <= REPLY_LIMIT => Ok(message),
        Ok(_) => Err(ControlError::failed(
            "the answer is too long to be sent; ask for less",
            ExitCode::Failed,
        )),
        Err(cause) => Err(ControlError::failed(
            format!("the answer cannot be written: {cause}"),
            ExitCode::Failed,
        )),
    }
}
