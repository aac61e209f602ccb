//! Versions that did harm here and are kept away: which, why, until when, and
//! among several the search for the one that did it. All of it is values, and one
//! file that the worker alone writes. It must not know how a package manager
//! keeps a version away, nor when a run begins.

mod book;
mod culprit;
mod review;

pub use book::{Book, Entry, FILE, Standing, Suspect};
pub use culprit::Accusation;
pub use review::Seen;
