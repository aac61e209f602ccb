//! How others speak with the daemon: Varlink on two local sockets. It carries
//! questions, orders and their answers between processes, and knows what each
//! looks like; it must not know how anything is answered or done.

mod call;
mod client;
pub mod document;
mod error;
mod parameters;
mod request;
mod server;
mod service;
mod wire;

pub use call::{Action, Call, Question};
pub use client::{Answer, Client, Stream, Unanswered};
pub use error::ControlError;
pub use request::Request;
pub use server::{Asked, Level, Peer, Replies, Server};

/// Everybody's socket: questions.
pub const PUBLIC_SOCKET: &str = "/run/patchd/control";

/// The administrators' socket: orders as well.
pub const ADMIN_SOCKET: &str = "/run/patchd/admin";

/// The name of our interface.
const INTERFACE: &str = "io.patchd.Control";

/// A call is never longer, bytes.
const CALL_LIMIT: usize = 64 << 10;

/// A reply is never longer, bytes: the check of a machine that has not been
/// patched for years takes about one MiB.
const REPLY_LIMIT: usize = 16 << 20;
