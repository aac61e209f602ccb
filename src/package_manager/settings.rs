//! `[package_manager]` in the configuration.

use std::time::Duration;

/// How the package manager is treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long to wait for somebody else's lock before the run is deferred.
    pub lock_wait: Duration,
    /// A script of a package that takes longer is asked to end.
    pub script_timeout: Duration,
    /// An index that was not renewed for longer than this is stale.
    pub stale_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_mins(10),
            script_timeout: Duration::from_hours(1),
            stale_after: Duration::from_hours(72),
        }
    }
}
