//! Is the machine as it was before, only patched? Takes the state before a
//! transaction, looks again after it, and tells what broke and what is merely
//! worth a warning.

mod settings;

pub use settings::{Check, Probe, Settings};
