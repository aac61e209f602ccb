//! What every package manager must be able to do for us.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::fault::Fault;
use crate::model::{
    Change, InstalledPackage, KeptAway, PackageId, PackageName, Pending, Plan, Repository, Version,
};
use crate::os::process::Process;

/// One package that shall come to one exact version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Which package; it is installed.
    pub id: PackageId,
    /// To which version.
    pub version: Version,
}

/// What one look at the package manager found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// What could be updated.
    pub pending: Pending,
    /// Everything that has files on disk, sorted.
    pub installed: Vec<InstalledPackage>,
}

/// What a long operation tells while it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activity {
    /// A process of the package manager was started.
    Started {
        /// Its process id.
        pid: u32,
        /// Clock ticks after boot.
        start_time: u64,
    },
    /// How far it is.
    Progress {
        /// 0 to 100.
        percent: u8,
        /// What is being done.
        doing: String,
    },
    /// That process is still at work; told several times a second.
    AtWork {
        /// Its process id.
        pid: u32,
    },
    /// Somebody else has the lock.
    Waiting {
        /// Process name and pid.
        holder: String,
    },
}

/// A script of a package that is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The process of its interpreter.
    pub process: Process,
    /// What it is called: `nginx.postinst`.
    pub name: String,
}

/// Whether this machine is fit for a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fitness {
    /// What stands against it, a sentence each; empty means fit.
    pub faults: Vec<String>,
    /// Nothing but kernels on `/boot` stands against it.
    pub room_helps: bool,
}

/// As long as it lives, nobody else changes packages; but whoever ignores locks
/// is noticed.
pub struct Held {
    _locks: Vec<std::fs::File>,
    disturbed: Box<dyn Fn() -> bool>,
}

impl Held {
    /// `disturbed` tells whether packages were changed all the same.
    #[must_use]
    pub fn new(locks: Vec<std::fs::File>, disturbed: Box<dyn Fn() -> bool>) -> Self {
        Self {
            _locks: locks,
            disturbed,
        }
    }

    /// Whether packages were changed all the same.
    #[must_use]
    pub fn was_disturbed(&self) -> bool {
        (self.disturbed)()
    }
}

/// Who is told. Must not block and must not fail.
pub type Watch<'a> = &'a mut dyn FnMut(Activity);

/// What a transaction left behind, read from the package database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// What is different now. Empty when nothing was changed.
    pub changed: Vec<Change>,
    /// Configuration files that kept their old version.
    pub kept_conffiles: Vec<String>,
    /// Set when it did not go through: its own words.
    pub failure: Option<String>,
    /// Packages that failed by themselves, as far as it can be told.
    pub culprits: Vec<PackageName>,
}

/// A package manager. The first group works for an ordinary user and without
/// locks; the second is for the worker alone. `folder` is the run's own folder:
/// output and status files go there, never into pipes.
#[expect(
    async_fn_in_trait,
    reason = "the program has one thread; nobody needs the futures to be Send"
)]
pub trait PackageManager {
    /// Its name in reports: `apt`.
    fn name(&self) -> &'static str;

    /// What is installed, what could be updated, and what stands in the way: one
    /// look for all. What [`Self::keep_away`] keeps away is listed as if it were not.
    async fn stock(&self) -> Result<Stock, Fault>;

    /// The same look, for those who care for updates only.
    async fn pending(&self) -> Result<Pending, Fault> {
        Ok(self.stock().await?.pending)
    }

    /// The whole transaction that brings the wanted packages to the wanted
    /// versions, as the solver sees it: with what must come along, and with
    /// removals if it cannot be had without.
    async fn plan(&self, wanted: &[Wanted]) -> Result<Plan, Fault>;

    /// The installed versions of these packages; what is not installed is absent.
    async fn installed(&self, ids: &[PackageId]) -> Result<BTreeMap<PackageId, Version>, Fault>;

    /// All installed architectures of a package.
    async fn versions_of(&self, name: &PackageName) -> Result<BTreeMap<PackageId, Version>, Fault>;

    /// The files of these packages, absolute paths; what is not installed has none.
    async fn files(&self, ids: &[PackageId]) -> Result<Vec<String>, Fault>;

    /// The packages of these files, absolute paths; what is nobody's is absent.
    async fn owners(&self, files: &[String]) -> Result<BTreeMap<String, PackageName>, Fault>;

    /// Packages that are not in a sound state, a sentence each; empty means sound.
    async fn audit(&self) -> Result<Vec<String>, Fault>;

    /// What is kept away for us still: a person may have let it in again.
    async fn kept_away(&self) -> Result<BTreeSet<KeptAway>, Fault>;

    /// The source of each of these versions, as far as it can be told.
    async fn sources(
        &self,
        of: &[(PackageId, Version)],
    ) -> Result<BTreeMap<PackageId, PackageName>, Fault>;

    /// Has these versions, and no others of ours, kept away from everybody who
    /// upgrades this machine, by hand too.
    async fn keep_away(&self, versions: &BTreeSet<KeptAway>) -> Result<(), Fault>;

    /// Waits until nobody else holds the lock.
    async fn wait_for_lock(&self, watch: Watch<'_>) -> Result<(), Fault>;

    /// The scripts of packages that are at work below a process of the package
    /// manager, each by its outermost interpreter.
    fn scripts(&self, below: u32) -> Vec<Script>;

    /// Keeps everybody else from changing packages, as soon as nobody does.
    async fn hold(&self, watch: Watch<'_>) -> Result<Held, Fault>;

    /// Brings an unsound package database back, within bounds, removing nothing.
    /// Returns the steps that were taken; [`Self::audit`] tells whether it worked.
    async fn repair(&self, folder: &Path, watch: Watch<'_>) -> Result<Vec<String>, Fault>;

    /// Fetches all indexes; one bad repository does not stop the others.
    async fn refresh(&self, folder: &Path, watch: Watch<'_>) -> Result<Vec<Repository>, Fault>;

    /// What the solver would do to install these package files, older ones too,
    /// and to remove these packages.
    async fn simulate_files(&self, files: &[PathBuf], removed: &[PackageId])
    -> Result<Plan, Fault>;

    /// What on this machine stands against this plan: space, inodes, clock, headers.
    async fn preflight(&self, plan: &Plan) -> Result<Fitness, Fault>;

    /// The removal of kernels that nobody needs: they came automatically, do not
    /// run, and are not among the newest two.
    async fn spare_kernels(&self) -> Result<Plan, Fault>;

    /// Packages of the plan whose archives are not here.
    async fn missing(&self, plan: &Plan) -> Result<Vec<PackageName>, Fault>;

    /// How much the plan's new versions take on disk, bytes.
    async fn unpacked(&self, plan: &Plan) -> Result<u64, Fault>;

    /// Fetches the archives of the plan. Returns bytes fetched.
    async fn download(&self, plan: &Plan, folder: &Path, watch: Watch<'_>) -> Result<u64, Fault>;

    /// Installs exactly the plan, in one transaction; a difference of one line
    /// refuses it as [`Fault::Stale`] before anything is changed. Marks of
    /// packages (automatic or wanted) are the same after as before, new
    /// packages are automatic. Safe to call again after any interruption.
    async fn apply(&self, plan: &Plan, folder: &Path, watch: Watch<'_>) -> Result<Applied, Fault>;

    /// After an interrupted `apply` of this folder: what it left undone behind
    /// the transaction itself (marks), and what it changed.
    async fn settle(&self, plan: &Plan, folder: &Path) -> Result<Applied, Fault>;

    /// The package file of an installed version, kept in the folder `packages`,
    /// from wherever it can still be had; `None` when it cannot.
    async fn keep(
        &self,
        id: &PackageId,
        version: &Version,
        packages: &Path,
    ) -> Result<Option<PathBuf>, Fault>;

    /// Brings one package back to the older version of this file. Configuration
    /// files stay. Returns its own words when it did not go through.
    async fn put_back(
        &self,
        file: &Path,
        folder: &Path,
        watch: Watch<'_>,
    ) -> Result<Option<String>, Fault>;
}
