//! apt and dpkg, driven through their stable machine interfaces. Every part is
//! two halves: what is asked (`questions`: values to argv) and what the answer
//! means (`parse`: bytes to types).
//!
//! What any user may ask comes first: a [`view::View`] of the configuration,
//! then what is pending, then a plan. Nothing in it takes a lock.

mod questions;

pub mod parse;

mod view;

mod pending;

mod indexes;

mod offers;

mod updates;

mod reboot;

mod repositories;

mod gaps;

mod plan;

mod installed;

#[cfg(test)]
mod obstacles;

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
