//! Why the worker does not carry out an order.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::run::RunId;

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
