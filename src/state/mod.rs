//! What must survive: the ledger of runs, what each schedule has handled, what
//! was skipped and why, the clocks of updates first seen, and who is to be told what.
//! One SQLite file that only one user opens. It stores values and decides nothing.

mod clocks;
mod figures;
mod ledger;
mod notifications;
mod runs;
mod samples;
mod schedules;
mod schema;
mod skips;

pub use ledger::{Ledger, LedgerError, make_folder};
pub use runs::{NewRun, RunDetail, RunRow, Transition};
pub use schedules::Scheduled;
pub use skips::{Pause, Skip};
