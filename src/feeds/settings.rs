//! `[feeds]` in the configuration.

use std::time::Duration;

/// How feeds are kept up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How often a feed is looked at.
    pub interval: Duration,
    /// How often the catalogue of what is exploited is.
    pub kev_interval: Duration,
    /// One that was not known to be current for longer than this is stale.
    pub stale_after: Duration,
    /// Where all of them are instead of with their publishers.
    pub mirror: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_hours(6),
            kev_interval: Duration::from_hours(1),
            stale_after: Duration::from_hours(72),
            mirror: None,
        }
    }
}
