//! One run as a machine: a state, an event, the next state and what to do.
//! Pure; the driver writes the new state down before it performs the effects.
//! `docs/run.md` shows the transitions, drawn from this very code.

mod course;
#[cfg(test)]
mod diagram;
mod event;
mod mandate;
mod state;
mod step;
mod summary;

pub use course::{Course, SetAside};
pub use event::{Effect, Event, Repaired};
pub use mandate::Mandate;
pub use state::{Stage, State};
pub use step::{Refused, Step, step};
