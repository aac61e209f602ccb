//! What was switched off, and how it was before: written before it is touched.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::os::files;

/// A few units; anything longer is not ours.
const CAP: u64 = 64 << 10;

/// All that was taken over and not given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Since when.
    pub at: Timestamp,
    /// What.
    pub units: Vec<Taken>,
}

/// One unit as it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Which unit.
    pub unit: String,
    /// systemd's word for how it was installed.
    pub state: String,
    /// Whether it was up.
    pub active: bool,
    /// Whether it was stopped as well.
    pub stopped: bool,
}

impl Record {
    /// Reads it; `None` when nothing is taken over.
    pub fn read(path: &Path) -> std::io::Result<Option<Self>> {
        match files::read_bounded(path, CAP) {
            Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Replaces it at once; with nothing left in it, it goes.
    pub(super) fn write(&self, path: &Path) -> std::io::Result<()> {
        if !self.units.is_empty() {
            return files::replace(path, &serde_json::to_vec(self)?, 0o640);
        }
        match std::fs::remove_file(path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(cause),
            _ => Ok(()),
        }
    }
}
