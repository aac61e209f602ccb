//! Bytes to types. Pure: no file is opened and no clock is read here. A line
//! that a parser ought to know and does not is an [`UnknownLine`], never a guess.

pub mod apt_config;
pub mod complaint;
pub mod dpkg_status;
pub mod package_index;
pub mod policy;
pub mod release;
pub mod simulation;
pub mod stanza;
pub mod targets;

use crate::package_manager::Fault;

/// How much of a line is worth showing.
const SHOWN: usize = 160;

/// A line that does not look as its program promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLine(String);

impl UnknownLine {
    /// The line, shortened.
    #[must_use]
    pub fn new(line: &str) -> Self {
        Self(line.chars().take(SHOWN).collect())
    }

    /// Who printed it is known to the shell only.
    #[must_use]
    pub fn from_source(self, source_of: &str) -> Fault {
        Fault::Garbage {
            source_of: source_of.to_owned(),
            line: self.0,
        }
    }
}
