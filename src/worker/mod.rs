//! The privileged side: one order in, events out, one phase done. It trusts
//! nobody: what an order asks for is checked against the machine's own
//! configuration and package manager. It imports no ledger and knows no policy
//! but what may be removed.

mod main;

mod caller;
mod desk;
mod record;
mod serve;
mod tools;
mod validate;

mod acts;
mod going_back;
mod hook;
mod inspection;
mod live;
mod log;
mod overseer;
mod own_upgrade;
mod phases;
mod quarantine;
mod reboot;
mod rehearsal;
mod restoring;
mod standing;

#[cfg(test)]
mod tests;

pub use log::{LOGS, log_file};
pub use main::{main, stand_alone, transaction_guard};
pub use own_upgrade::{PutBack, put_back};
pub use record::{FOLDER, Line, Record, open_run, run_folder};
pub use rehearsal::{rehearsal_inside, rehearsal_stand_in};
pub use restoring::restore_points;

/// In [`FOLDER`]: the last configuration that was found sound.
pub const LAST_GOOD: &str = "config.last-good";

/// In [`FOLDER`]: what was taken over from whom.
pub const TAKEOVER: &str = "takeover.json";
