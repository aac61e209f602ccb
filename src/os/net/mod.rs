//! Exchanges with the network, each made by a process of its own that has
//! nothing else: `patchd net`, started by systemd for a connection, or by
//! ourselves. It knows nothing of feeds and notifications; whoever orders an
//! exchange has neither TLS nor name resolution nor an internet socket.
//!
//! On the wire: one JSON line with the order and its body; back comes one JSON
//! line with the head of the answer, and the answer in frames.

mod answer;
mod door;
mod exchange;
mod frame;
mod http;
mod reach;
mod serve;
mod settings;
mod smtp;

pub use answer::Answer;
pub use door::{Door, NetError};
pub use exchange::{Exchange, Head, Method, Reach};
pub use serve::serve;
#[cfg(test)]
pub(crate) use serve::serve_listener;
pub use settings::Settings;

#[cfg(test)]
mod tests;
