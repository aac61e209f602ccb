//! What came of a phase.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::package::PackageName;
use super::plan::Change;
use super::rehearsal::Rehearsal;
use super::repository::Repository;
use super::restart::Restarted;
use super::restore::{RestorePoint, RolledBack};
use super::verification::Finding;
use super::version::Version;

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
    /// After `Rehearse`.
    Rehearse(Box<Rehearsal>),
    /// After `RestorePoint`.
    RestorePoint(RestorePoint),
    /// After `Restart`.
    Restart(Restarted),
    /// After `Reboot`: a machine that goes down says nothing, and is asked again
    /// when it is up.
    Reboot {
        /// What stands against it, one sentence; absent when it has rebooted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        put_off: Option<String>,
    },
    /// After `RollBack`.
    RollBack(Box<RolledBack>),
    /// After `Quarantine`.
    Quarantine {
        /// The versions that are kept away because of this order; a sentence each.
        kept_away: Vec<String>,
    },
    /// After `Hook`.
    Hook {
        /// Which program failed, and its last words; absent when all went well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<String>,
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
