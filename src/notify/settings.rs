//! `[notify.NAME]` in the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::model::NotificationKind;

/// Who is told; nobody by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// By the names that the operator gave them.
    pub receivers: BTreeMap<String, Receiver>,
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// How he is reached.
    pub way: Way,
    /// What he wants to hear of.
    pub on: BTreeSet<NotificationKind>,
}

/// How somebody is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A `POST` to this address, signed where there is a secret.
    Webhook {
        /// https, or http to this very machine.
        url: String,
        /// What it is signed with.
        secret: Option<Secret>,
    },
    /// A program with its arguments; facts on standard input and in `PATCHD_…`.
    Command(Vec<String>),
    /// Mail.
    Mail {
        /// To this address.
        to: String,
        /// By way of this `host:port`.
        server: String,
    },
}

/// Where a secret lies; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// A credential that systemd hands to the daemon.
    Credential(String),
    /// A file that the daemon may read, and not everybody.
    File(PathBuf),
}

impl Settings {
    /// The names of those who want to hear of this.
    pub fn interested(&self, kind: NotificationKind) -> impl Iterator<Item = &str> {
        let interested = move |(_, receiver): &(&String, &Receiver)| receiver.on.contains(&kind);
        let found = self.receivers.iter().filter(interested);
        found.map(|(name, _)| name.as_str())
    }
}
