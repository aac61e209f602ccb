//! Every question and its document. The daemon answers with these, and so does
//! the command line where there is no daemon.

mod check;
mod explain;
mod feeds;
mod history;
mod machine;
mod notice;
mod quarantine;
mod rehearsal;
mod restore_points;
mod rivals;
mod schedule;
mod status;
mod vulnerabilities;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::parts::Parts;
use super::survey::SurveyError;
use crate::control::{ControlError, Question};
use crate::model::ExitCode;
use crate::os::clock;
use crate::package_manager::{Fault, PackageManager};
use crate::state::{Ledger, LedgerError};

pub use check::{Look, look};
pub use feeds::document as feeds;
pub use history::run;
pub use notice::notice;
pub use restore_points::to_roll_back;
pub(in crate::daemon) use rivals::active as rivals;
pub use status::is_held;

/// The policy of a question that names none.
const DEFAULT: &str = "default";

/// How many runs are told of unless somebody wants more or less.
const RUNS: u32 = 20;

/// How many windows of each schedule, likewise.
const WINDOWS: u32 = 5;

/// What questions are answered from.
#[derive(Debug)]
pub struct View<'a, P> {
    /// The machine and its configuration.
    pub parts: &'a Parts<P>,
    /// Who answers.
    pub answerer: Answerer,
    /// What is wrong with a newer configuration that is not in force.
    pub config_fault: Option<&'a str>,
}

/// Who answers; not everybody may and does the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answerer {
    /// The daemon, which also keeps the schedules.
    Daemon,
    /// A command of the ledger's user, where there is no daemon.
    Owner,
    /// A command of somebody who may not open the ledger.
    Anybody,
}

impl Answerer {
    fn owns_ledger(self) -> bool {
        match self {
            Self::Daemon | Self::Owner => true,
            Self::Anybody => false,
        }
    }
}

/// The document that answers a question.
pub async fn answer<P: PackageManager>(
    view: &View<'_, P>,
    question: &Question,
) -> Result<Value, ControlError> {
    match question {
        Question::Status => value(&status::status(view).await?),
        Question::Check { policy } => {
            let policy = policy.as_deref().unwrap_or(DEFAULT);
            value(&check::check(view, policy).await?)
        }
        Question::Explain { package, policy } => {
            let policy = policy.as_deref().unwrap_or(DEFAULT);
            value(&explain::explain(view, package, policy).await?)
        }
        Question::Schedule { name, from, count } => {
            let from = from.unwrap_or_else(clock::now);
            let count = count.unwrap_or(WINDOWS);
            value(&schedule::schedule(view, name.as_deref(), from, count)?)
        }
        Question::RestorePoints => {
            value(&restore_points::restore_points(&view.parts.paths.worker)?)
        }
        Question::Feeds => value(&feeds::feeds(view)?),
        Question::History { count } => value(&history::history(view, count.unwrap_or(RUNS))?),
        Question::Quarantine => value(&quarantine::quarantine(view).await?),
        Question::Run { run } => match view.ledger()? {
            Some(ledger) => history::run(&ledger, *run),
            None => Err(ControlError::NoSuchRun { run: Some(*run) }),
        },
    }
}

impl<P> View<'_, P> {
    /// The ledger, where there is one yet.
    fn ledger(&self) -> Result<Option<Ledger>, ControlError> {
        if self.answerer.owns_ledger() {
            return Ok(Ledger::open_existing(&self.parts.paths.ledger())?);
        }
        Err(ControlError::NotPermitted {
            sentence: "the ledger is for root alone; run this with sudo".to_owned(),
        })
    }
}

fn value(document: &impl Serialize) -> Result<Value, ControlError> {
    serde_json::to_value(document)
        .map_err(|cause| ControlError::failed(cause.to_string(), ExitCode::Failed))
}

/// Every fault of ours knows its sentence and its exit code.
macro_rules! refusals {
    ($($fault:ty),+) => {
        $(impl From<$fault> for ControlError {
            fn from(fault: $fault) -> Self {
                Self::failed(fault.to_string(), fault.exit_code())
            }
        })+
    };
}

refusals!(Fault, LedgerError, SurveyError);

/// RFC 3339, whole seconds.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The word that serde writes for a variant.
fn word(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(Value::String(word)) => word,
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests;
