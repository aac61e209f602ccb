//! `patchd history --json`, `patchd history RUN --json`, `patchd run --json`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{time, word};
use crate::cycle;
use crate::model::{Change, Decided, Finding};
use crate::state::{RunDetail, RunRow, Transition};

/// `patchd history --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct History {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/history/1"))]
    pub schema: &'static str,
    /// Newest first.
    pub runs: Vec<Run>,
}

/// `patchd run --json` and `patchd history RUN --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunDocument {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/run/1"))]
    pub schema: &'static str,
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Its steps.
    pub phases: Vec<PhaseJson>,
    /// What policy decided.
    pub decisions: Vec<DecisionJson>,
}

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Run {
    /// Its id, a ULID: ids sort by time.
    #[serde(rename = "run")]
    pub id: String,
    /// When it began.
    #[schemars(extend("format" = "date-time"))]
    pub opened_at: String,
    /// When it ended; absent while it is open.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// How it ended; absent while it is open.
    #[schemars(extend("enum" = ["succeeded", "reboot-owed", "partial", "deferred", "failed", "needs-human", "cloned"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The exit code of that outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// The whole run in one sentence; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Who asked for it: a user name, or `uid N`.
    pub asked_by: String,
    /// The policy that decided.
    pub policy: String,
    /// What it changed so far.
    pub packages: Vec<PackageChange>,
    /// Packages that failed; the rest went on without them.
    pub set_aside: Vec<SetAside>,
    /// Configuration files that kept their old version, absolute paths.
    pub kept_conffiles: Vec<String>,
    /// What is not as it was before the run.
    pub findings: Vec<FindingJson>,
}

/// One package before and after.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PackageChange {
    /// Its name.
    pub package: String,
    /// Its architecture.
    pub architecture: String,
    /// Version before; absent for a new package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Version after; absent for a removal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A package that failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SetAside {
    /// Its name.
    pub package: String,
    /// What it did.
    pub reason: String,
}

/// Something that verify found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
pub struct FindingJson {
    /// `breaks`: what worked before does not; `warns`: worth knowing.
    #[schemars(extend("enum" = ["breaks", "warns"]))]
    pub class: String,
    /// Which check found it: `database`, `version`, `unit`, `port`, `route`,
    /// `resolver` or `probe`.
    pub check: String,
    /// The unit, port, probe or package that it is about.
    pub subject: String,
    /// What was seen, and what to do.
    pub detail: String,
}

/// One step of a run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Phase")]
pub struct PhaseJson {
    /// The stage that began (`docs/run.md`).
    #[schemars(extend("enum" = ["repairing", "refreshing", "checking", "downloading", "applying", "mending", "verifying", "finished"]))]
    pub stage: String,
    /// When.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// The event that led to it.
    pub event: String,
    /// How long it lasted, milliseconds; absent for the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
}

/// What policy decided for one package.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Decision")]
pub struct DecisionJson {
    /// Its name.
    pub package: String,
    /// Its architecture.
    pub architecture: String,
    /// What becomes of it, as in `check`.
    #[schemars(extend("enum" = ["install", "soaking", "report-only", "held", "rejected", "not-selected", "blocked"]))]
    pub decision: String,
    /// The version it is about.
    pub target: String,
    /// Why, one sentence.
    pub reason: String,
    /// Which rule decided, as `policy NAME rule N`; absent when none matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl From<&RunDetail> for RunDocument {
    fn from(detail: &RunDetail) -> Self {
        Self {
            schema: "patchd/run/1",
            run: Run::from(&detail.row),
            phases: phases(&detail.transitions),
            decisions: detail.decisions.iter().map(DecisionJson::from).collect(),
        }
    }
}

impl From<&RunRow> for Run {
    fn from(row: &RunRow) -> Self {
        let course = &row.state.course;
        let aside = |aside: &cycle::SetAside| SetAside {
            package: aside.package.to_string(),
            reason: aside.reason.clone(),
        };
        Self {
            id: row.opened.id.to_string(),
            opened_at: time(row.opened.opened_at),
            closed_at: row.closed_at.map(time),
            outcome: row.outcome.map(|outcome| outcome.to_string()),
            exit_code: row.outcome.map(|outcome| outcome.exit_code() as u8),
            summary: row.summary.clone(),
            asked_by: row.opened.asked_by.clone(),
            policy: row.opened.policy.clone(),
            packages: course.changed.iter().map(PackageChange::from).collect(),
            set_aside: course.set_aside.iter().map(aside).collect(),
            kept_conffiles: course.kept_conffiles.clone(),
            findings: course.findings.iter().map(FindingJson::from).collect(),
        }
    }
}

impl From<&Change> for PackageChange {
    fn from(change: &Change) -> Self {
        Self {
            package: change.id.name.to_string(),
            architecture: change.id.architecture.to_string(),
            from: change.from.as_ref().map(ToString::to_string),
            to: change.to.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&Finding> for FindingJson {
    fn from(finding: &Finding) -> Self {
        let Finding {
            class,
            check,
            subject,
            detail,
        } = finding.clone();
        Self {
            class: word(&class),
            check,
            subject,
            detail,
        }
    }
}

impl From<&Decided> for DecisionJson {
    fn from(decided: &Decided) -> Self {
        Self {
            package: decided.id.name.to_string(),
            architecture: decided.id.architecture.to_string(),
            decision: decided.decision.to_string(),
            target: decided.target.to_string(),
            reason: decided.reason.clone(),
            rule: decided.rule.clone(),
        }
    }
}

fn phases(transitions: &[Transition]) -> Vec<PhaseJson> {
    let ends = transitions
        .iter()
        .skip(1)
        .map(|next| Some(next.at))
        .chain([None]);
    let lasted = |from: Timestamp, to: Timestamp| to.as_millisecond() - from.as_millisecond();
    let phase = |(step, end): (&Transition, Option<Timestamp>)| PhaseJson {
        stage: step.stage.clone(),
        at: time(step.at),
        event: step.event.clone(),
        duration_ms: end.map(|end| lasted(step.at, end)),
    };
    transitions.iter().zip(ends).map(phase).collect()
}
