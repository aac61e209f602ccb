//! What brain and hands say to each other: one JSON line each way at a time.
//! One order is one phase.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::package::PackageName;
use super::plan::{Change, Digest, Plan};
use super::repository::Repository;
use super::run::RunId;
use super::verification::Finding;
use super::version::Version;

/// The protocol this build speaks. A worker serves it and the one before.
pub const PROTOCOL: u32 = 1;

/// The privileged phases that are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Judge the package database and mend it; close what a dead worker left open.
    Repair,
    /// Fetch the repositories' indexes.
    Refresh,
    /// Fetch the plan's archives, after preflight; touches no package.
    Download,
    /// Take the state before, install the plan.
    Apply,
    /// Compare the machine with the state before; the last phase of a run that
    /// has installed something.
    Verify,
    /// Close the record of a run that ends without a look at what it did.
    Cleanup,
    /// Check `/etc/patchd`, and keep it as the last good copy if it is sound.
    AcceptConfig,
    /// Switch off whatever else would patch this machine, with a record.
    Takeover,
    /// Undo the take-over, as far as nobody has changed it since.
    GiveBack,
}

/// What the worker is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Version of this protocol.
    pub protocol: u32,
    /// The run it belongs to.
    pub run: RunId,
    /// What to do.
    pub phase: Phase,
    /// The transaction; empty for phases that need none.
    #[serde(default)]
    pub plan: Plan,
    /// The plan's digest, so that a plan cut short is noticed.
    pub digest: Digest,
}

/// What the worker tells: first into its record, then on its standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum WorkerEvent {
    /// The order is valid and begins.
    Accepted {
        /// Which phase begins.
        phase: Phase,
    },
    /// The order is not carried out. Nothing was changed.
    Refused {
        /// Why not.
        refusal: Refusal,
    },
    /// Something to show while it lasts.
    Progress {
        /// 0 to 100.
        percent: u8,
        /// What is being done.
        doing: String,
    },
    /// We wait for somebody else.
    Waiting {
        /// Who holds what we need, such as `unattended-upgr (pid 812)`.
        holder: String,
    },
    /// The package manager was started, or found alive.
    Started {
        /// Its process id.
        pid: u32,
        /// Its start time in clock ticks since boot, so that a reused pid is noticed.
        start_time: u64,
    },
    /// Worth keeping in the record; it changes nothing for the run.
    Note {
        /// One sentence.
        sentence: String,
    },
    /// The phase is over; the last event of an order.
    Done {
        /// What came of it.
        report: Report,
    },
}

/// Why an order is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Refusal {
    /// The order makes no sense or breaks a rule of the worker; the sentence says which.
    Invalid {
        /// What is wrong with it.
        detail: String,
    },
    /// Another run is open or at work.
    Busy {
        /// Which run, as far as known.
        #[serde(skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
    },
    /// The package manager would do something else than the plan says.
    Stale {
        /// The first differences, a line each.
        differences: Vec<String>,
    },
    /// Somebody holds the package manager's lock for longer than we may wait.
    Locked {
        /// Process name and pid.
        holder: String,
        /// How long we waited.
        waited_seconds: u64,
    },
    /// Preflight: the machine is not fit for this plan; nothing was begun.
    Unfit {
        /// What is missing, a sentence each.
        faults: Vec<String>,
        /// The removal of old kernels that would make it fit; empty when none would.
        #[serde(default, skip_serializing_if = "Plan::is_empty")]
        room: Plan,
    },
    /// The machine goes down, or somebody stops the worker: nothing further is begun.
    Stopping,
    /// It was tried and could not be done.
    Unable {
        /// Why.
        detail: String,
    },
}

/// What came of a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Report {
    /// After `Repair`.
    Repair {
        /// Whether the package database is sound now.
        sound: bool,
        /// What was done, in order; empty when there was nothing to mend.
        steps: Vec<String>,
        /// Packages that are still broken, with their state.
        broken: Vec<String>,
        /// What an interrupted transaction of this run turned out to have done.
        installed: Installed,
    },
    /// After `Refresh`.
    Refresh {
        /// Every repository with its state after the attempt.
        repositories: Vec<Repository>,
    },
    /// After `Download`.
    Download {
        /// Bytes fetched.
        bytes: u64,
        /// Set when it did not work: the package manager's own words.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<String>,
        /// With a failure: the packages whose archives did not come.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        culprits: Vec<PackageName>,
    },
    /// After `Apply`.
    Apply {
        /// What it did, as the package database says; not what was hoped.
        installed: Installed,
        /// Set when it did not go through.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<ApplyFailure>,
        /// Set when the daemon ran, and its own package was in the plan.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        own_upgrade: Option<OwnUpgrade>,
    },
    /// After `Verify`.
    Verify {
        /// What is not as it should be.
        findings: Vec<Finding>,
        /// Why a reboot is owed; empty when none is.
        reboot_reasons: Vec<String>,
    },
    /// After `Cleanup`.
    Cleanup,
    /// After `AcceptConfig`.
    AcceptConfig {
        /// All faults as a person reads them; absent when it was accepted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        faults: Option<String>,
    },
    /// After `Takeover`.
    Takeover(Handover),
    /// After `GiveBack`.
    GiveBack(Handover),
}

/// What became of everybody else who would patch this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// What was switched off, or given back; a name each.
    pub done: Vec<String>,
    /// What was left as it is, and why; a sentence each.
    pub left: Vec<String>,
}

/// How the daemon came through the upgrade of its own package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnUpgrade {
    /// The version that ran before.
    pub from: Version,
    /// The version that was installed.
    pub to: Version,
    /// What became of it.
    pub outcome: OwnOutcome,
}

/// What became of a new version of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnOutcome {
    /// It is ready.
    Kept,
    /// It did not become ready; the old one was put back and is.
    PutBack,
    /// It did not become ready, and the old package could not be had.
    NoWayBack,
    /// It did not become ready, and putting the old one back did not help.
    Failed,
}

/// What a transaction did to the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// What is different now.
    pub changed: Vec<Change>,
    /// Configuration files that kept their old version, absolute paths.
    pub kept_conffiles: Vec<String>,
}

/// Why a transaction did not go through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyFailure {
    /// One sentence.
    pub summary: String,
    /// The packages that failed by themselves, if it can be told.
    pub culprits: Vec<PackageName>,
}

impl Order {
    /// An order with the plan's digest filled in.
    #[must_use]
    pub fn new(run: RunId, phase: Phase, plan: Plan) -> Self {
        let digest = plan.digest();
        Self {
            protocol: PROTOCOL,
            run,
            phase,
            plan,
            digest,
        }
    }
}

impl Phase {
    /// Whether it is a run of its own: it patches nothing and needs no other phase.
    #[must_use]
    pub fn stands_alone(self) -> bool {
        matches!(self, Self::AcceptConfig | Self::Takeover | Self::GiveBack)
    }
}

impl OwnUpgrade {
    /// Whether the new version is ready.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.outcome == OwnOutcome::Kept
    }
}

impl fmt::Display for OwnUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, outcome } = self;
        match outcome {
            OwnOutcome::Kept => write!(f, "patchd {to} is ready"),
            OwnOutcome::PutBack => write!(
                f,
                "patchd {to} did not become ready, and {from} was put back"
            ),
            OwnOutcome::NoWayBack => write!(
                f,
                "patchd {to} did not become ready, and there is no way back: the package of {from} could not be had; look at `journalctl -u patchd`"
            ),
            OwnOutcome::Failed => write!(
                f,
                "patchd {to} did not become ready, and putting {from} back did not help; look at `journalctl -u patchd`"
            ),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repair => "repair",
            Self::Refresh => "refresh",
            Self::Download => "download",
            Self::Apply => "apply",
            Self::Verify => "verify",
            Self::Cleanup => "cleanup",
            Self::AcceptConfig => "accept-config",
            Self::Takeover => "takeover",
            Self::GiveBack => "give-back",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { detail } => write!(f, "the order was refused: {detail}"),
            Self::Unable { detail } => f.write_str(detail),
            Self::Stopping => f.write_str(
                "interrupted by shutdown: nothing further was begun; the rest waits for the next window",
            ),
            Self::Busy { run: Some(run) } => {
                write!(
                    f,
                    "run {run} is at work; wait for it, or look at it with `patchd logs {run}`"
                )
            }
            Self::Busy { run: None } => f.write_str("another run is at work; wait for it to end"),
            Self::Stale { differences } => {
                write!(
                    f,
                    "the package manager would not do what was planned: {}",
                    differences.join("; ")
                )
            }
            Self::Locked {
                holder,
                waited_seconds,
            } => write!(
                f,
                "the package manager's lock is held by {holder}, waited {waited_seconds} s; run again later, or stop {holder}"
            ),
            Self::Unfit { faults, .. } => write!(
                f,
                "this machine is not fit for the plan: {}",
                faults.join("; ")
            ),
        }
    }
}
