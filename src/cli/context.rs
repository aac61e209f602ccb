//! What every command starts from: the configuration, this machine, and a way
//! to say what went wrong.

use std::path::PathBuf;

use crate::config::{self, Loaded, Reader, Sources};
use crate::daemon::{Parts, Paths, RunError, SurveyError};
use crate::model::{ExitCode, Host};
use crate::os::command::System;
use crate::os::machine;
use crate::package_manager::{Fault, apt::Apt, detect};
use crate::state::LedgerError;

/// A sentence and an exit code.
#[derive(Debug)]
pub struct Trouble {
    /// What happened, to what, and what to do.
    pub sentence: String,
    /// For scripts.
    pub code: ExitCode,
}

/// What the command line gave.
#[derive(Debug)]
pub(super) struct Context {
    file: Option<PathBuf>,
    pub paths: Paths,
}

impl Context {
    pub fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            paths: Paths::default(),
        }
    }

    /// Whether another file than the machine's own was named.
    pub fn has_own_file(&self) -> bool {
        self.file.is_some()
    }

    /// Where the configuration is.
    pub fn sources(&self) -> Result<Sources, Trouble> {
        match &self.file {
            Some(file) => Sources::only(file).map_err(|cause| Trouble::failed(&cause)),
            None => Ok(Sources::default()),
        }
    }

    /// The configuration; with a fault in it nothing else is begun.
    pub fn load(&self) -> Result<Loaded, Trouble> {
        config::load(&self.sources()?, &Reader::this_process()).map_err(|faults| Trouble {
            sentence: faults.to_string(),
            code: ExitCode::ConfigInvalid,
        })
    }

    /// Everything that questions and runs need.
    pub fn parts(&self) -> Result<Parts<Apt>, Trouble> {
        let settings = self.load()?.settings;
        let package_manager = detect(Box::new(System), settings.package_manager.clone())?;
        Ok(Parts {
            package_manager,
            settings,
            host: host()?,
            paths: self.paths.clone(),
        })
    }
}

/// This machine.
pub(super) fn host() -> Result<Host, Trouble> {
    machine::host().map_err(|cause| Trouble::failed(&cause))
}

/// Whether we may patch.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Trouble {
    /// Did not work, for this reason.
    pub(super) fn failed(cause: &dyn std::fmt::Display) -> Self {
        Self {
            sentence: cause.to_string(),
            code: ExitCode::Failed,
        }
    }

    /// The caller may not.
    pub(super) fn not_permitted(sentence: &str) -> Self {
        Self {
            sentence: sentence.to_owned(),
            code: ExitCode::NotPermitted,
        }
    }

    /// The caller wrote something that makes no sense.
    pub(super) fn usage(sentence: String) -> Self {
        Self {
            sentence,
            code: ExitCode::Usage,
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::Locked { .. } => ExitCode::Deferred,
            Fault::Unsupported(_)
            | Fault::Command(_)
            | Fault::Failed { .. }
            | Fault::Garbage { .. }
            | Fault::Unsolvable { .. }
            | Fault::Stale { .. }
            | Fault::File { .. } => ExitCode::Failed,
        };
        Self {
            sentence: fault.to_string(),
            code,
        }
    }
}

impl From<LedgerError> for Trouble {
    fn from(fault: LedgerError) -> Self {
        let code = match fault {
            LedgerError::NotPermitted { .. } => ExitCode::NotPermitted,
            LedgerError::TooNew { .. } | LedgerError::Full { .. } | LedgerError::Disk { .. } => {
                ExitCode::NeedsHuman
            }
            LedgerError::Busy { .. } => ExitCode::Deferred,
            LedgerError::Database { .. }
            | LedgerError::Content { .. }
            | LedgerError::File { .. } => ExitCode::Failed,
        };
        Self {
            sentence: fault.to_string(),
            code,
        }
    }
}

impl From<SurveyError> for Trouble {
    fn from(fault: SurveyError) -> Self {
        match fault {
            SurveyError::PackageManager(fault) => fault.into(),
            SurveyError::Ledger(fault) => fault.into(),
            SurveyError::Incomplete(_) | SurveyError::Policy(_) => Self {
                sentence: fault.to_string(),
                code: ExitCode::NeedsHuman,
            },
        }
    }
}

impl From<RunError> for Trouble {
    fn from(fault: RunError) -> Self {
        match fault {
            RunError::Ledger(fault) => fault.into(),
            RunError::Busy => Self {
                sentence: fault.to_string(),
                code: ExitCode::Deferred,
            },
            RunError::NoPolicy { .. } => Self::usage(fault.to_string()),
            RunError::Lock { .. } => Self::failed(&fault),
        }
    }
}
