//! What an order is carried out with.

use std::path::Path;
use std::time::Duration;

use crate::config::Sources;
use crate::model::{Host, Refusal, Report};
use crate::os::command::Runner;
use crate::os::signals::Noted;
use crate::policy::{Hooks, Pattern, Restarts, Rollbacks};
use crate::restore::Site;
use crate::verify;

/// What comes of a phase.
pub(super) type Done = Result<Report, Refusal>;

/// What the phases work with.
pub(super) struct Tools<'a, P> {
    pub package_manager: &'a P,
    pub runner: &'a dyn Runner,
    /// The system is an image: nothing of it runs, and what runs is none of its
    /// business.
    pub at_rest: bool,
    pub rules: &'a Rules,
    pub host: &'a Host,
    /// The system whose packages are kept and put back.
    pub site: &'a Site,
    /// `/var/lib/patchd-worker`.
    pub root: &'a Path,
    /// `/var/log/patchd`.
    pub logs: &'a Path,
    /// Where the configuration is.
    pub sources: &'a Sources,
    /// The systemd unit that we are.
    pub unit: Option<String>,
    /// Whether we were asked to stop.
    pub noted: &'a Noted,
}

/// What the configuration says that the worker has to hold to.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub verify: verify::Settings,
    pub restarts: Restarts,
    pub hooks: Hooks,
    pub rollbacks: Rollbacks,
    /// Whether any policy of this machine wants no links to installed files.
    pub packages_only: bool,
    /// Whether any policy of this machine lets it reboot.
    pub reboots: bool,
    /// What any policy of this machine lets a plan remove.
    pub removals: Vec<Pattern>,
    /// Whether every policy of this machine has its plans rehearsed.
    pub rehearse: bool,
    /// How long a script of a package may take.
    pub script_timeout: Duration,
    /// Why nothing may be patched: neither a sound configuration nor a good copy.
    pub unsound: Option<String>,
}
