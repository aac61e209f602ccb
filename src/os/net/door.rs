//! The way out, for whoever may not go himself.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::answer::{Answer, in_time};
use super::exchange::{Exchange, Kind, Order, PROTOCOL, Refusal};
use crate::os::attendant::{Attendant, Unattended};

/// Where systemd listens.
const SOCKET: &str = "/run/patchd-net.sock";

/// How much longer than the exchange may take whoever makes it is waited for.
const GRACE: Duration = Duration::from_secs(15);

/// Why an exchange brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Nobody makes it.
    #[error(transparent)]
    Nobody(#[from] Unattended),
    /// What was asked for is not done.
    #[error("{0}")]
    Refused(String),
    /// The other side is not there, or does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// It is longer than was allowed.
    #[error("the answer is longer than {cap} bytes, and was not taken")]
    Cap {
        /// The bound, bytes.
        cap: u64,
    },
    /// Its end is missing.
    #[error("the answer broke off after {bytes} bytes: {cause}")]
    Cut {
        /// How much there was.
        bytes: u64,
        /// The system's words.
        cause: io::Error,
    },
    /// It took longer than was allowed.
    #[error("the exchange took longer than it may, and was given up")]
    Late,
    /// It could not be written down.
    #[error("the answer cannot be kept: {0}; look at the disk")]
    Sink(io::Error),
}

impl NetError {
    /// Whether the same order may go through later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Nobody(_) | Self::Unreachable(_) | Self::Cut { .. } | Self::Late => true,
            Self::Refused(_) | Self::Cap { .. } | Self::Sink(_) => false,
        }
    }
}

impl From<Refusal> for NetError {
    fn from(refusal: Refusal) -> Self {
        match refusal.kind {
            Kind::Attempt => Self::Unreachable(refusal.sentence),
            Kind::Order | Kind::Cap => Self::Refused(refusal.sentence),
        }
    }
}

/// The way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door(Attendant);

impl Door {
    /// The daemon's: it may open no internet socket, and neither may its children.
    #[must_use]
    pub fn of_daemon() -> Self {
        Self(Attendant::Socket(SOCKET.into()))
    }

    /// Where there may be no daemon.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self(Attendant::of_this_machine(SOCKET, "net"))
    }

    /// Somebody else's.
    #[must_use]
    pub fn of(attendant: Attendant) -> Self {
        Self(attendant)
    }

    /// Orders an exchange, and waits for the head of its answer.
    pub async fn exchange(&self, exchange: &Exchange) -> Result<Answer, NetError> {
        let deadline = Instant::now() + exchange.timeout + GRACE;
        let mut attention = self.0.attend().await?;
        let order = order(exchange).map_err(NetError::Sink)?;
        // Whoever hung up at once is noticed when his answer ends.
        let _hung_up = in_time(deadline, attention.stream.write_all(&order)).await?;
        Answer::hear(attention, exchange, deadline).await
    }
}

fn order(exchange: &Exchange) -> io::Result<Vec<u8>> {
    let mut order = serde_json::to_vec(&Order {
        protocol: PROTOCOL,
        body_bytes: exchange.body.len() as u64,
        exchange: exchange.clone(),
    })?;
    order.push(b'\n');
    order.extend(&exchange.body);
    Ok(order)
}
