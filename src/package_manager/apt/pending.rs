//! Asks what is installed and what could be updated. One simulation in the usual
//! case; the indexes are read beside it. More questions only where something stands in the way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{Block, PackageId, Pending, PendingUpdate};
use crate::os::clock;
use crate::os::command::{Command, Output};
use crate::package_manager::{Fault, Stock, Wanted};

use super::inventory::inventory;
use super::parse::complaint;
use super::parse::policy::{self, Policy};
use super::parse::simulation::{self, Simulation};
use super::parse::targets::{self, RepositoryKey, Target};
use super::updates::{Doubt, Findings, Found, verdict};
use super::view::View;
use super::{Apt, gaps, indexes, pins, questions, repositories};

/// Each costs a second or two; what is beyond them is named by the cause that
/// is likely for it.
const MOST_SIMULATIONS: usize = 16;

/// How much of an argument list one question may take, packages.
const QUESTION_SIZE: usize = 1000;

impl Apt {
    /// What is installed, what could be updated, and what stands in the way.
    pub(super) async fn take_stock(&self) -> Result<Stock, Fault> {
        let view = View::of(self.runner.as_ref()).await?.past_own_pins();
        self.stock_in(&view, clock::now()).await
    }

    pub(super) async fn stock_in(&self, view: &View, now: Timestamp) -> Result<Stock, Fault> {
        let targets = match self.targets(view).await {
            Ok(targets) => targets,
            Err(fault) => return blind(view, fault).await,
        };
        let untrusted = match self.untrusted(view, &targets).await {
            Ok(untrusted) => untrusted,
            Err(fault) => return blind(view, fault).await,
        };
        let question = questions::dist_upgrade(view);
        let (upgrade, read) = tokio::join!(
            self.success("apt-get", &question),
            indexes::read(self.runner.as_ref(), view, &targets, &untrusted)
        );
        let upgrade = match upgrade {
            Ok(upgrade) => upgrade,
            Err(fault) => return blind(view, fault).await,
        };
        let (read, solver) = (read?, parse_simulation(&upgrade)?);
        let mut gaps = gaps::in_configuration(view, &upgrade.stderr);
        gaps.extend(read.gaps);
        let findings = Findings {
            native: &view.native,
            status: &read.status,
            newer: &read.newer,
            solver: &solver,
        };
        let stale_after = self.settings.stale_after;
        let pending = Pending {
            // What apt itself would not install is missed by nobody.
            complete: gaps.is_empty(),
            gaps: gaps.into_iter().chain(left_out(&untrusted)).collect(),
            updates: self.updates(view, &findings).await?,
            repositories: repositories::judge(&read.repositories, now, stale_after),
        };
        Ok(Stock {
            pending,
            installed: inventory(&read.status, &read.provenance),
        })
    }

    async fn targets(&self, view: &View) -> Result<Vec<Target>, Fault> {
        let answer = self
            .success("apt-get", &questions::index_targets(view))
            .await?;
        targets::parse(&answer.text()).map_err(|line| line.from_source("apt-get indextargets"))
    }

    /// The repositories without a valid signature. One such must not make the
    /// download of everything fail. Asked only where there may be one.
    async fn untrusted(
        &self,
        view: &View,
        targets: &[Target],
    ) -> Result<BTreeSet<RepositoryKey>, Fault> {
        if !targets.iter().any(indexes::may_be_unsigned) {
            return Ok(BTreeSet::new());
        }
        let answer = self.success("apt-get", &questions::trust(view)).await?;
        targets::untrusted(&answer.text()).map_err(|line| line.from_source("apt-get indextargets"))
    }

    async fn updates(
        &self,
        view: &View,
        findings: &Findings<'_>,
    ) -> Result<Vec<PendingUpdate>, Fault> {
        let policies = self.policies(view, &findings.left()).await?;
        let harmless = if findings.solver.removed().next().is_some() {
            let answer = self.success("apt-get", &questions::upgrade(view)).await?;
            Some(findings.taken(&parse_simulation(&answer)?))
        } else {
            None
        };
        let found = findings.found(&policies, harmless.as_ref());
        let verdicts = self.verdicts(view, findings, &found).await?;
        let mut updates: Vec<PendingUpdate> = found
            .iter()
            .filter_map(|it| {
                let verdict = findings
                    .source(it)
                    .and_then(|it| verdicts.get(&it).cloned());
                findings.pending(it, verdict.flatten())
            })
            .collect();
        updates.sort_by(|one, other| one.id.cmp(&other.id));
        if view.pins {
            let beside = |update: &&PendingUpdate| update.offers.len() > 1;
            let several = updates.iter().filter(beside);
            let several: Vec<PackageId> = several.map(|update| update.id.clone()).collect();
            let policies = self.policies(view, &several).await?;
            for update in &mut updates {
                pins::respect(update, &policies, findings.native);
            }
        }
        Ok(updates)
    }

    async fn policies(&self, view: &View, of: &[PackageId]) -> Result<Vec<Policy>, Fault> {
        let mut policies = Vec::new();
        for ids in of.chunks(QUESTION_SIZE) {
            let answer = self
                .success("apt-cache", &questions::policy(view, ids))
                .await?;
            policies.extend(
                policy::parse(&answer.text())
                    .map_err(|line| line.from_source("apt-cache policy"))?,
            );
        }
        Ok(policies)
    }

    /// One simulation for each source with open doubts: what is built together
    /// is held up together, and must come together.
    async fn verdicts(
        &self,
        view: &View,
        findings: &Findings<'_>,
        found: &[Found],
    ) -> Result<BTreeMap<String, Option<Block>>, Fault> {
        let mut groups: BTreeMap<String, Vec<Wanted>> = BTreeMap::new();
        for it in found.iter().filter(|it| it.doubt == Some(Doubt::Open)) {
            let Some(source) = findings.source(it) else {
                continue;
            };
            groups.entry(source).or_default().push(Wanted {
                id: it.id.clone(),
                version: it.candidate.clone(),
            });
        }
        let groups: Vec<(String, Vec<Wanted>)> = groups.into_iter().collect();
        let (asked, beyond) = groups.split_at(groups.len().min(MOST_SIMULATIONS));
        let mut verdicts = BTreeMap::new();
        // Two at a time: apt has one thread, and small machines two processors.
        for pair in asked.chunks(2) {
            let (one, other) = tokio::join!(
                self.verdict_on(view, pair.first()),
                self.verdict_on(view, pair.get(1))
            );
            verdicts.extend(one?.into_iter().chain(other?));
        }
        verdicts.extend(beyond.iter().map(|(source, _)| {
            let likely = verdict(Some(findings.solver)).or(Some(Block::Dependency));
            (source.clone(), likely)
        }));
        Ok(verdicts)
    }

    async fn verdict_on(
        &self,
        view: &View,
        group: Option<&(String, Vec<Wanted>)>,
    ) -> Result<Option<(String, Option<Block>)>, Fault> {
        let Some((source, wanted)) = group else {
            return Ok(None);
        };
        let output = self.runner.ask(&questions::install(view, wanted)).await?;
        let simulation = (output.status == 0)
            .then(|| parse_simulation(&output))
            .transpose()?;
        Ok(Some((source.clone(), verdict(simulation.as_ref()))))
    }

    /// An answer that is one.
    pub(super) async fn success(
        &self,
        program: &'static str,
        question: &Command,
    ) -> Result<Output, Fault> {
        let output = self.runner.ask(question).await?;
        if output.status == 0 {
            return Ok(output);
        }
        Err(Fault::Failed {
            program,
            words: complaint::parse(&output.text(), &String::from_utf8_lossy(&output.stderr)).words,
            advice: "run `apt-get -s dist-upgrade` and mend what it complains of",
        })
    }
}

fn left_out(untrusted: &BTreeSet<RepositoryKey>) -> impl Iterator<Item = String> {
    untrusted.iter().map(|repository| {
        format!("{repository} has no valid signature; what it offers is left out")
    })
}

pub(super) fn parse_simulation(output: &Output) -> Result<Simulation, Fault> {
    simulation::parse(&output.text()).map_err(|line| line.from_source("apt-get -s"))
}

/// apt passes over configuration that it may not read, but fails altogether on
/// an index. Where that is the cause the look is incomplete, not failed.
async fn blind(view: &View, fault: Fault) -> Result<Stock, Fault> {
    let mut gaps = gaps::in_configuration(view, &[]);
    gaps.extend(gaps::in_lists(view));
    if gaps.is_empty() || !matches!(fault, Fault::Failed { .. }) {
        return Err(fault);
    }
    gaps.insert(fault.to_string());
    let pending = Pending {
        complete: false,
        gaps: gaps.into_iter().collect(),
        updates: Vec::new(),
        repositories: Vec::new(),
    };
    let status = indexes::read_status(&view.status).await?;
    Ok(Stock {
        pending,
        installed: inventory(&status, &BTreeMap::new()),
    })
}
