//! What the brain works with.

use std::path::PathBuf;

use crate::config::Settings;
use crate::model::Host;
use crate::os::clock;
use crate::schedule::{Calendar, Schedule};

/// Where things are. Tests have their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The ledger's folder.
    pub state: PathBuf,
    /// The package manager's output, a file a run.
    pub logs: PathBuf,
    /// The worker's records, which we may read.
    pub worker: PathBuf,
    /// What feeds were read into.
    pub feeds: PathBuf,
    /// What vulnerabilities are looked up in.
    pub index: PathBuf,
}

/// Everything a run needs, put together once.
#[derive(Debug)]
pub struct Parts<P> {
    /// The package manager, for questions only.
    pub package_manager: P,
    /// It is about an image, of which nothing runs.
    pub at_rest: bool,
    /// The configuration.
    pub settings: Settings,
    /// This machine.
    pub host: Host,
    /// Where things are.
    pub paths: Paths,
}

impl<P> Parts<P> {
    /// A schedule's windows on this host.
    #[must_use]
    pub fn calendar<'a>(&self, name: &str, schedule: &'a Schedule) -> Calendar<'a> {
        let zone = clock::zone(schedule.timezone.as_ref());
        Calendar::new(name, schedule, &self.host, zone)
    }
}

impl Paths {
    /// Where node_exporter looks.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.state.join("metrics")
    }

    /// Held by whoever drives a run.
    #[must_use]
    pub fn run_lock(&self) -> PathBuf {
        self.state.join("run.lock")
    }

    /// The ledger's file.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger.db")
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            state: "/var/lib/patchd".into(),
            logs: crate::worker::LOGS.into(),
            worker: crate::worker::FOLDER.into(),
            feeds: "/var/cache/patchd/feeds".into(),
            index: "/var/lib/patchd/index.db".into(),
        }
    }
}
