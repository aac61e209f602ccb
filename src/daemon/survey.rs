//! One look at what is pending, with policy's word on each.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Decided, Decision, PackageId, PackageName, Pending};
use crate::package_manager::{Fault, PackageManager, Wanted};
use crate::policy::{Asked, Judge, Seen, SeenVersions, Settings};
use crate::state::{Ledger, LedgerError};

/// What is pending and what becomes of it, in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// As the package manager sees it.
    pub pending: Pending,
    /// One decision for each pending update.
    pub decisions: Vec<Decided>,
}

/// Which policy, for whom, when.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The policy's name.
    pub name: &'a str,
    /// The policy.
    pub policy: &'a Settings,
    /// What somebody asked for by name.
    pub asked: &'a Asked,
    /// What is set aside in this run.
    pub set_aside: &'a [(PackageName, String)],
    /// Now.
    pub now: Timestamp,
}

/// Lists and decides. With a ledger, clocks are started and kept; without one
/// (an ordinary user), everything counts as first seen now.
pub async fn survey<P: PackageManager>(
    package_manager: &P,
    ledger: Option<&mut Ledger>,
    question: Question<'_>,
) -> Result<Survey, SurveyError> {
    let pending = package_manager.pending().await?;
    let clocks = match ledger {
        Some(ledger) => {
            ledger.see(&pending.updates, question.now)?;
            clocks(ledger, &pending)?
        }
        None => BTreeMap::new(),
    };
    let Question {
        name,
        policy,
        asked,
        set_aside,
        now,
    } = question;
    let judge = Judge {
        name,
        policy,
        asked,
        set_aside,
        now,
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
