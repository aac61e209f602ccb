//! The phase `rehearse`, put together: the jail, what is done in it, and what
//! is made of it.

mod inside;

pub use inside::{rehearsal_inside, rehearsal_stand_in};
