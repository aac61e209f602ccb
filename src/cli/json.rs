//! The stable shapes of `--json`. What is not known is absent, never guessed.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{
    Change, Decided, Distribution, Finding, Host, Offer, PackageName, PendingUpdate, Repository,
};
use crate::policy::{self, ConditionTrace, RuleTrace};
use crate::running::Kernel;
use crate::state::{RunDetail, RunRow, Transition};

/// `patchd check --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Check {
    /// `patchd/check/1`.
    pub schema: &'static str,
    /// When it was asked, RFC 3339.
    pub at: String,
    /// False when part of the configuration could not be read.
    pub complete: bool,
    /// Why it is not complete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
    /// This machine.
    pub host: HostJson,
    /// Its distribution; absent without os-release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<DistributionJson>,
    /// `apt`.
    pub package_manager: &'static str,
    /// Everything newer on offer.
    pub updates: Vec<Update>,
    /// What runs.
    pub running: Running,
    /// Where it all comes from.
    pub repositories: Vec<RepositoryJson>,
}

/// The machine.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HostJson {
    /// Node name.
    pub name: String,
    /// `/etc/machine-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// The kernel's id of this boot.
    pub boot_id: String,
}

/// The distribution.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DistributionJson {
    /// `debian`.
    pub id: String,
    /// `12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `bookworm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
}

/// One pending update with its decision.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Update {
    /// Name.
    pub package: String,
    /// Architecture.
    pub architecture: String,
    /// Version on disk.
    pub installed: String,
    /// Newest version on offer.
    pub candidate: String,
    /// The version that the decision is about.
    pub target: String,
    /// Source package.
    pub source: String,
    /// Label of the repository that offers `target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Whether a security fix is on the way to `candidate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<bool>,
    /// `install`, `soaking`, `report-only`, `held`, `rejected`, `not-selected`, `blocked`.
    pub decision: String,
    /// One sentence.
    pub reason: String,
    /// Which rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// When a soaking update becomes due, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Size of the archive, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_bytes: Option<u64>,
}

/// What is live.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Running {
    /// The kernel.
    pub kernel: KernelJson,
    /// Whether a reboot is owed.
    pub reboot: Reboot,
}

/// The kernel.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KernelJson {
    /// Release that runs.
    pub running: String,
    /// Newest release in `/boot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_installed: Option<String>,
    /// Whether the running one belongs to this system.
    pub owned: bool,
}

/// A reboot that is owed, or not.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Reboot {
    /// Whether.
    pub owed: bool,
    /// Since when, RFC 3339; absent when not known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Why.
    pub reasons: Vec<String>,
}

/// A repository.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RepositoryJson {
    /// URI and suite.
    pub id: String,
    /// Seconds since its index was renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// `fresh`, `stale`, `unreachable`, …
    pub state: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// `patchd status --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status {
    /// `patchd/status/1`.
    pub schema: &'static str,
    /// `never-run`, `running`, `interrupted`, or the last run's outcome.
    pub state: String,
    /// The last run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Run>,
    /// Whether a reboot is owed.
    pub reboot: Reboot,
    /// Programs that patch behind our back.
    pub rivals: Vec<String>,
}

/// `patchd history --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct History {
    /// `patchd/history/1`.
    pub schema: &'static str,
    /// Newest first.
    pub runs: Vec<Run>,
}

/// `patchd run --json` and `patchd history RUN --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunDocument {
    /// `patchd/run/1`.
    pub schema: &'static str,
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Its steps.
    pub phases: Vec<PhaseJson>,
    /// What policy decided.
    pub decisions: Vec<DecisionJson>,
}

/// `patchd explain --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Explanation {
    /// `patchd/explain/1`.
    pub schema: &'static str,
    /// The package that was asked about.
    pub package: String,
    /// One for each architecture with something newer on offer.
    pub updates: Vec<ExplainedUpdate>,
}

/// A pending update with everything that speaks for and against it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainedUpdate {
    /// The update and its decision.
    #[serde(flatten)]
    pub update: Update,
    /// What keeps the package manager from installing the candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_the_way: Option<String>,
    /// Every version on offer, newest first.
    pub offers: Vec<OfferJson>,
    /// Every rule of the policy, in order.
    pub rules: Vec<RuleJson>,
}

/// A version on offer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OfferJson {
    /// Version.
    pub version: String,
    /// Labels of the repositories that offer it.
    pub origins: Vec<String>,
    /// Whether it is a security fix; absent when not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<bool>,
}

/// How a rule answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RuleJson {
    /// Counted from 1.
    pub number: usize,
    /// `true`, `false` or `unknown`.
    pub holds: String,
    /// Its conditions.
    pub conditions: Vec<ConditionJson>,
}

/// How a condition answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConditionJson {
    /// The key in the configuration.
    pub key: &'static str,
    /// `true`, `false` or `unknown`.
    pub holds: String,
    /// What it was held against.
    pub fact: String,
}

/// `patchd doctor --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Doctor {
    /// `patchd/doctor/1`.
    pub schema: &'static str,
    /// Everything that was looked at.
    pub checks: Vec<DiagnosisJson>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiagnosisJson {
    /// What.
    pub about: &'static str,
    /// `ok`, `warn`, `bad` or `unknown`.
    pub state: &'static str,
    /// How it is, and what to do.
    pub detail: String,
}

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Run {
    /// ULID.
    #[serde(rename = "run")]
    pub id: String,
    /// RFC 3339.
    pub opened_at: String,
    /// RFC 3339; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// `succeeded`, `reboot-owed`, `partial`, `deferred`, `failed`, `needs-human`, `cloned`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The exit code of that outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// One sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Who asked for it.
    pub asked_by: String,
    /// Its policy.
    pub policy: String,
    /// What it changed.
    pub packages: Vec<PackageChange>,
    /// Packages that failed in it.
    pub set_aside: Vec<SetAside>,
    /// Configuration files that kept their old version.
    pub kept_conffiles: Vec<String>,
    /// What verify found.
    pub findings: Vec<FindingJson>,
}

/// One package before and after.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PackageChange {
    /// Name.
    pub package: String,
    /// Architecture.
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
    /// Name.
    pub package: String,
    /// What it did.
    pub reason: String,
}

/// Something that verify found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingJson {
    /// `breaks` or `warns`.
    pub class: String,
    /// Which check.
    pub check: String,
    /// About what.
    pub subject: String,
    /// What was seen, and what to do.
    pub detail: String,
}

/// One step of a run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PhaseJson {
    /// The stage that began.
    pub stage: String,
    /// When, RFC 3339.
    pub at: String,
    /// What led to it.
    pub event: String,
    /// How long it lasted, milliseconds; absent for the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
}

/// What policy decided for one package.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DecisionJson {
    /// Name.
    pub package: String,
    /// Architecture.
    pub architecture: String,
    /// As in `check`.
    pub decision: String,
    /// The version it is about.
    pub target: String,
    /// One sentence.
    pub reason: String,
    /// Which rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl From<&Host> for HostJson {
    fn from(host: &Host) -> Self {
        Self {
            name: host.name.clone(),
            machine_id: host.machine_id.as_ref().map(|id| id.0.clone()),
            boot_id: host.boot_id.to_string(),
        }
    }
}

impl From<Distribution> for DistributionJson {
    fn from(distribution: Distribution) -> Self {
        let Distribution {
            id,
            version,
            codename,
        } = distribution;
        Self {
            id,
            version,
            codename,
        }
    }
}

impl From<Kernel> for KernelJson {
    fn from(kernel: Kernel) -> Self {
        let Kernel {
            running,
            newest_installed,
            owned,
        } = kernel;
        Self {
            running,
            newest_installed,
            owned,
        }
    }
}

impl From<&Repository> for RepositoryJson {
    fn from(repository: &Repository) -> Self {
        let Repository {
            id,
            age_seconds,
            state,
            advice,
        } = repository.clone();
        Self {
            id,
            age_seconds,
            state: word(&state),
            advice,
        }
    }
}

impl Update {
    /// An update with the decision about it.
    #[must_use]
    pub fn new(update: &PendingUpdate, decided: &Decided) -> Self {
        let offer = update
            .offers
            .iter()
            .find(|offer| offer.version == decided.target);
        Self {
            package: update.id.name.to_string(),
            architecture: update.id.architecture.to_string(),
            installed: update.installed.to_string(),
            candidate: update.candidate.to_string(),
            target: decided.target.to_string(),
            source: update.source.to_string(),
            origin: offer
                .and_then(|offer| offer.origins.first())
                .map(|origin| origin.label.clone()),
            security: update.security(),
            decision: decided.decision.to_string(),
            reason: decided.reason.clone(),
            rule: decided.rule.clone(),
            due: decided.due.map(time),
            download_bytes: offer.and_then(|offer| offer.download_bytes),
        }
    }
}

impl Explanation {
    /// About one package under one policy.
    #[must_use]
    pub fn new(
        package: &PackageName,
        found: &[(&PendingUpdate, &Decided)],
        policy: &policy::Settings,
    ) -> Self {
        let explained = |(update, decided): &(&PendingUpdate, &Decided)| ExplainedUpdate {
            update: Update::new(update, decided),
            in_the_way: update.blocked.as_ref().map(ToString::to_string),
            offers: update.offers.iter().map(OfferJson::from).collect(),
            rules: policy::trace(&policy.rules, update)
                .into_iter()
                .map(RuleJson::from)
                .collect(),
        };
        let updates = found.iter().map(explained).collect();
        Self {
            schema: "patchd/explain/1",
            package: package.to_string(),
            updates,
        }
    }
}

impl From<&Offer> for OfferJson {
    fn from(offer: &Offer) -> Self {
        Self {
            version: offer.version.to_string(),
            origins: offer
                .origins
                .iter()
                .map(|origin| origin.label.clone())
                .collect(),
            security: offer.security(),
        }
    }
}

impl From<RuleTrace> for RuleJson {
    fn from(trace: RuleTrace) -> Self {
        let condition = |it: ConditionTrace| ConditionJson {
            key: it.key,
            holds: it.truth.to_string(),
            fact: it.fact,
        };
        Self {
            number: trace.number,
            holds: trace.truth.to_string(),
            conditions: trace.conditions.into_iter().map(condition).collect(),
        }
    }
}

impl Reboot {
    /// Owed for these reasons.
    #[must_use]
    pub fn new(reasons: Vec<String>, since: Option<Timestamp>) -> Self {
        let since = since.filter(|_| !reasons.is_empty()).map(time);
        Self {
            owed: !reasons.is_empty(),
            since,
            reasons,
        }
    }
}

impl From<&RunRow> for Run {
    fn from(row: &RunRow) -> Self {
        let course = &row.state.course;
        let aside = |aside: &crate::cycle::SetAside| SetAside {
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

/// RFC 3339, whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The word that serde writes for a variant.
fn word(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "unknown".to_owned(),
    }
}
