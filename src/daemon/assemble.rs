//! From single decisions to one transaction. The solver may find that they do
//! not go together, or would drag along what policy forbids: then the largest
//! part that works is planned, and the rest is left out with a reason.

use crate::model::{Change, Decided, Decision, PackageId, PackageName, Plan};
use crate::package_manager::{Fault, PackageManager, Wanted};
use crate::policy::Judge;

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
    pub judge: Judge<'a>,
}

/// Tries everything at once; where that fails, halves, so that one obstacle
/// among N costs about log N simulations.
pub(super) async fn assemble<P: PackageManager>(
    package_manager: &P,
    limits: &Limits<'_>,
    wanted: &[Wanted],
) -> Result<Assembled, Fault> {
    let mut assembled = Assembled::default();
    let mut accepted: Vec<Wanted> = Vec::new();
    let mut chunks = vec![wanted.to_vec()];
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
            Err(_) if simulations >= SIMULATIONS => {
                let reason = "not tried: too many others stood in each other's way";
                let rest = chunk.into_iter().chain(chunks.drain(..).flatten());
                assembled
                    .left_out
                    .extend(rest.map(|wanted| (wanted.id, reason.to_owned())));
            }
            Err(reason) if chunk.len() == 1 => {
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
    /// What a rule forbids must not come in as a dependency either.
    fn judge(&self, plan: &Plan) -> Result<(), String> {
        let gone = plan.changes().iter().filter(|change| change.is_removal());
        let removed: Vec<PackageName> = gone.map(|change| change.id.name.clone()).collect();
        if !self.judge.may_remove(&removed) {
            let names: Vec<&str> = removed.iter().map(PackageName::as_str).collect();
            return Err(format!(
                "it would remove {}, which `removals` does not allow",
                names.join(", ")
            ));
        }
        plan.changes()
            .iter()
            .try_for_each(|change| self.allowed(change))
    }

    fn allowed(&self, change: &Change) -> Result<(), String> {
        if change.is_removal() {
            return Ok(());
        }
        if change.from.is_some() && change.to <= change.from {
            return Err(format!("it needs {change}, a downgrade"));
        }
        // By name: a package may move to or from architecture all.
        let mut decided = self
            .survey
            .decisions
            .iter()
            .filter(|it| it.id.name == change.id.name);
        let forbidden = |it: &&Decided| {
            matches!(
                it.decision,
                Decision::Held | Decision::Rejected | Decision::ReportOnly
            )
        };
        if let Some(decided) = decided.find(forbidden) {
            return Err(format!("it needs {change}, which is {}", decided.decision));
        }
        match self.judge.forbids(&change.id.name) {
            Some(reason) => Err(format!("it needs {change}, and {reason}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{Decided, Pending};
    use crate::package_manager::fake::{Fake, id, name, upgrade, version};
    use crate::policy::{Asked, Pattern, Settings};

    /// As if policy had said install to all but the held.
    fn decided(names: &[&str], held: &[&str]) -> Survey {
        let decide = |name: &&str| Decided {
            id: id(name),
            decision: if held.contains(name) {
                Decision::Held
            } else {
                Decision::Install
            },
            target: version("2"),
            reason: "a rule".to_owned(),
            rule: None,
            due: None,
        };
        Survey {
            pending: Pending {
                complete: true,
                gaps: vec![],
                updates: vec![],
                repositories: vec![],
            },
            decisions: names.iter().map(decide).collect(),
            vulnerabilities: None,
        }
    }

    async fn assembled(machine: &Fake, survey: &Survey) -> Assembled {
        let policy = Settings {
            removals: vec![Pattern::parse("old").expect("valid")],
            ..Settings::default()
        };
        let asked = Asked::default();
        let judge = Judge {
            name: "default",
            policy: &policy,
            asked: &asked,
            set_aside: &[],
            kept_away: &[],
            now: Timestamp::UNIX_EPOCH,
        };
        let limits = Limits { survey, judge };
        let install = |it: &&Decided| it.decision == Decision::Install;
        let wanted = |it: &Decided| Wanted {
            id: it.id.clone(),
            version: it.target.clone(),
        };
        let decisions = survey.decisions.iter();
        let wanted: Vec<Wanted> = decisions.filter(install).map(wanted).collect();
        assemble(machine, &limits, &wanted)
            .await
            .expect("assembled")
    }

    fn planned(assembled: &Assembled) -> Vec<String> {
        let changes = assembled.plan.changes().iter();
        changes.map(|change| change.id.name.to_string()).collect()
    }

    #[tokio::test]
    async fn what_goes_together_costs_one_simulation() {
        let names = ["aa", "bb", "cc"];
        let machine = Fake::with_updates(&names);
        let assembled = assembled(&machine, &decided(&names, &[])).await;
        assert_eq!(planned(&assembled), names);
        assert_eq!(assembled.left_out, []);
        assert_eq!(machine.world().simulations, 1);
    }

    #[tokio::test]
    async fn nothing_wanted_is_never_simulated() {
        let machine = Fake::with_updates(&["aa"]);
        let assembled = assembled(&machine, &decided(&["aa"], &["aa"])).await;
        assert_eq!(planned(&assembled), Vec::<String>::new());
        assert_eq!(machine.world().simulations, 0);
    }

    #[tokio::test]
    async fn one_obstacle_among_many_is_left_out_alone() {
        let names: Vec<String> = (0..64).map(|n| format!("p{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let machine = Fake::with_updates(&names);
        machine.world().unsolvable.insert(name("p37"));
        let assembled = assembled(&machine, &decided(&names, &[])).await;
        assert_eq!(assembled.plan.changes().len(), 63);
        assert_eq!(
            assembled.left_out,
            [(id("p37"), "p37 has unmet dependencies".to_owned())]
        );
        let simulations = machine.world().simulations;
        assert!(simulations <= 13, "{simulations}");
    }

    #[tokio::test]
    async fn simulations_are_bounded_however_much_does_not_go() {
        let names: Vec<String> = (0..500).map(|n| format!("p{n:03}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let machine = Fake::with_updates(&names);
        machine.world().unsolvable = names.iter().map(|text| name(text)).collect();
        let assembled = assembled(&machine, &decided(&names, &[])).await;
        assert_eq!(planned(&assembled), Vec::<String>::new());
        assert_eq!(assembled.left_out.len(), 500);
        let simulations = machine.world().simulations;
        assert!(simulations <= SIMULATIONS + 10, "{simulations}");
    }

    #[tokio::test]
    async fn a_held_package_does_not_come_in_as_a_dependency() {
        let names = ["aa", "bb", "held"];
        let machine = Fake::with_updates(&names);
        machine.world().brings = vec![(name("bb"), name("held"))];
        let assembled = assembled(&machine, &decided(&names, &["held"])).await;
        assert_eq!(planned(&assembled), ["aa"]);
        let reason = "it needs held:amd64 1 -> 2, which is held";
        assert_eq!(assembled.left_out, [(id("bb"), reason.to_owned())]);
    }

    #[tokio::test]
    async fn a_new_package_comes_along() {
        let machine = Fake::with_updates(&["aa"]);
        machine.world().offers.insert(id("new"), version("1"));
        machine.world().brings = vec![(name("aa"), name("new"))];
        let assembled = assembled(&machine, &decided(&["aa"], &[])).await;
        assert_eq!(planned(&assembled), ["aa", "new"]);
    }

    #[tokio::test]
    async fn only_an_allowed_removal_is_planned() {
        let names = ["aa", "bb", "cc"];
        let machine = Fake::with_updates(&names);
        for text in ["old", "dear"] {
            machine.world().installed.insert(id(text), version("1"));
        }
        machine.world().removes = vec![(name("aa"), name("dear")), (name("bb"), name("old"))];
        let assembled = assembled(&machine, &decided(&names, &[])).await;
        assert_eq!(planned(&assembled), ["bb", "cc", "old"]);
        assert!(assembled.plan.changes().contains(&upgrade("cc")));
        let reason = "it would remove dear, which `removals` does not allow";
        assert_eq!(assembled.left_out, [(id("aa"), reason.to_owned())]);
    }
}
