//! What others publish about vulnerabilities: fetched, read into records, kept in
//! the index of this release. Knows nothing of what is installed here.

mod line;
pub mod read;

pub use line::{End, Format, LINE, Line, PROTOCOL, Reason, Request};
