//! One look at what is pending, with policy's word on each.

use std::collections::BTreeMap;

use super::vulnerabilities::{Lookup, Since, Vulnerabilities};
use crate::model::{Block, Change, Decided, Decision, ExitCode, PackageId, Pending, Plan};
use crate::package_manager::{Fault, PackageManager, Stock, Wanted};
use crate::policy::{Judge, Seen, SeenVersions};
use crate::state::{Ledger, LedgerError};
use crate::worker::PutBack;

/// What is pending and what becomes of it, in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// As the package manager sees it.
    pub pending: Pending,
    /// One decision for each pending update.
    pub decisions: Vec<Decided>,
    /// What is open here; absent in an image, of which nothing runs.
    pub vulnerabilities: Option<Vulnerabilities>,
}

/// Lists and decides. With a ledger, clocks are started and kept; without one
/// (an ordinary user), everything counts as first seen now.
pub async fn survey<P: PackageManager>(
    package_manager: &P,
    ledger: Option<&mut Ledger>,
    judge: Judge<'_>,
    lookup: Option<&Lookup>,
) -> Result<Survey, SurveyError> {
    let Stock {
        mut pending,
        installed,
    } = package_manager.stock().await?;
    let knowledge = lookup.map(|lookup| lookup.gather(installed, judge.now));
    if let Some(knowledge) = &knowledge {
        knowledge.tell_remedies(&mut pending.updates);
    }
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
    let mut survey = Survey {
        pending,
        decisions,
        vulnerabilities: None,
    };
    if let (Some(knowledge), Some(lookup)) = (knowledge, lookup) {
        let owners = package_manager.owners(&lookup.replaced_files()).await?;
        let found = knowledge.vulnerabilities(&Since {
            updates: &survey.pending.updates,
            decisions: &survey.decisions,
            clocks: &clocks,
            live: lookup.live.as_ref(),
            owners: &owners,
        });
        survey.vulnerabilities = Some(found);
    }
    Ok(survey)
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

impl SurveyError {
    /// What the program exits with because of it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::PackageManager(fault) => fault.exit_code(),
            Self::Ledger(fault) => fault.exit_code(),
            Self::Incomplete(_) | Self::Policy(_) => ExitCode::NeedsHuman,
        }
    }
}

impl Survey {
    /// What is to be installed: by tier, then security fixes before the rest.
    #[must_use]
    pub fn most_urgent_first(&self) -> Vec<Wanted> {
        let both = self.pending.updates.iter().zip(&self.decisions);
        let install = both.filter(|(_, decided)| decided.decision == Decision::Install);
        let mut wanted: Vec<_> = install.collect();
        wanted.sort_by_key(|(update, decided)| {
            let tier = update.remedy(&decided.target).and_then(|it| it.tier);
            (tier.is_none(), tier, update.security() != Some(true))
        });
        let wanted = wanted.into_iter().map(|(_, decided)| Wanted {
            id: decided.id.clone(),
            version: decided.target.clone(),
        });
        wanted.collect()
    }

    /// What policy wants and the package manager cannot have; somebody's own hold
    /// or pin, and phasing, are no trouble.
    #[must_use]
    pub fn stuck(&self) -> Vec<String> {
        let trouble = |block: &Block| matches!(block, Block::Dependency | Block::Removal { .. });
        let both = self.pending.updates.iter().zip(&self.decisions);
        both.filter(|(update, decided)| {
            decided.decision == Decision::Blocked && update.blocked.as_ref().is_some_and(trouble)
        })
        .map(|(update, decided)| format!("{} was left out: {}", update.id, decided.reason))
        .collect()
    }

    /// What is in the plan is installed, whatever was decided about it alone.
    pub fn include(&mut self, plan: &Plan) {
        for decided in self
            .decisions
            .iter_mut()
            .filter(|it| it.decision != Decision::Install)
        {
            let comes = |change: &&Change| change.id == decided.id && change.to.is_some();
            if let Some(target) = plan
                .changes()
                .iter()
                .find(comes)
                .and_then(|it| it.to.clone())
            {
                decided.reason = format!(
                    "comes along because something needs it ({})",
                    decided.decision
                );
                decided.decision = Decision::Install;
                decided.target = target;
            }
        }
    }

    /// Takes out what a run has installed since the look.
    pub fn settle(&mut self, installed: &[Change]) {
        let pending = std::mem::take(&mut self.pending.updates);
        let decisions = std::mem::take(&mut self.decisions);
        let left = pending
            .into_iter()
            .zip(decisions)
            .filter(|(update, _)| !installed.iter().any(|it| it.id == update.id));
        (self.pending.updates, self.decisions) = left.unzip();
    }

    /// A version of ours that did not become ready is not tried again; the next
    /// one is. Returns a sentence when it would have been.
    pub fn withhold(&mut self, back: &PutBack) -> Option<String> {
        let ours = |decided: &&Decided| {
            decided.id.name.as_str() == env!("CARGO_PKG_NAME")
                && decided.decision == Decision::Install
                && decided.target == back.to
        };
        let id = self.decisions.iter().find(ours)?.id.clone();
        let PutBack { from, to, run, .. } = back;
        let reason =
            format!("patchd {to} did not become ready in run {run}, and {from} was put back");
        self.block(&id, &reason);
        Some(format!("{id} was left out: {reason}"))
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
