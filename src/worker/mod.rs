//! The privileged side: one order in, events out, one phase done. It trusts
//! nobody: what an order asks for is checked against the machine's own
//! configuration and package manager. It imports no ledger and knows no policy
//! but what may be removed.

mod log;
mod main;
mod phases;
mod record;
mod serve;
mod standing;
mod validate;

#[cfg(test)]
mod tests;

pub use log::{LOGS, log_file};
pub use main::{main, transaction_guard};
pub use record::{FOLDER, Line, Record, run_folder};
