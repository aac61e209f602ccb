//! One attempt at one receiver.

use std::path::PathBuf;

use jiff::Timestamp;

use super::settings::{Receiver, Way};
use super::{Message, command, mail, webhook};
use crate::os::command::CommandError;
use crate::os::net::{Door, Exchange, NetError};
use crate::os::trusted::Untrusted;

/// Why a notification did not arrive. No message has anything of a secret.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The network, or whoever is at the other end.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The receiver does not want it.
    #[error("{receiver} answered with status {status}; see what it says about that in its own log")]
    Status {
        /// Its host.
        receiver: String,
        /// Its word.
        status: u16,
    },
    /// The credential was not handed over.
    #[error(
        "systemd handed over no credential {name:?}; add LoadCredential={name}:/PATH with `systemctl edit patchd`, and restart it"
    )]
    NoCredential {
        /// Its name.
        name: String,
    },
    /// The file with the secret cannot be used.
    #[error("the secret cannot be read: {0}")]
    Secret(#[from] Untrusted),
    /// There is no such file.
    #[error("there is no {}; put the secret there, for root and the group patchd alone", path.display())]
    NoSecret {
        /// Where it should be.
        path: PathBuf,
    },
    /// Too much, too little, or for everybody's eyes.
    #[error("the secret {what}; it is one line, for root and the group patchd alone (mode 0640)")]
    Unusable {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The program is not to be trusted, or not there.
    #[error("the command is not run: {0}")]
    Program(String),
    /// The program was run in vain.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Whoever makes exchanges with the network.
pub trait Carrier {
    /// Makes one; the status that is answered.
    fn carry(&self, exchange: &Exchange) -> impl Future<Output = Result<u16, NetError>>;
}

impl Carrier for Door {
    async fn carry(&self, exchange: &Exchange) -> Result<u16, NetError> {
        let answer = self.exchange(exchange).await?;
        let status = answer.head.status;
        // Read to its end, so that one which broke off is noticed; nobody wants its words.
        answer.pour(&mut tokio::io::sink()).await?;
        Ok(status)
    }
}

/// Tells somebody something, once. Returns when it has arrived.
pub async fn deliver(
    receiver: &Receiver,
    message: &Message<'_>,
    carrier: &impl Carrier,
    now: Timestamp,
) -> Result<(), NotifyError> {
    match &receiver.way {
        Way::Webhook { url, secret } => {
            let exchange = webhook::exchange(url, secret.as_ref(), message, now)?;
            let status = carrier.carry(&exchange).await?;
            webhook::judge(url, status)
        }
        Way::Mail { to, server } => {
            let exchange = mail::exchange(to, server, message, now);
            carrier.carry(&exchange).await?;
            Ok(())
        }
        Way::Command(words) => command::run(words, message).await,
    }
}
