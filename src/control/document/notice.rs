//! What a run tells while it lasts: in each reply of `Start` and `Follow`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::{Decision, Finding, PackageChange};

/// Something that happens in a run. What a later patchd may tell besides is no
/// fault of this one's reader, who passes over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/notice/1"))]
    pub schema: String,
    /// What happens.
    #[serde(flatten)]
    pub told: Told,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Told {
    /// A run begins.
    Opened {
        /// Its id.
        run: String,
        /// Whether it goes on with one that was cut short.
        resumed: bool,
    },
    /// A stage begins.
    Stage {
        /// Its name (`docs/run.md`).
        stage: String,
    },
    /// Policy has spoken.
    Planned {
        /// What will be changed.
        changes: Vec<PackageChange>,
        /// Every decision.
        decisions: Vec<Decision>,
    },
    /// How far the stage is.
    Progress {
        /// 0 to 100.
        percent: u8,
        /// What is being done.
        doing: String,
    },
    /// The worker waits for somebody.
    Waiting {
        /// For whom, with his process id.
        holder: String,
    },
    /// Somebody asked to stop; the phase at work ends first.
    Stopping,
    /// A stage lasts longer than it should; nothing is killed.
    Stalled {
        /// Its name.
        stage: String,
    },
    /// Verify found something.
    Found(Finding),
    /// The run is over; its document comes next.
    Finished {
        /// How, as in the run's document.
        outcome: String,
        /// One sentence.
        summary: String,
    },
}
