//! Figures for node_exporter's textfile collector. It renders and writes values
//! that it is given, and knows neither ledger nor package manager.

mod page;

use std::collections::BTreeMap;
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use jiff::Timestamp;

use crate::os::files;

/// The file in the folder `metrics` of patchd's state; others may read it.
pub const FILE: &str = "patchd.prom";

/// What is told. A figure that is not known is absent, never zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Of this program.
    pub version: String,
    /// By schedule; `now` for runs by hand.
    pub runs: BTreeMap<String, RunTimes>,
    /// How many runs have ended, by outcome. Survives restarts.
    pub outcomes: BTreeMap<String, u64>,
    /// How many runs there were not, by reason. Survives restarts.
    pub skips: BTreeMap<String, u64>,
    /// Pending updates by decision, when they were looked at.
    pub pending: BTreeMap<String, u64>,
    /// Absent when no reboot is owed.
    pub reboot_owed_since: Option<Timestamp>,
    /// By repository: seconds since its index was known to be current.
    pub repositories: BTreeMap<String, u64>,
    /// By feed: seconds since it was known to be current.
    pub feeds: BTreeMap<String, u64>,
}

/// The latest runs of one schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunTimes {
    /// When the latest one began.
    pub start: Option<Timestamp>,
    /// When the latest one ended that left nothing undone.
    pub success: Option<Timestamp>,
}

/// Replaces the file at once: a reader sees the old page or the new one.
pub fn write(folder: &Path, metrics: &Metrics) -> std::io::Result<()> {
    match DirBuilder::new().mode(0o755).create(folder) {
        // The service's umask keeps everything else to itself.
        Ok(()) => std::fs::set_permissions(folder, Permissions::from_mode(0o755))?,
        Err(there) if there.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(cause) => return Err(cause),
    }
    files::replace(&folder.join(FILE), page::draw(metrics).as_bytes(), 0o644)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_may_read_the_page_and_nothing_lies_beside_it() {
        let state = tempfile::tempdir().expect("a folder");
        let folder = state.path().join("metrics");
        for _ in 0..2 {
            write(&folder, &Metrics::default()).expect("written");
        }
        let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o755, 0o644));
        assert_eq!(std::fs::read_dir(&folder).expect("there").count(), 1);
    }
}
