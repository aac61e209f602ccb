//! One look at what is pending, with policy's word on each.

use std::collections::BTreeMap;

use crate::model::{Decided, Decision, PackageId, Pending};
use crate::package_manager::{Fault, PackageManager, Wanted};
use crate::policy::{Judge, Seen, SeenVersions};
use crate::state::{Ledger, LedgerError};

/// What is pending and what becomes of it, in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// As the package manager sees it.
    pub pending: Pending,
    /// One decision for each pending update.
    pub decisions: Vec<Decided>,
}

/// Lists and decides. With a ledger, clocks are started and kept; without one
/// (an ordinary user), everything counts as first seen now.
pub async fn survey<P: PackageManager>(
    package_manager: &P,
    ledger: Option<&mut Ledger>,
    judge: Judge<'_>,
) -> Result<Survey, SurveyError> {
    let pending = package_manager.pending().await?;
    let clocks = match ledger {
        Some(ledger) => {
            ledger.see(&pending.updates, judge.now)?;
            clocks(ledger, &pending)?
        }
        None => BTreeMap::new(),
    };
    let unseen = SeenVersions::default();
    let decisions = pending
        .updates
        .iter()
        .map(|update| judge.decide(update, clocks.get(&update.id).unwrap_or(&unseen)))
        .collect();
    Ok(Survey { pending, decisions })
}

/// Why there is no survey.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The package manager.
    #[error(transparent)]
    PackageManager(#[from] Fault),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Not everything could be seen.
    #[error("what is pending cannot be told: {}", .0.join("; "))]
    Incomplete(Vec<String>),
    /// The policy of a run that was cut short.
    #[error("policy {0:?} is no longer configured; configure it again, or wait for the next run")]
    Policy(String),
}

impl Survey {
    /// What is to be installed.
    #[must_use]
    pub fn wanted(&self) -> Vec<Wanted> {
        let install = self
            .decisions
            .iter()
            .filter(|decided| decided.decision == Decision::Install);
        install
            .map(|decided| Wanted {
                id: decided.id.clone(),
                version: decided.target.clone(),
            })
            .collect()
    }

    /// Turns a decision into `blocked`, for what turned out later.
    pub fn block(&mut self, id: &PackageId, reason: &str) {
        for decided in self
            .decisions
            .iter_mut()
            .filter(|decided| decided.id == *id)
        {
            decided.decision = Decision::Blocked;
            decided.reason = reason.to_owned();
        }
    }
}

fn clocks(
    ledger: &Ledger,
    pending: &Pending,
) -> Result<BTreeMap<PackageId, SeenVersions>, LedgerError> {
    let sights = ledger.sights(&pending.updates)?;
    let seen = |(version, security, at)| Seen {
        version,
        security,
        at,
    };
    Ok(sights
        .into_iter()
        .map(|(id, sights)| (id, SeenVersions(sights.into_iter().map(seen).collect())))
        .collect())
}
