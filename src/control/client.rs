//! The command line's side: connects, asks, and tells silence from refusal.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::net::UnixStream;

use super::REPLY_LIMIT;
use super::call::{Action, Call, Question};
use super::error::ControlError;
use super::request::Request;
use super::wire::{Wire, WireError};

/// In this time the daemon says who it is; the machine may be busy patching.
const GREETING: Duration = Duration::from_secs(10);

/// In this time it answers what it only needs to look up.
const LOOKED_UP: Duration = Duration::from_secs(30);

/// In this time it answers what the package manager has to be asked for.
const WORKED_OUT: Duration = Duration::from_mins(3);

/// In this time feeds have come, or were given up.
const FETCHED: Duration = Duration::from_mins(90);

/// A connection to the daemon, which has answered once.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    path: PathBuf,
}

/// The answers to a call that has several.
#[derive(Debug)]
pub struct Stream {
    client: Client,
    is_over: bool,
}

/// What an answer holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// Something of a run at work.
    pub notice: Option<Value>,
    /// What was asked for.
    pub document: Option<Value>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// Nobody has made the socket; it goes when the daemon is stopped.
    #[error("patchd does not run: there is no {path}; `systemctl start patchd` starts it")]
    NoSocket {
        /// Where it should be.
        path: PathBuf,
    },
    /// It is not for us.
    #[error("{path} is for root and the group patchd-admin; run it with sudo")]
    NotPermitted {
        /// The socket.
        path: PathBuf,
    },
    /// Nobody listens.
    #[error("patchd cannot be reached at {path}: {cause}; see `systemctl status patchd`")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// Somebody should, and says nothing.
    #[error("patchd has not answered at {path} within {limit:?}; see `systemctl status patchd`")]
    Silent {
        /// The socket.
        path: PathBuf,
        /// How long we waited.
        limit: Duration,
    },
    /// It ended, or talked nonsense.
    #[error("patchd stopped talking at {path}: {detail}; see `systemctl status patchd`")]
    Lost {
        /// The socket.
        path: PathBuf,
        /// What was heard last.
        detail: String,
    },
    /// It said why.
    #[error(transparent)]
    Refused(ControlError),
}

/// A reply on the wire.
#[derive(Deserialize)]
struct Reply<P> {
    #[serde(default = "Option::default")]
    parameters: Option<P>,
    #[serde(default)]
    continues: bool,
}

/// Whether a reply is an error.
#[derive(Deserialize)]
struct Envelope {
    error: Option<String>,
}

/// What matters of `GetInfo`.
#[derive(Deserialize)]
struct Info {
    interfaces: Vec<String>,
}

impl Client {
    /// Connects, and hears from the daemon that it is one.
    pub async fn connect(path: &Path) -> Result<Self, Unanswered> {
        let stream = match UnixStream::connect(path).await {
            Ok(stream) => stream,
            Err(cause) => return Err(unconnected(path, cause)),
        };
        let mut client = Self {
            wire: Wire::new(stream, REPLY_LIMIT),
            path: path.to_owned(),
        };
        let request = Request {
            method: "org.varlink.service.GetInfo".to_owned(),
            parameters: None,
            more: false,
            oneway: false,
            upgrade: false,
        };
        client.send(&request).await?;
        let info: Reply<Info> = client.in_time(GREETING).await?;
        let interfaces = info.parameters.map(|info| info.interfaces);
        if interfaces.is_none_or(|names| !names.iter().any(|name| name == super::INTERFACE)) {
            return Err(client.lost("this is not patchd"));
        }
        Ok(client)
    }

    /// Asks and waits for the one answer.
    pub async fn call(&mut self, call: &Call) -> Result<Answer, Unanswered> {
        let limit = match call {
            Call::Ask(Question::Check { .. } | Question::Explain { .. }) => WORKED_OUT,
            Call::Act(Action::UpdateFeeds) => FETCHED,
            _ => LOOKED_UP,
        };
        self.send(&call.request()).await?;
        let reply: Reply<Answer> = self.in_time(limit).await?;
        Ok(reply.parameters.unwrap_or_default())
    }

    /// Asks for answers that come as long as they come.
    pub async fn stream(mut self, call: &Call) -> Result<Stream, Unanswered> {
        self.send(&call.request()).await?;
        Ok(Stream {
            client: self,
            is_over: false,
        })
    }

    async fn send(&mut self, request: &Request) -> Result<(), Unanswered> {
        let message = serde_json::to_vec(request).map_err(|cause| self.lost(&cause))?;
        match self.wire.send(message).await {
            Ok(()) => Ok(()),
            // It may have said why before it closed.
            Err(WireError::System(cause)) if cause.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(cause) => Err(self.lost(&cause)),
        }
    }

    async fn in_time<P: for<'a> Deserialize<'a>>(
        &mut self,
        limit: Duration,
    ) -> Result<Reply<P>, Unanswered> {
        let received = tokio::time::timeout(limit, self.receive()).await;
        received.map_err(|_elapsed| Unanswered::Silent {
            path: self.path.clone(),
            limit,
        })?
    }

    async fn receive<P: for<'a> Deserialize<'a>>(&mut self) -> Result<Reply<P>, Unanswered> {
        let message = match self.wire.receive().await {
            Ok(Some(message)) => message,
            Ok(None) => return Err(self.lost("it closed the connection")),
            Err(cause) => return Err(self.lost(&cause)),
        };
        let garbage = |cause: serde_json::Error| self.lost(&cause);
        let envelope: Envelope = serde_json::from_slice(&message).map_err(garbage)?;
        if envelope.error.is_some() {
            let error = serde_json::from_slice(&message).map_err(garbage)?;
            return Err(Unanswered::Refused(error));
        }
        serde_json::from_slice(&message).map_err(garbage)
    }

    fn lost(&self, detail: &(impl ToString + ?Sized)) -> Unanswered {
        Unanswered::Lost {
            path: self.path.clone(),
            detail: detail.to_string(),
        }
    }
}

impl Stream {
    /// The next answer, however long it takes; `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Answer>, Unanswered> {
        if self.is_over {
            return Ok(None);
        }
        let reply: Reply<Answer> = self.client.receive().await?;
        self.is_over = !reply.continues;
        Ok(Some(reply.parameters.unwrap_or_default()))
    }
}

fn unconnected(path: &Path, cause: std::io::Error) -> Unanswered {
    let path = path.to_owned();
    match cause.kind() {
        ErrorKind::NotFound => Unanswered::NoSocket { path },
        ErrorKind::PermissionDenied => Unanswered::NotPermitted { path },
        _ => Unanswered::Unreachable { path, cause },
    }
}
