//! What others publish about vulnerabilities: fetched, read into records, kept in
//! the index of this release. Knows nothing of what is installed here.

mod settings;
mod source;

mod line;
pub mod read;

mod fetch;
mod guess;
mod intake;
mod shelf;
mod state;

mod index;

mod library;

#[cfg(test)]
mod tests;

pub use fetch::FetchError;
pub use index::{Header, Index, IndexError};
pub use intake::IntakeError;
pub use library::{FeedError, FeedsError, Library, Outcome, Tried};
pub use line::{End, Format, LINE, Line, PROTOCOL, Reason, Request};
pub use settings::Settings;
pub use shelf::Shelf;
pub use source::{Source, sources};
pub use state::{Content, Freshness, Standing, State};
