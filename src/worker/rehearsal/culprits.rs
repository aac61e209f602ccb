//! Finding who makes a rehearsal fail when nobody says so: by rehearsing parts
//! of the plan, each as the package manager itself would make it.

use std::collections::BTreeSet;

use super::super::desk::Desk;
use super::super::phases::upgrade;
use super::super::tools::Tools;
use super::foretold;
use super::trial::{self, Setting};
use crate::model::{PackageId, PackageName, Plan, Rehearsal, Verdict};
use crate::package_manager::{PackageManager, Wanted};
use crate::rehearsal::{Found, Search};

/// Transactions, besides the one that failed: enough for one among 128.
const TRIALS: u32 = 8;

/// Among more packages nobody asks the solver about each of them.
const ASKED: usize = 64;

impl<P: PackageManager> Tools<'_, P> {
    /// Names the culprits in the report of a transaction that failed, as far as
    /// they can be found.
    pub(super) async fn name_culprits(
        &self,
        setting: &Setting,
        report: &mut Rehearsal,
        desk: &mut Desk<'_>,
    ) {
        let groups = self.groups(&report.plan).await;
        let mut search = Search::new(groups.len(), TRIALS);
        while let Some(row) = search.next() {
            let chosen = row.iter().filter_map(|at| groups.get(*at)).flatten();
            let wanted: Vec<Wanted> = chosen.cloned().collect();
            report.attempts += 1;
            desk.progress(0, "rehearsing a part, to find who makes it fail");
            search.learn(self.passes(setting, &wanted, desk).await);
        }
        let Found { culprits, proven } = search.found();
        let names = |at: &usize| groups.get(*at).into_iter().flatten();
        let names: BTreeSet<&PackageName> = culprits
            .iter()
            .flat_map(names)
            .map(|wanted| &wanted.id.name)
            .collect();
        report.culprits = names.into_iter().cloned().collect();
        let rest = groups.len() - culprits.len();
        if proven && rest > 0 {
            report.summary.push_str(
                "; found by rehearsing parts of it: the rest passes without what is named",
            );
        }
    }

    /// Whether a part passes; one that the package manager would not make alone does not.
    async fn passes(&self, setting: &Setting, wanted: &[Wanted], desk: &mut Desk<'_>) -> bool {
        let Ok(plan) = self.package_manager.plan(wanted).await else {
            return false;
        };
        match trial::perform(setting, &plan, None, desk).await {
            Ok(trial) => foretold::report(&plan, setting, &trial).verdict == Verdict::Passed,
            Err(_) => false,
        }
    }

    /// The upgrades of a plan in a row: what goes together in one group, and
    /// whoever needs others behind them, so that he is not blamed for them.
    async fn groups(&self, plan: &Plan) -> Vec<Vec<Wanted>> {
        let upgrades: Vec<Wanted> = plan.changes().iter().filter_map(upgrade).collect();
        if upgrades.len() > ASKED {
            return upgrades.into_iter().map(|wanted| vec![wanted]).collect();
        }
        let mut closed: Vec<(BTreeSet<PackageId>, Vec<Wanted>)> = Vec::new();
        for wanted in upgrades {
            let alone = self
                .package_manager
                .plan(std::slice::from_ref(&wanted))
                .await;
            let changes = alone
                .map(|plan| plan.changes().to_vec())
                .unwrap_or_default();
            let closure = changes.into_iter().map(|change| change.id).collect();
            match closed.iter_mut().find(|(other, _)| *other == closure) {
                Some((_, group)) if !closure.is_empty() => group.push(wanted),
                _ => closed.push((closure, vec![wanted])),
            }
        }
        closed.sort_by_key(|(closure, _)| closure.len());
        closed.into_iter().map(|(_, group)| group).collect()
    }
}
