//! What could be updated and what stands in the way: the solver's own view and
//! what the indexes offer, put together. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Architecture, Block, PackageId, PackageName, PendingUpdate, Version};

use super::offers::{Newer, Seen};
use super::parse::dpkg_status::DpkgStatus;
use super::parse::policy::Policy;
use super::parse::simulation::{Named, Simulation, Step};
use super::reboot;

/// Everything that was found out about installed packages with newer versions.
#[derive(Debug)]
pub struct Findings<'a> {
    /// The machine's architecture.
    pub native: &'a Architecture,
    /// What is installed.
    pub status: &'a DpkgStatus,
    /// What is newer.
    pub newer: &'a Newer,
    /// What `dist-upgrade` would do.
    pub solver: &'a Simulation,
}

/// What is known of an update that the solver does not take just so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// The answer is clear.
    Blocked(Block),
    /// Only a simulation of its own can tell.
    Open,
}

/// An update on its way to a [`PendingUpdate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which package.
    pub id: PackageId,
    /// What apt would come to.
    pub candidate: Version,
    /// What stands in the way; `None` when the solver takes it.
    pub doubt: Option<Doubt>,
}

impl Findings<'_> {
    /// What the solver takes, as versions by installed package.
    #[must_use]
    pub fn taken(&self, simulation: &Simulation) -> BTreeMap<PackageId, Version> {
        let steps = simulation.steps.iter().filter_map(|step| match step {
            Step::Install { named, to, .. } => Some((named, to)),
            Step::Remove { .. } => None,
        });
        steps
            .filter_map(|(named, to)| {
                let (id, installed) = self.status.find(named, self.native)?;
                (installed.sound && *to > installed.version).then(|| (id.clone(), to.clone()))
            })
            .collect()
    }

    /// Packages whose candidate only `apt-cache policy` can tell: something
    /// newer is on offer, and the solver leaves it. What nobody but a
    /// repository with `NotAutomatic` offers counts only if apt speaks of it.
    #[must_use]
    pub fn left(&self) -> Vec<PackageId> {
        let taken = self.taken(self.solver);
        self.newer
            .iter()
            .filter(|(id, _)| !taken.contains_key(id))
            .filter(|(id, versions)| {
                versions.values().any(|seen| seen.automatic)
                    || self.names(&self.solver.kept_back, id)
                    || self.names(&self.solver.deferred, id)
            })
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Every update with what is known without further simulations. `harmless`
    /// is what an upgrade without removals takes, where it was asked.
    #[must_use]
    pub fn found(
        &self,
        policies: &[Policy],
        harmless: Option<&BTreeMap<PackageId, Version>>,
    ) -> Vec<Found> {
        let taken = self.taken(self.solver);
        let left = self.left();
        let of_taken = taken.into_iter().filter_map(|(id, candidate)| {
            let trusted = self.is_trusted(&id, &candidate);
            let candidate = if trusted {
                candidate
            } else {
                self.newest(&id)?
            };
            let held = self.status.get(&id).is_some_and(|it| it.held);
            let suspect = harmless.is_some_and(|harmless| !harmless.contains_key(&id));
            let doubt = match () {
                // Whatever made apt pass over it: a hold is the operator's word.
                () if held => Some(Doubt::Blocked(Block::Hold)),
                () if suspect || !trusted => Some(Doubt::Open),
                () => None,
            };
            Some(Found {
                id,
                candidate,
                doubt,
            })
        });
        let of_left = left
            .into_iter()
            .filter_map(|id| self.left_behind(id, policies));
        of_taken.chain(of_left).collect()
    }

    fn left_behind(&self, id: PackageId, policies: &[Policy]) -> Option<Found> {
        let installed = self.status.get(&id)?;
        let versions = self.newer.get(&id)?;
        let newest = self.newest(&id);
        let chosen = policies
            .iter()
            .find(|policy| policy.named.is(&id.name, &id.architecture, self.native))
            .and_then(|policy| policy.candidate.clone())
            .filter(|candidate| *candidate > installed.version);
        let chosen = match chosen {
            Some(candidate) if !self.is_trusted(&id, &candidate) => Some(newest.clone()?),
            chosen => chosen,
        };
        let block = match &chosen {
            _ if installed.held => Doubt::Blocked(Block::Hold),
            None => Doubt::Blocked(Block::Pin),
            Some(candidate) if self.is_phased(&id, versions.get(candidate)) => {
                Doubt::Blocked(Block::Phasing)
            }
            Some(_) => Doubt::Open,
        };
        Some(Found {
            id,
            candidate: chosen.or(newest)?,
            doubt: Some(block),
        })
    }

    /// The newest version that apt would take by itself.
    fn newest(&self, id: &PackageId) -> Option<Version> {
        let mut versions = self.newer.get(id)?.iter().rev();
        let (version, _) = versions.find(|(_, seen)| seen.automatic)?;
        Some(version.clone())
    }

    /// Only what we saw in an index can be known to come from nobody trusted.
    fn is_trusted(&self, id: &PackageId, version: &Version) -> bool {
        let versions = self.newer.get(id);
        let seen = versions.and_then(|versions| versions.get(version));
        seen.is_none_or(|seen| seen.trusted)
    }

    fn is_phased(&self, id: &PackageId, candidate: Option<&Seen>) -> bool {
        // apt before 2.6.1 or so does not tell deferred from kept back.
        self.names(&self.solver.deferred, id)
            || (self.names(&self.solver.kept_back, id)
                && candidate.is_some_and(|seen| seen.phased.is_some()))
    }

    fn names(&self, list: &[Named], id: &PackageId) -> bool {
        list.iter()
            .any(|named| named.is(&id.name, &id.architecture, self.native))
    }

    /// The source package that the candidate is built from.
    #[must_use]
    pub fn source(&self, found: &Found) -> Option<String> {
        let seen = self
            .newer
            .get(&found.id)
            .and_then(|versions| versions.get(&found.candidate));
        let source = match seen {
            Some(seen) => &seen.offer.built_from.as_ref()?.name,
            None => &self.status.get(&found.id)?.source.name,
        };
        Some(source.as_str().to_owned())
    }

    /// The finished entry. `verdict` is what the simulations said where there
    /// was a doubt.
    #[must_use]
    pub fn pending(&self, found: &Found, verdict: Option<Block>) -> Option<PendingUpdate> {
        let installed = self.status.get(&found.id)?;
        let none = BTreeMap::new();
        let versions = self.newer.get(&found.id).unwrap_or(&none);
        let candidate = versions.get(&found.candidate);
        let unasked = candidate.is_none_or(|seen| seen.automatic);
        let offers = versions
            .range(..=&found.candidate)
            .rev()
            // What nobody asked for is no step on the way to what apt takes.
            .filter(|(_, seen)| seen.trusted && (seen.automatic || !unasked))
            .map(|(_, seen)| seen.offer.clone());
        let mut offers: Vec<_> = offers.collect();
        if candidate.is_none() {
            offers.insert(0, Seen::unknown(&found.candidate));
        }
        let built_from = candidate.and_then(|seen| seen.offer.built_from.as_ref());
        let source = &built_from.unwrap_or(&installed.source).name;
        Some(PendingUpdate {
            source: source.clone(),
            installed: installed.version.clone(),
            candidate: found.candidate.clone(),
            offers,
            blocked: match &found.doubt {
                Some(Doubt::Blocked(block)) => Some(block.clone()),
                Some(Doubt::Open) => verdict,
                None => None,
            },
            kernel: reboot::is_kernel(&found.id.name, source),
            needs_reboot: reboot::needs_reboot(&found.id.name, source),
            id: found.id.clone(),
        })
    }
}

/// What a simulation of its own says about an open doubt; `None` when the
/// update can be had after all.
#[must_use]
pub fn verdict(simulation: Option<&Simulation>) -> Option<Block> {
    let Some(simulation) = simulation else {
        return Some(Block::Dependency);
    };
    let packages: BTreeSet<PackageName> = simulation
        .removed()
        .map(|named| named.name.clone())
        .collect();
    (!packages.is_empty()).then(|| Block::Removal {
        packages: packages.into_iter().collect(),
    })
}
