//! A package manager for tests: a small world that is asked and changed as the
//! contract says, and that notes what was done to it.

use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::contract::{
    Activity, Applied, Fitness, Held, PackageManager, Script, Stock, Wanted, Watch,
};
use super::fault::Fault;
use crate::model::{
    Change, InstalledPackage, KeptAway, Offer, Origin, PackageId, PackageName, Pending,
    PendingUpdate, Plan, Provenance, Repository, RepositoryState, SourceVersion, Version,
};
use crate::os::process::Process;
use crate::os::signals::Noted;

/// A handle; all clones share one world.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(Rc<RefCell<World>>);

/// Everything there is.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub installed: BTreeMap<PackageId, Version>,
    /// All of them are security fixes.
    pub offers: BTreeMap<PackageId, Version>,
    /// An update of the first brings the second along.
    pub brings: Vec<(PackageName, PackageName)>,
    /// An update of the first removes the second.
    pub removes: Vec<(PackageName, PackageName)>,
    /// Cannot be installed, alone or with others.
    pub unsolvable: BTreeSet<PackageName>,
    /// Fails in its own script when it is installed.
    pub failing: BTreeSet<PackageName>,
    /// What `audit` says until `repair` was called.
    pub broken: Vec<String>,
    /// Who holds the lock.
    pub holder: Option<String>,
    /// What stands against any plan.
    pub unfit: Vec<String>,
    /// How long `stock` takes.
    pub slowness: Duration,
    /// What `stock` could not see.
    pub gaps: Vec<String>,
    /// The privileged call that never gets to work.
    pub hangs_before: Option<&'static str>,
    /// `apply` never ends after so many changes.
    pub hangs_after: Option<usize>,
    /// How often `plan` was called.
    pub simulations: usize,
    /// The plans that were carried out, wholly or in part.
    pub applied: Vec<Plan>,
    /// The package files that can still be had are those of versions that are replaced.
    pub archives: bool,
    /// A shutdown begins while `apply` runs.
    pub stops: Option<Noted>,
    /// What nobody is to install.
    pub kept_away: BTreeSet<KeptAway>,
    /// The privileged calls, in order.
    pub calls: Vec<&'static str>,
}

pub(crate) fn name(name: &str) -> PackageName {
    PackageName::try_from(name.to_owned()).expect("a valid name")
}

pub(crate) fn id(name: &str) -> PackageId {
    PackageId::parse(name, "amd64").expect("a valid id")
}

pub(crate) fn version(text: &str) -> Version {
    Version::try_from(text.to_owned()).expect("a valid version")
}

/// Every package is its own source.
fn own_source(id: &PackageId, version: &Version) -> SourceVersion {
    SourceVersion {
        name: id.name.clone(),
        version: version.clone(),
    }
}

fn package((id, version): (&PackageId, &Version)) -> InstalledPackage {
    InstalledPackage {
        id: id.clone(),
        version: version.clone(),
        source: own_source(id, version),
        built_using: Vec::new(),
        provenance: Provenance::Distribution,
        kernel: None,
    }
}

/// `name` from version 1 to version 2.
pub(crate) fn upgrade(name: &str) -> Change {
    Change {
        id: id(name),
        from: Some(version("1")),
        to: Some(version("2")),
    }
}

impl Fake {
    /// These packages are installed in version 1 and on offer in version 2.
    pub fn with_updates(names: &[&str]) -> Self {
        let fake = Self::default();
        for name in names {
            fake.world().installed.insert(id(name), version("1"));
            fake.world().offers.insert(id(name), version("2"));
        }
        fake
    }

    pub fn world(&self) -> RefMut<'_, World> {
        self.0.borrow_mut()
    }

    /// Carries out the first `count` changes, as a transaction does that is cut short.
    pub fn apply_part(&self, plan: &Plan, count: usize) -> Vec<Change> {
        let mut world = self.world();
        world.applied.push(plan.clone());
        let part: Vec<Change> = plan.changes().iter().take(count).cloned().collect();
        for change in &part {
            assert_eq!(
                world.installed.get(&change.id),
                change.from.as_ref(),
                "{change} was applied to another state"
            );
            match &change.to {
                Some(to) => world.installed.insert(change.id.clone(), to.clone()),
                None => world.installed.remove(&change.id),
            };
        }
        part
    }

    /// A privileged call, which yields once so that it can be cut short before it began.
    async fn call(&self, name: &'static str) {
        tokio::task::yield_now().await;
        if self.world().hangs_before == Some(name) {
            std::future::pending::<()>().await;
        }
        self.world().calls.push(name);
    }
}

impl World {
    fn change(&self, id: &PackageId) -> Change {
        Change {
            id: id.clone(),
            from: self.installed.get(id).cloned(),
            to: self.offers.get(id).cloned(),
        }
    }

    fn update(&self, id: &PackageId, candidate: &Version) -> Option<PendingUpdate> {
        let installed = self.installed.get(id)?;
        let origin = Origin {
            name: "Debian".to_owned(),
            label: "Debian-Security".to_owned(),
            codename: "bookworm-security".to_owned(),
        };
        (installed < candidate).then(|| PendingUpdate {
            id: id.clone(),
            source: id.name.clone(),
            installed: installed.clone(),
            candidate: candidate.clone(),
            offers: vec![Offer {
                version: candidate.clone(),
                built_from: Some(own_source(id, candidate)),
                origins: vec![origin],
                remedy: None,
                download_bytes: None,
                installed_bytes: None,
            }],
            blocked: None,
            kernel: false,
            needs_reboot: false,
        })
    }
}

impl PackageManager for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn stock(&self) -> Result<Stock, Fault> {
        tokio::task::yield_now().await;
        let slowness = self.world().slowness;
        if !slowness.is_zero() {
            tokio::time::sleep(slowness).await;
        }
        let world = self.world();
        let updates = world.offers.iter();
        let pending = Pending {
            complete: world.gaps.is_empty(),
            gaps: world.gaps.clone(),
            updates: updates
                .filter_map(|(id, candidate)| world.update(id, candidate))
                .collect(),
            repositories: Vec::new(),
        };
        let installed = world.installed.iter();
        Ok(Stock {
            pending,
            installed: installed.map(package).collect(),
        })
    }

    async fn plan(&self, wanted: &[Wanted]) -> Result<Plan, Fault> {
        tokio::task::yield_now().await;
        let mut world = self.world();
        world.simulations += 1;
        let names: BTreeSet<&PackageName> = wanted.iter().map(|wanted| &wanted.id.name).collect();
        let offered = |it: &&Wanted| world.offers.get(&it.id) == Some(&it.version);
        if let Some(bad) = wanted.iter().find(|it| !offered(it)) {
            return Err(Fault::Unsolvable {
                words: format!(
                    "Version '{}' for '{}' was not found",
                    bad.version, bad.id.name
                ),
                packages: vec![bad.id.name.clone()],
            });
        }
        if let Some(bad) = names.iter().find(|name| world.unsolvable.contains(**name)) {
            return Err(Fault::Unsolvable {
                words: format!("{bad} has unmet dependencies"),
                packages: vec![(*bad).clone()],
            });
        }
        let mut changes: Vec<Change> = wanted
            .iter()
            .filter(|wanted| world.installed.get(&wanted.id) != Some(&wanted.version))
            .map(|wanted| Change {
                to: Some(wanted.version.clone()),
                ..world.change(&wanted.id)
            })
            .collect();
        for (_, other) in world.brings.iter().filter(|(by, _)| names.contains(by)) {
            changes.push(world.change(&id(other.as_str())));
        }
        for (_, other) in world.removes.iter().filter(|(by, _)| names.contains(by)) {
            changes.push(Change {
                to: None,
                ..world.change(&id(other.as_str()))
            });
        }
        Ok(Plan::new(changes))
    }

    async fn installed(&self, ids: &[PackageId]) -> Result<BTreeMap<PackageId, Version>, Fault> {
        let world = self.world();
        let found = ids
            .iter()
            .filter_map(|id| Some((id.clone(), world.installed.get(id)?.clone())));
        Ok(found.collect())
    }

    async fn versions_of(&self, name: &PackageName) -> Result<BTreeMap<PackageId, Version>, Fault> {
        self.installed(&[id(name.as_str())]).await
    }

    async fn files(&self, _ids: &[PackageId]) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    async fn owners(&self, _files: &[String]) -> Result<BTreeMap<String, PackageName>, Fault> {
        Ok(BTreeMap::new())
    }

    async fn audit(&self) -> Result<Vec<String>, Fault> {
        Ok(self.world().broken.clone())
    }

    async fn kept_away(&self) -> Result<BTreeSet<KeptAway>, Fault> {
        Ok(self.world().kept_away.clone())
    }

    async fn sources(
        &self,
        of: &[(PackageId, Version)],
    ) -> Result<BTreeMap<PackageId, PackageName>, Fault> {
        Ok(of
            .iter()
            .map(|(id, _)| (id.clone(), id.name.clone()))
            .collect())
    }

    async fn keep_away(&self, versions: &BTreeSet<KeptAway>) -> Result<(), Fault> {
        self.world().kept_away.clone_from(versions);
        Ok(())
    }

    async fn wait_for_lock(&self, watch: Watch<'_>) -> Result<(), Fault> {
        let Some(holder) = self.world().holder.clone() else {
            return Ok(());
        };
        watch(Activity::Waiting {
            holder: holder.clone(),
        });
        Err(Fault::Locked {
            holder,
            waited_seconds: 600,
        })
    }

    fn scripts(&self, _below: u32) -> Vec<Script> {
        Vec::new()
    }

    async fn hold(&self, watch: Watch<'_>) -> Result<Held, Fault> {
        self.wait_for_lock(watch).await?;
        Ok(Held::new(Vec::new(), Box::new(|| false)))
    }

    async fn unpacked(&self, plan: &Plan) -> Result<u64, Fault> {
        Ok(plan.changes().len() as u64)
    }

    async fn repair(&self, _folder: &Path, _watch: Watch<'_>) -> Result<Vec<String>, Fault> {
        self.call("repair").await;
        self.world().broken.clear();
        Ok(vec!["configured what was unpacked".to_owned()])
    }

    async fn refresh(&self, _folder: &Path, _watch: Watch<'_>) -> Result<Vec<Repository>, Fault> {
        self.call("refresh").await;
        Ok(vec![Repository {
            id: "http://127.0.0.1 bookworm".to_owned(),
            age_seconds: Some(0),
            state: RepositoryState::Fresh,
            advice: None,
        }])
    }

    async fn spare_kernels(&self) -> Result<Plan, Fault> {
        Ok(Plan::default())
    }

    async fn missing(&self, _plan: &Plan) -> Result<Vec<PackageName>, Fault> {
        Ok(Vec::new())
    }

    async fn simulate_files(
        &self,
        _files: &[PathBuf],
        _removed: &[PackageId],
    ) -> Result<Plan, Fault> {
        Ok(Plan::default())
    }

    async fn preflight(&self, _plan: &Plan) -> Result<Fitness, Fault> {
        let faults = self.world().unfit.clone();
        Ok(Fitness {
            faults,
            room_helps: false,
        })
    }

    async fn download(&self, plan: &Plan, _folder: &Path, _watch: Watch<'_>) -> Result<u64, Fault> {
        self.call("download").await;
        Ok(plan.changes().len() as u64)
    }

    async fn apply(&self, plan: &Plan, _folder: &Path, watch: Watch<'_>) -> Result<Applied, Fault> {
        self.call("apply").await;
        // A process that was there, and is not: nobody waits for it.
        let ended = Process {
            pid: 1,
            start_time: u64::MAX,
        };
        watch(Activity::Started {
            pid: ended.pid,
            start_time: ended.start_time,
        });
        if let Some(noted) = &self.world().stops {
            noted.ask();
        }
        let hangs_after = self.world().hangs_after;
        if let Some(count) = hangs_after {
            self.apply_part(plan, count);
            return std::future::pending().await;
        }
        let failing = |change: &&Change| self.0.borrow().failing.contains(&change.id.name);
        let culprits: Vec<PackageName> = plan
            .changes()
            .iter()
            .filter(failing)
            .map(|change| change.id.name.clone())
            .collect();
        if !culprits.is_empty() {
            let good = |change: &&Change| !culprits.contains(&change.id.name);
            let rest = Plan::new(plan.changes().iter().filter(good).cloned().collect());
            let changed = self.apply_part(&rest, usize::MAX);
            return Ok(Applied {
                changed,
                kept_conffiles: Vec::new(),
                failure: Some("a maintainer script failed".to_owned()),
                culprits,
            });
        }
        Ok(Applied {
            changed: self.apply_part(plan, usize::MAX),
            ..Applied::default()
        })
    }

    async fn settle(&self, plan: &Plan, _folder: &Path) -> Result<Applied, Fault> {
        self.call("settle").await;
        let world = self.world();
        let done = |change: &&Change| world.installed.get(&change.id) == change.to.as_ref();
        Ok(Applied {
            changed: plan.changes().iter().filter(done).cloned().collect(),
            ..Applied::default()
        })
    }

    async fn keep(
        &self,
        id: &PackageId,
        version: &Version,
        packages: &Path,
    ) -> Result<Option<PathBuf>, Fault> {
        let file = packages.join(format!("{}={version}", id.name));
        Ok(self.world().archives.then_some(file))
    }

    async fn put_back(
        &self,
        file: &Path,
        _folder: &Path,
        _watch: Watch<'_>,
    ) -> Result<Option<String>, Fault> {
        self.call("put back").await;
        let file = file.file_name().and_then(|name| name.to_str());
        let (name, old) = file.and_then(|file| file.split_once('=')).expect("ours");
        self.world().installed.insert(id(name), version(old));
        Ok(None)
    }
}
