//! What every command starts from: the configuration, this machine, and a way
//! to say what went wrong.

use std::path::PathBuf;

use super::answerer::is_daemon_here;
use super::engine::is_ledgers_owner;
use crate::config::{self, Loaded, Reader, Sources};
use crate::daemon::{Parts, Paths, RunError, SurveyError};
use crate::model::{ExitCode, Host};
use crate::os::jail::{self, Image};
use crate::os::{environment, machine};
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
    no_daemon: bool,
    /// Where orders go when root's command has started us as the ledger's user.
    pub orders: Option<PathBuf>,
    pub paths: Paths,
}

impl Context {
    pub fn new(file: Option<PathBuf>, no_daemon: bool) -> Self {
        Self {
            file,
            no_daemon,
            orders: None,
            paths: Paths::default(),
        }
    }

    /// Whether the daemon is to be asked. Not about another configuration than
    /// its own, and not where there is none.
    pub fn asks_daemon(&self) -> Result<bool, Trouble> {
        if self.has_own_file() || !is_daemon_here() {
            return Ok(false);
        }
        if self.no_daemon && !is_root() && !is_ledgers_owner() {
            let sentence = "--no-daemon is for root where there is a daemon; run it with sudo";
            return Err(Trouble::not_permitted(sentence));
        }
        Ok(!self.no_daemon)
    }

    /// Whether another file than the machine's own was named.
    pub fn has_own_file(&self) -> bool {
        self.file.is_some() && !Image::is_around_us()
    }

    /// Where the configuration is.
    pub fn sources(&self) -> Result<Sources, Trouble> {
        let brought = Image::around_us().and_then(|image| image.configuration);
        match brought.as_ref().or(self.file.as_ref()) {
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
        let mut settings = self.load()?.settings;
        let at_rest = Image::is_around_us();
        if at_rest {
            settings = settings.at_rest().0;
        }
        let package_manager = detect(jail::runner(), settings.package_manager.clone())?;
        Ok(Parts {
            package_manager,
            at_rest,
            settings,
            host: host()?,
            paths: self.paths_of_feeds(),
        })
    }

    /// What is published everybody may read: who may not use the daemon's has
    /// feeds of his own.
    fn paths_of_feeds(&self) -> Paths {
        let mut paths = self.paths.clone();
        let own = (environment::user_cache(), environment::user_state());
        if let (Some(cache), Some(state)) = own
            && !is_root()
            && !is_ledgers_owner()
        {
            paths.feeds = cache.join("patchd/feeds");
            paths.index = state.join("patchd/index.db");
        }
        paths
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

/// Every fault of ours knows its exit code.
macro_rules! troubles {
    ($($fault:ty),+) => {
        $(impl From<$fault> for Trouble {
            fn from(fault: $fault) -> Self {
                Self {
                    code: fault.exit_code(),
                    sentence: fault.to_string(),
                }
            }
        })+
    };
}

troubles!(Fault, LedgerError, SurveyError, RunError);
