//! From single decisions to one transaction. The solver may find that they do
//! not go together, or would drag along what policy forbids: then the largest
//! part that works is planned, and the rest is left out with a reason.

use std::collections::BTreeSet;

use crate::model::{Decision, PackageId, PackageName, Plan};
use crate::package_manager::{Fault, PackageManager, Wanted};

use super::survey::Survey;

/// How many simulations one plan may cost.
const SIMULATIONS: usize = 100;

/// A plan, and what is not in it.
#[derive(Debug, Default)]
pub(super) struct Assembled {
    pub plan: Plan,
    pub left_out: Vec<(PackageId, String)>,
}

/// What a plan must not do.
pub(super) struct Limits<'a> {
    pub survey: &'a Survey,
    pub may_remove: &'a dyn Fn(&[PackageName]) -> bool,
}

/// Tries everything at once; where that fails, halves, so that one obstacle
/// among N costs about log N simulations.
pub(super) async fn assemble<P: PackageManager>(
    package_manager: &P,
    limits: &Limits<'_>,
) -> Result<Assembled, Fault> {
    let mut assembled = Assembled::default();
    let mut accepted: Vec<Wanted> = Vec::new();
    let mut chunks = vec![limits.survey.wanted()];
    let mut simulations = 0;
    while let Some(chunk) = chunks.pop() {
        if chunk.is_empty() {
            continue;
        }
        let together: Vec<Wanted> = accepted.iter().chain(&chunk).cloned().collect();
        simulations += 1;
        let verdict = match package_manager.plan(&together).await {
            Ok(plan) => limits.judge(&plan).map(|()| plan),
            Err(Fault::Unsolvable { words, .. }) => Err(words),
            Err(fault) => return Err(fault),
        };
        match verdict {
            Ok(plan) => {
                assembled.plan = plan;
                accepted = together;
            }
            Err(reason) if chunk.len() == 1 || simulations >= SIMULATIONS => {
                assembled
                    .left_out
                    .extend(chunk.into_iter().map(|wanted| (wanted.id, reason.clone())));
            }
            Err(_) => {
                let (first, second) = chunk.split_at(chunk.len() / 2);
                chunks.extend([second.to_vec(), first.to_vec()]);
            }
        }
    }
    Ok(assembled)
}

impl Limits<'_> {
    /// What a rule holds or rejects must not come in as a dependency either.
    fn judge(&self, plan: &Plan) -> Result<(), String> {
        let removed: Vec<PackageName> = plan
            .changes()
            .iter()
            .filter(|change| change.is_removal())
            .map(|change| change.id.name.clone())
            .collect();
        if !(self.may_remove)(&removed) {
            let names: Vec<&str> = removed.iter().map(PackageName::as_str).collect();
            return Err(format!(
                "it would remove {}, which `removals` does not allow",
                names.join(", ")
            ));
        }
        let forbidden: BTreeSet<&PackageId> = self
            .survey
            .decisions
            .iter()
            .filter(|decided| matches!(decided.decision, Decision::Held | Decision::Rejected))
            .map(|decided| &decided.id)
            .collect();
        match plan
            .changes()
            .iter()
            .find(|change| forbidden.contains(&change.id))
        {
            Some(change) => Err(format!("it needs {change}, which a rule forbids")),
            None => Ok(()),
        }
    }
}
