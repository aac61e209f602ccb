//! Simulates the transaction that brings packages to exact versions.

use std::path::PathBuf;

use crate::model::{Change, PackageId, Plan};
use crate::os::command::Command;
use crate::package_manager::{Fault, Wanted};

use super::parse::complaint;
use super::parse::dpkg_status::DpkgStatus;
use super::parse::simulation::{Simulation, Step};
use super::pending::parse_simulation;
use super::view::View;
use super::{Apt, indexes, questions};

impl Apt {
    /// The whole transaction, with what must come along, and with removals if it
    /// cannot be had without. As in an upgrade, new Recommends come along where
    /// the machine is configured so; nothing is ever downgraded.
    pub(super) async fn simulate(&self, wanted: &[Wanted]) -> Result<Plan, Fault> {
        if wanted.is_empty() {
            return Ok(Plan::default());
        }
        let view = View::of(self.runner.as_ref()).await?;
        self.plan_in(&view, wanted).await
    }

    pub(super) async fn plan_in(&self, view: &View, wanted: &[Wanted]) -> Result<Plan, Fault> {
        let question = questions::install(view, wanted);
        let (changes, status) = self.simulated(view, &question).await?;
        missed(wanted, &changes, &status).map_or(Ok(Plan::new(changes)), Err)
    }

    /// The same for package files that are at hand.
    pub(super) async fn simulate_way_back(
        &self,
        files: &[PathBuf],
        removed: &[PackageId],
    ) -> Result<Plan, Fault> {
        let view = View::of(self.runner.as_ref()).await?;
        let question = questions::way_back(&view, files, removed);
        let (changes, _) = self.simulated(&view, &question).await?;
        Ok(Plan::new(changes))
    }

    /// Asks, and reads the answer by what dpkg lists.
    async fn simulated(
        &self,
        view: &View,
        question: &Command,
    ) -> Result<(Vec<Change>, DpkgStatus), Fault> {
        let (output, status) = tokio::join!(
            self.runner.ask(question),
            indexes::read_status(&view.status)
        );
        let (output, status) = (output?, status?);
        if output.status != 0 {
            let said = complaint::parse(&output.text(), &String::from_utf8_lossy(&output.stderr));
            return Err(if said.unsolvable {
                Fault::Unsolvable {
                    words: said.words,
                    packages: said.packages,
                }
            } else {
                Fault::Failed {
                    program: "apt-get",
                    words: said.words,
                    advice: "run `apt-get check` and mend what it complains of",
                }
            });
        }
        let changes = changes(&parse_simulation(&output)?, &status, view)?;
        Ok((changes, status))
    }
}

/// The simulation's lines with names as dpkg lists them.
fn changes(
    simulation: &Simulation,
    status: &DpkgStatus,
    view: &View,
) -> Result<Vec<Change>, Fault> {
    let change = |step: &Step| match step {
        Step::Install {
            named,
            from,
            to,
            architecture,
        } => Ok(Change {
            id: PackageId {
                name: named.name.clone(),
                architecture: architecture.clone(),
            },
            from: from.clone(),
            to: Some(to.clone()),
        }),
        Step::Remove { named, from } => {
            let Some((id, _)) = status.find(named, &view.native) else {
                return Err(Fault::Garbage {
                    source_of: "apt-get -s".to_owned(),
                    line: format!("Remv {}, which dpkg does not list", named.name),
                });
            };
            Ok(Change {
                id: id.clone(),
                from: from.clone(),
                to: None,
            })
        }
    };
    simulation.steps.iter().map(change).collect()
}

/// apt takes a last `+` or `-` of an argument for an order of its own. Whatever
/// it made of the arguments: what was asked for must be in the plan.
fn missed(wanted: &[Wanted], changes: &[Change], status: &DpkgStatus) -> Option<Fault> {
    let is_met = |wanted: &&Wanted| {
        let planned = changes.iter().find(|change| {
            change.id == wanted.id
                // A package may change to or from `all` on the way.
                || (change.id.name == wanted.id.name
                    && change.to.as_ref() == Some(&wanted.version))
        });
        match planned {
            Some(change) => change.to.as_ref() == Some(&wanted.version),
            None => status
                .get(&wanted.id)
                .is_some_and(|installed| installed.version == wanted.version),
        }
    };
    let wanted = wanted.iter().find(|wanted| !is_met(wanted))?;
    Some(Fault::Unsolvable {
        words: format!("apt does not bring {} to {}", wanted.id, wanted.version),
        packages: vec![wanted.id.name.clone()],
    })
}
