//! `[restart]`, `[rollback]` and `[hooks]` in the configuration: what happens
//! around a transaction, as data. Who does it reads this.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;

use super::pattern::Pattern;
use crate::model::HookPoint;

/// Services that still run old code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restarts {
    /// When they are restarted.
    pub when: RestartWhen,
    /// Units that never are, beside those that nobody should restart.
    pub never: Vec<Pattern>,
}

/// When services that run old code are restarted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RestartWhen {
    /// In each run.
    #[default]
    Now,
    /// Only in a schedule's window.
    Window,
    /// Never.
    Never,
}

/// Restore points, and what is taken back to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollbacks {
    /// Packages that are never rolled back.
    pub never: Vec<Pattern>,
    /// How many restore points are kept.
    pub keep: u32,
    /// How long one is kept.
    pub keep_for: SignedDuration,
}

/// Programs of the operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// How long one may take.
    pub timeout: Duration,
    /// By point, in order; absolute paths. A point without programs is absent.
    pub programs: BTreeMap<HookPoint, Vec<String>>,
}

/// What all others stand on, and what keeps its data in a form that older
/// versions cannot read.
const NEVER: [&str; 14] = [
    "dpkg",
    "apt",
    "libc6",
    "systemd",
    "dbus",
    "shim*",
    "grub*",
    "*-microcode",
    "patchd",
    "postgresql*",
    "mysql*",
    "mariadb*",
    "mongodb*",
    "redis*",
];

impl Default for Rollbacks {
    /// Three points for two weeks.
    fn default() -> Self {
        let never = NEVER.iter().filter_map(|glob| Pattern::parse(glob).ok());
        Self {
            never: never.collect(),
            keep: 3,
            keep_for: SignedDuration::from_hours(14 * 24),
        }
    }
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(5),
            programs: BTreeMap::new(),
        }
    }
}
