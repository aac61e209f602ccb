//! apt and dpkg, driven through their stable machine interfaces. Every part is
//! two halves: commands (values to argv) and parsers (bytes to types).
//!
//! Reading needs no rights and takes no lock: a `view::View` of apt's
//! configuration, what is `pending` in it, a `plan`. Writing is the worker's:
//! `refresh`, `preflight`, `transaction`, `repair`, with `guard` called back by
//! apt under its own lock.

// What everybody may ask.
mod gaps;
mod indexes;
mod installed;
pub mod inventory;
mod offers;
mod own_pins;
mod owners;
pub mod parse;
mod pending;
mod pins;
mod plan;
mod questions;
mod reboot;
mod repositories;
mod updates;
mod view;

// What the worker does.
mod audit;
mod commands;
pub mod complaint;
mod conffiles;
mod credentials;
mod execution;
pub mod guard;
mod kernels;
mod lock;
mod machine;
mod marks;
mod preflight;
mod refresh;
mod repair;
mod scripts;
pub mod status_fd;
mod transaction;
mod uris;
mod way_back;

#[cfg(test)]
mod obstacles;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::contract::{Applied, Fitness, Held, PackageManager, Script, Stock, Wanted, Watch};
use super::fault::Fault;
use super::settings::Settings;
use crate::model::{KeptAway, PackageId, PackageName, Plan, Repository, Version};
use crate::os::command::Runner;

/// The package manager of Debian and its kin.
pub struct Apt {
    /// Who runs the programs.
    runner: Box<dyn Runner>,
    /// `[package_manager]`.
    settings: Settings,
    /// A folder of programs that maintainer scripts find before all others.
    stand_ins: Option<PathBuf>,
}

impl Apt {
    /// apt as it is configured on this machine.
    #[must_use]
    pub fn new(runner: Box<dyn Runner>, settings: Settings) -> Self {
        Self {
            runner,
            settings,
            stand_ins: None,
        }
    }

    /// Maintainer scripts find the programs of this folder before all others: where
    /// no machine runs around them.
    #[must_use]
    pub fn with_stand_ins(self, folder: &Path) -> Self {
        Self {
            stand_ins: Some(folder.to_owned()),
            ..self
        }
    }

    fn runner(&self) -> &dyn Runner {
        self.runner.as_ref()
    }

    fn guarded<'a>(&'a self, folder: &'a Path) -> transaction::Guarded<'a> {
        transaction::Guarded {
            runner: self.runner(),
            stand_ins: self.stand_ins.as_deref(),
            folder,
        }
    }
}

impl PackageManager for Apt {
    fn name(&self) -> &'static str {
        "apt"
    }

    async fn stock(&self) -> Result<Stock, Fault> {
        self.take_stock().await
    }

    async fn plan(&self, wanted: &[Wanted]) -> Result<Plan, Fault> {
        self.simulate(wanted).await
    }

    async fn installed(&self, ids: &[PackageId]) -> Result<BTreeMap<PackageId, Version>, Fault> {
        self.installed_among(ids).await
    }

    async fn versions_of(&self, name: &PackageName) -> Result<BTreeMap<PackageId, Version>, Fault> {
        self.installed_named(name).await
    }

    async fn files(&self, ids: &[PackageId]) -> Result<Vec<String>, Fault> {
        self.installed_files(ids).await
    }

    async fn owners(&self, files: &[String]) -> Result<BTreeMap<String, PackageName>, Fault> {
        self.owners_of(files).await
    }

    async fn audit(&self) -> Result<Vec<String>, Fault> {
        audit::audit(self.runner()).await
    }

    async fn kept_away(&self) -> Result<BTreeSet<KeptAway>, Fault> {
        self.read_own_pins().await
    }

    async fn sources(
        &self,
        of: &[(PackageId, Version)],
    ) -> Result<BTreeMap<PackageId, PackageName>, Fault> {
        self.sources_of(of).await
    }

    async fn keep_away(&self, versions: &BTreeSet<KeptAway>) -> Result<(), Fault> {
        self.write_own_pins(versions).await
    }

    async fn wait_for_lock(&self, watch: Watch<'_>) -> Result<(), Fault> {
        lock::wait_for_lock(&self.settings, watch).await
    }

    async fn hold(&self, watch: Watch<'_>) -> Result<Held, Fault> {
        lock::hold(&self.settings, watch).await
    }

    async fn repair(&self, folder: &Path, watch: Watch<'_>) -> Result<Vec<String>, Fault> {
        repair::repair(&self.guarded(folder), watch).await
    }

    async fn refresh(&self, folder: &Path, watch: Watch<'_>) -> Result<Vec<Repository>, Fault> {
        refresh::refresh(self.runner(), folder, watch).await
    }

    async fn simulate_files(
        &self,
        files: &[PathBuf],
        removed: &[PackageId],
    ) -> Result<Plan, Fault> {
        self.simulate_way_back(files, removed).await
    }

    async fn preflight(&self, plan: &Plan) -> Result<Fitness, Fault> {
        let facts = machine::facts(self.runner(), plan).await?;
        let faults = preflight::judge(&facts, plan);
        let room_helps = faults.len() == 1 && preflight::is_boot_short(&facts, plan);
        Ok(Fitness { faults, room_helps })
    }

    fn scripts(&self, below: u32) -> Vec<Script> {
        scripts::below(below)
    }

    async fn spare_kernels(&self) -> Result<Plan, Fault> {
        machine::old_kernels(self.runner()).await
    }

    async fn missing(&self, plan: &Plan) -> Result<Vec<PackageName>, Fault> {
        let archives = uris::missing(self.runner(), plan).await?;
        let is_missing = |name: &&PackageName| {
            let start = format!("{name}_");
            archives
                .iter()
                .any(|archive| archive.file.starts_with(&start))
        };
        let names = plan.changes().iter().map(|change| &change.id.name);
        Ok(names.filter(is_missing).cloned().collect())
    }

    async fn unpacked(&self, plan: &Plan) -> Result<u64, Fault> {
        machine::unpacked(self.runner(), plan).await
    }

    async fn download(&self, plan: &Plan, folder: &Path, watch: Watch<'_>) -> Result<u64, Fault> {
        transaction::download(self.runner(), plan, folder, watch).await
    }

    async fn apply(&self, plan: &Plan, folder: &Path, watch: Watch<'_>) -> Result<Applied, Fault> {
        self.guarded(folder).apply(plan, watch).await
    }

    async fn settle(&self, plan: &Plan, folder: &Path) -> Result<Applied, Fault> {
        transaction::settle(self.runner(), plan, folder).await
    }

    async fn keep(
        &self,
        id: &PackageId,
        version: &Version,
        packages: &Path,
    ) -> Result<Option<PathBuf>, Fault> {
        way_back::keep(self.runner(), id, version, packages).await
    }

    async fn put_back(
        &self,
        file: &Path,
        folder: &Path,
        watch: Watch<'_>,
    ) -> Result<Option<String>, Fault> {
        way_back::put_back(self.runner(), file, folder, watch).await
    }
}
