//! Which updates, and why not the others. Pure: pending updates, rules and
//! clocks in, one decision with a reason for each out.

mod pattern;
mod settings;

pub use pattern::{InvalidPattern, Pattern};
pub use settings::{Rule, Settings, Then, When};
