//! One connection: its calls one after the other, each answered before the
//! next is looked at.

use std::time::Duration;

use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tracing::debug;

use super::replies::Next;
use super::{Asked, Level, Peer, Replies};
use crate::control::call::Call;
use crate::control::error::ControlError;
use crate::control::request::Request;
use crate::control::wire::{Wire, WireError};
use crate::control::{CALL_LIMIT, service};
use crate::model::ExitCode;

/// A connection on which nothing is asked for this long is closed.
const IDLE: Duration = Duration::from_mins(1);

/// Somebody who is connected.
pub(super) struct Connection {
    wire: Wire,
    peer: Peer,
    level: Level,
    asked: mpsc::Sender<Asked>,
}

/// Why a connection is closed by us.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("this is no call: {0}")]
    NoCall(#[from] serde_json::Error),
    #[error("nothing was asked for {IDLE:?}")]
    Idle,
    #[error("it left before it was answered")]
    Left,
}

/// What a call turned out to be.
enum Heard {
    /// Answered here and now.
    Answer(Value),
    /// For the daemon.
    Call(Call),
}

impl Connection {
    pub fn new(stream: UnixStream, peer: Peer, level: Level, asked: mpsc::Sender<Asked>) -> Self {
        Self {
            wire: Wire::new(stream, CALL_LIMIT),
            peer,
            level,
            asked,
        }
    }

    /// Until the peer leaves or behaves badly.
    pub async fn converse(mut self) {
        while let Some(goes_on) = self.turn().await.transpose() {
            if let Err(closed) = goes_on {
                debug!("a connection of {} is closed: {closed}", self.peer);
                return;
            }
        }
    }

    /// One call and its answer; `None` when there are no more calls.
    async fn turn(&mut self) -> Result<Option<()>, Closed> {
        let next = tokio::time::timeout(IDLE, self.wire.receive()).await;
        let Some(message) = next.map_err(|_elapsed| Closed::Idle)?? else {
            return Ok(None);
        };
        let request = Request::parse(&message)?;
        let oneway = request.oneway;
        let answered = match hear(request, self.level) {
            Ok(Heard::Answer(answer)) => Some(answer),
            Ok(Heard::Call(call)) => {
                self.ask(call, oneway).await?;
                None
            }
            Err(error) => serde_json::to_value(error).map(Some)?,
        };
        if let Some(answer) = answered.filter(|_| !oneway) {
            self.wire.send(serde_json::to_vec(&answer)?).await?;
        }
        Ok(Some(()))
    }

    /// Hands the call on, and all replies back.
    async fn ask(&mut self, call: Call, oneway: bool) -> Result<(), Closed> {
        let (replies, mut outgoing) = Replies::channel();
        let asked = Asked {
            call,
            peer: self.peer.clone(),
            replies,
        };
        let handed = tokio::select! {
            handed = self.asked.send(asked) => handed,
            () = self.wire.left() => return Err(Closed::Left),
        };
        if oneway {
            return Ok(());
        }
        if handed.is_err() {
            let error = ControlError::failed(
                "patchd is stopping; try again in a moment",
                ExitCode::Unreachable,
            );
            return Ok(self.wire.send(serde_json::to_vec(&error)?).await?);
        }
        loop {
            let next = tokio::select! {
                biased;
                next = outgoing.next() => next,
                () = self.wire.left() => return Err(Closed::Left),
            };
            match next {
                Next::More(notice) => self.wire.send(notice).await?,
                Next::Last(Ok(last)) => return Ok(self.wire.send(last).await?),
                Next::Last(Err(error)) => {
                    return Ok(self.wire.send(serde_json::to_vec(&error)?).await?);
                }
            }
        }
    }
}

/// Understands a call and judges whether it may be made here and in this way.
fn hear(request: Request, level: Level) -> Result<Heard, ControlError> {
    let Request {
        method,
        parameters,
        more,
        oneway,
        upgrade,
    } = request;
    if upgrade || (more && oneway) {
        return Err(ControlError::MethodNotImplemented { method });
    }
    let parameters = parameters.unwrap_or_default();
    if let Some(answer) = service::answer(&method, &parameters) {
        let wrapped = |parameters| serde_json::json!({ "parameters": parameters });
        return answer.map(wrapped).map(Heard::Answer);
    }
    let call = Call::parse(&method, parameters)?;
    if matches!(call, Call::Act(_)) && level == Level::Public {
        return Err(ControlError::NotPermitted {
            sentence: "this socket is for questions; run it with sudo, or as a member of the group patchd-admin"
                .to_owned(),
        });
    }
    if call.is_stream() && !more && !oneway {
        return Err(ControlError::ExpectedMore {});
    }
    Ok(Heard::Call(call))
}
