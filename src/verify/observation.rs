//! A machine's state as verify compares it. It goes to disk before a
//! transaction, because another process may compare it after a reboot.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::os::network::{Listener, Route};
use crate::os::systemd::Units;

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Services and sockets.
    pub units: Seen<Units>,
    /// The program that the main process of a unit runs, by unit.
    pub programs: BTreeMap<String, String>,
    /// Ports that somebody listens on and that were chosen on purpose.
    pub listeners: Seen<Vec<Listener>>,
    /// Default routes.
    pub routes: Seen<Vec<Route>>,
    /// Whether names resolve.
    pub resolver: Resolver,
    /// The owner's probes by name.
    pub probes: BTreeMap<String, Attempt>,
}

/// What was looked at; what could not be seen is never taken for fine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen<T> {
    /// It was seen.
    Known(T),
    /// It was not, and why.
    Unknown(String),
}

/// Whether names resolve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolver {
    /// The name servers of `/etc/resolv.conf`.
    pub servers: Vec<IpAddr>,
    /// Names that were looked up. None: it is not known whether names resolve.
    pub asked: Vec<String>,
    /// The first of them that resolved.
    pub resolved: Option<String>,
}

/// One attempt of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Whether it passed.
    pub passed: bool,
    /// What it saw: `HTTP 502`, `connection refused`.
    pub detail: String,
}

impl<T> Seen<T> {
    /// What was seen, if it was.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Seen<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(error) => Self::Unknown(error.to_string()),
        }
    }
}

#[cfg(test)]
impl Observation {
    /// A machine where everything is known and there is nothing.
    pub(super) fn empty() -> Self {
        Self {
            units: Seen::Known(Units::new()),
            programs: BTreeMap::new(),
            listeners: Seen::Known(Vec::new()),
            routes: Seen::Known(Vec::new()),
            resolver: Resolver::default(),
            probes: BTreeMap::new(),
        }
    }
}
