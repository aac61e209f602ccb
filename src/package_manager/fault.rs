//! What can go wrong with a package manager, in words for the operator.

use std::path::PathBuf;

use crate::model::{ExitCode, PackageName};
use crate::os::command::CommandError;

/// Why a question has no answer or an operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// This machine has none that we know.
    #[error("no supported package manager here: {0}; patchd runs on Debian and its kin for now")]
    Unsupported(String),
    /// It could not be asked.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// It answered with a failure.
    #[error("{program} failed: {words}; {advice}")]
    Failed {
        /// Which program.
        program: &'static str,
        /// Its own last words.
        words: String,
        /// What to do now.
        advice: &'static str,
    },
    /// It answered something that we do not understand; nothing is guessed from it.
    #[error(
        "{source_of} printed a line that patchd does not know: {line:?}; please report it, nothing was changed"
    )]
    Garbage {
        /// Program or file.
        source_of: String,
        /// The line, shortened.
        line: String,
    },
    /// The wanted versions cannot be installed together.
    #[error("the package manager cannot install what was asked for: {words}")]
    Unsolvable {
        /// Its own words.
        words: String,
        /// Packages that it names as the obstacle, if any.
        packages: Vec<PackageName>,
    },
    /// Somebody else holds its lock.
    #[error(
        "the package manager's lock is held by {holder}, waited {waited_seconds} s; run again later, or stop {holder}"
    )]
    Locked {
        /// Process name and pid.
        holder: String,
        /// How long we waited.
        waited_seconds: u64,
    },
    /// The transaction differs from the plan; refused before anything was changed.
    #[error("the package manager would not do what was planned: {}", .differences.join("; "))]
    Stale {
        /// The first differences.
        differences: Vec<String>,
    },
    /// A file of ours or of the package manager.
    #[error("cannot use {path}: {cause}; check that it exists and is readable")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
}

impl Fault {
    /// What the program exits with because of it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Locked { .. } => ExitCode::Deferred,
            Self::Unsupported(_)
            | Self::Command(_)
            | Self::Failed { .. }
            | Self::Garbage { .. }
            | Self::Unsolvable { .. }
            | Self::Stale { .. }
            | Self::File { .. } => ExitCode::Failed,
        }
    }
}
