//! patchd keeps Linux servers patched, proves it, and explains itself.
//!
//! Read along one patch night: [`schedule`] says when, [`policy`] decides, [`cycle`] steps, [`worker`]
//! does, [`verify`] looks, [`state`] remembers. `docs/architecture.md` walks
//! through it.

pub mod cli;
pub mod compliance;
pub mod config;
pub mod control;
pub mod cycle;
pub mod daemon;
pub mod feeds;
pub mod hooks;
pub mod metrics;
pub mod model;
pub mod notify;
pub mod os;
pub mod package_manager;
pub mod policy;
pub mod quarantine;
pub mod reboot;
pub mod rehearsal;
pub mod restore;
pub mod running;
pub mod schedule;
pub mod state;
pub mod takeover;
pub mod verify;
pub mod vulnerability;
pub mod worker;
