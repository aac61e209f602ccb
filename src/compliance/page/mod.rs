//! The report as one HTML page that needs nothing else: no script, no font, no
//! picture from anywhere. It can be read on a screen, on paper, and aloud.

mod chart;
mod document;
mod text;

use jiff::civil::Date;

use super::state::Report;
use crate::model::{Anchor, Tier};

pub use document::html;

/// All that the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The packages.
    pub report: Report,
    /// What was open at the end of each day, oldest first.
    pub exposure: Vec<Day>,
    /// What is open now, a row for each tier.
    pub open: [OpenByAge; 5],
    /// Days from a fix's being on offer to its being live, one for each fix of the
    /// period.
    pub days_to_patch: Vec<u32>,
    /// Where the chain of evidence stands.
    pub evidence: Option<Anchor>,
}

/// Vulnerabilities that were open on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Which day.
    pub day: Date,
    /// How many, P0 first.
    pub open: [u32; 5],
}

/// Vulnerabilities of one tier that are open, by their age: up to 7, 30 and 90
/// days, and older.
pub type OpenByAge = [u32; 4];

/// The tiers as the page orders them.
const TIERS: [Tier; 5] = [Tier::P0, Tier::P1, Tier::P2, Tier::P3, Tier::P4];
