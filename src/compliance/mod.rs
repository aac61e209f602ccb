//! What can be shown to an auditor: the state of each package under a policy, and
//! evidence in which nothing can be changed unnoticed. Pure; it knows neither the
//! files that evidence is kept in, nor where a report goes.

mod state;

mod aws;
mod csv;
mod page;

pub mod evidence;

pub use aws::aws;
pub use csv::csv;
pub use page::{Day, OpenByAge, Page, html};
pub use state::{Facts, Item, Open, Report, State, judge};
