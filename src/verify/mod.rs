//! Is the machine as it was before, only patched? Takes the state before a
//! transaction, looks again after it, and tells what broke and what is merely
//! worth a warning. It repairs nothing and knows no package manager.

mod judge;
mod observation;
mod observe;
mod patience;
mod probe;
mod settings;
mod touched;

pub use judge::judge;
pub use observation::{Attempt, Observation, Resolver, Seen};
pub use observe::observe;
pub use patience::verify;
pub use settings::{Check, Probe, Settings};
pub use touched::{Touched, units_of};
