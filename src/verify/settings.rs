//! `[verify]` and `[[verify.probe]]` in the configuration.

use std::time::Duration;

/// What is looked at, and how patiently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Attempts in a row that must fail before a check counts as failed.
    pub retries: u32,
    /// Time between two attempts.
    pub interval: Duration,
    /// The owner's own probes.
    pub probes: Vec<Probe>,
}

/// One probe of the owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its name in reports.
    pub name: String,
    /// What is tried.
    pub check: Check,
    /// Whether a command of it also looks at a rehearsal.
    pub rehearse: bool,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Instead of the general number of attempts.
    pub retries: Option<u32>,
}

/// What a probe tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// `GET` answers with 2xx or 3xx.
    Http(String),
    /// `host:port` accepts a connection.
    Tcp(String),
    /// The program (absolute) exits 0.
    Command(Vec<String>),
    /// The systemd unit is active.
    Unit(String),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retries: 3,
            interval: Duration::from_secs(20),
            probes: Vec::new(),
        }
    }
}
