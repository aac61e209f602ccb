//! The index of one release: what feeds say, looked up by package or by
//! vulnerability within microseconds. One SQLite file, built beside itself and
//! renamed, so that whoever has it open goes on with the one that he has.

mod build;
mod error;
mod lookup;
mod schema;
#[cfg(test)]
mod tests;

pub(super) use build::build;
pub use error::IndexError;
pub use lookup::{Header, Index};
