//! apt and dpkg, driven through their stable machine interfaces. Every part is
//! two halves: `commands` (values to argv) and `parse` (bytes to types).

pub mod audit;
pub mod commands;
pub mod complaint;
pub mod conffiles;
pub mod credentials;
pub mod execution;
pub mod guard;
pub mod kernels;
pub mod lock;
pub mod machine;
pub mod marks;
pub mod preflight;
pub mod refresh;
pub mod repair;
pub mod status_fd;
pub mod transaction;
pub mod uris;

use crate::os::command::Runner;

use super::settings::Settings;

/// The package manager of Debian and its kin.
pub struct Apt {
    /// Who runs the programs.
    runner: Box<dyn Runner>,
    /// `[package_manager]`.
    settings: Settings,
}

impl Apt {
    /// apt as it is configured on this machine.
    #[must_use]
    pub fn new(runner: Box<dyn Runner>, settings: Settings) -> Self {
        Self { runner, settings }
    }
}
