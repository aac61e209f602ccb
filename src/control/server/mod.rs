//! The daemon's side: listens, understands, and hands each call to the daemon
//! with a way to answer. Nobody who connects can hold up the daemon or another.

mod connection;
mod peer;
mod replies;
mod seats;

use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::call::Call;
use super::error::ControlError;
use crate::model::ExitCode;

use connection::Connection;
pub use peer::Peer;
pub use replies::Replies;
use seats::Seats;

/// How long no connection is taken when the system cannot give us one.
const PAUSE: Duration = Duration::from_secs(1);

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Questions, from everybody.
    Public,
    /// Orders as well: only administrators reach this socket.
    Admin,
}

/// A call for the daemon. It was understood, and its caller may make it.
#[derive(Debug)]
pub struct Asked {
    /// What is asked for.
    pub call: Call,
    /// Who asks.
    pub peer: Peer,
    /// The way back.
    pub replies: Replies,
}

/// Listens on both sockets; connections are counted together.
#[derive(Debug, Clone)]
pub struct Server {
    seats: Seats,
    asked: mpsc::Sender<Asked>,
    short: fn(&std::io::Error),
}

impl Server {
    /// Calls go to `asked`. While that is full, callers wait, and nobody else.
    /// `short` is told once when the system cannot give us another connection.
    #[must_use]
    pub fn new(asked: mpsc::Sender<Asked>, short: fn(&std::io::Error)) -> Self {
        Self {
            seats: Seats::default(),
            asked,
            short,
        }
    }

    /// Serves one socket until it is dropped, and all its connections with it.
    pub async fn serve(self, listener: UnixListener, level: Level) {
        let mut connections = JoinSet::new();
        let mut is_short = false;
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        is_short = false;
                        self.welcome(stream, level, &mut connections);
                    }
                    // Such as too many open files: those who hold them will leave.
                    Err(cause) => {
                        if !std::mem::replace(&mut is_short, true) {
                            (self.short)(&cause);
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                Some(_ended) = connections.join_next() => {}
            }
        }
    }

    fn welcome(&self, stream: UnixStream, level: Level, connections: &mut JoinSet<()>) {
        let Ok(peer) = Peer::of(&stream) else {
            return;
        };
        match self.seats.take(peer.uid, level) {
            Some(seat) => {
                let connection = Connection::new(stream, peer, level, self.asked.clone());
                connections.spawn(async move {
                    connection.converse().await;
                    drop(seat);
                });
            }
            None => turn_away(&stream),
        }
    }
}

/// A reply to a call that was not read; it fits, since nothing was sent before.
fn turn_away(stream: &UnixStream) {
    let sentence = "too many connections to patchd; close some, or try again in a moment";
    let error = ControlError::failed(sentence, ExitCode::Unreachable);
    if let Ok(mut message) = serde_json::to_vec(&error) {
        message.push(0);
        let _gone = stream.try_write(&message);
    }
}

#[cfg(test)]
mod tests;
