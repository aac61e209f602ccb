//! When patching may begin and until when: cron expressions, windows, each
//! host's place in them, what was missed, days on which nothing starts, and how
//! long a plan takes. Pure: the caller brings the time, the zone, and what was
//! handled last; what is patched is no concern here.

mod settings;

mod cron;

mod calendar;
mod due;

mod estimate;

pub use calendar::{Calendar, Window};
pub use cron::{Cron, InvalidCron};
pub use due::{Due, Missed};
pub use estimate::{VERIFY_RESERVE, apply_takes, plan_needs};
pub use settings::{CatchUp, Freeze, Schedule, Settings};

#[cfg(test)]
mod tests;
