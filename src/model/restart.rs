//! What runs old code, and what became of it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::host::BootId;

/// After a restart pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restarted {
    /// Units that were restarted and run.
    pub restarted: Vec<String>,
    /// Units that did not come back; `why` has their last words.
    pub failed: Vec<StaleUnit>,
    /// Units that still run old code; `why` tells what keeps them from being restarted.
    pub stale: Vec<StaleUnit>,
    /// Why a reboot is owed; empty when none is.
    pub reboot_reasons: Vec<String>,
}

/// A unit that runs code which is no longer on disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StaleUnit {
    /// Its name with suffix.
    pub unit: String,
    /// One sentence.
    pub why: String,
}

/// What the last look at running code saw; good for one boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveLook {
    /// When it was.
    pub at: Timestamp,
    /// In which boot.
    pub boot: BootId,
    /// Who runs old code.
    pub old: Vec<OldCode>,
    /// Processes that could not be looked at.
    pub unread: usize,
}

/// Processes whose code is no longer what lies on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldCode {
    /// Their unit; outside of all units, the name of the program.
    pub unit: String,
    /// Whose they are.
    pub owner: Owner,
    /// The first few files that were replaced.
    pub files: Vec<String>,
}

/// Whose a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// systemd itself, PID 1.
    Manager,
    /// A service.
    Service,
    /// A person: a session, a user manager with all that it started.
    User,
    /// A container; its files are those of its image.
    Container,
    /// No unit at all.
    Nobody,
}

impl fmt::Display for OldCode {
    /// `nginx.service (libssl.so.3)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unit)?;
        match self.files.first() {
            Some(file) => {
                let name = file.rsplit('/').next().unwrap_or(file);
                write!(f, " ({name})")
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for StaleUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.unit, self.why)
    }
}
