//! What must survive: the ledger of runs, and the clocks of updates first seen.
//! One SQLite file that only one user opens. It stores values and decides nothing.

mod clocks;
mod figures;
mod ledger;
mod runs;
mod schema;

pub use ledger::{Ledger, LedgerError, make_folder};
pub use runs::{NewRun, RunDetail, RunRow, Transition};
