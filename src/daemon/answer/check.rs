//! What is pending, and what becomes of it.

use std::path::Path;

use super::{View, feeds, machine, rivals, time, vulnerabilities, word};
use crate::config::Settings;
use crate::control::ControlError;
use crate::control::document::{self, Reboot};
use crate::daemon::quarantine::kept_away;
use crate::daemon::survey::{Survey, survey};
use crate::daemon::vulnerabilities::Lookup;
use crate::model::{Decided, ExitCode, LiveLook, PendingUpdate, Repository};
use crate::os;
use crate::os::clock;
use crate::package_manager::PackageManager;
use crate::policy::{self, Asked, Judge};
use crate::running::{self, Kernel};
use crate::state::Ledger;
use crate::worker::FOLDER;

/// One look at everything that is pending and owed.
#[derive(Debug)]
pub struct Look {
    /// What is pending and what becomes of it.
    pub survey: Survey,
    /// The kernel that runs.
    pub kernel: Kernel,
    /// Who ran old code when the worker looked last.
    pub live: Option<LiveLook>,
    /// Whether a reboot is owed.
    pub reboot: Reboot,
}

pub(super) async fn check<P: PackageManager>(
    view: &View<'_, P>,
    policy: &str,
) -> Result<document::Check, ControlError> {
    let Look {
        survey:
            Survey {
                pending,
                decisions,
                vulnerabilities,
            },
        kernel,
        live,
        reboot,
    } = look(view, policy).await?;
    let both = pending.updates.iter().zip(&decisions);
    Ok(document::Check {
        schema: "patchd/check/1".to_owned(),
        at: time(clock::now()),
        complete: pending.complete,
        updates: both.map(|(seen, decided)| update(seen, decided)).collect(),
        vulnerabilities: vulnerabilities.as_ref().map(vulnerabilities::summary),
        vulnerable: vulnerabilities
            .iter()
            .flat_map(|found| &found.open)
            .filter_map(vulnerabilities::vulnerable)
            .collect(),
        gaps: pending.gaps,
        host: machine::host(&view.parts.host),
        distribution: os::machine::distribution().ok().map(machine::distribution),
        package_manager: view.parts.package_manager.name().to_owned(),
        running: document::Running {
            kernel: machine::kernel(kernel),
            stale_units: live.map(machine::stale_units),
            reboot,
        },
        repositories: pending.repositories.into_iter().map(repository).collect(),
        feeds: feeds::states(view),
        rivals: rivals::active().await,
    })
}

/// Looks, with the ledger's clocks when it is ours and without otherwise.
pub async fn look<P: PackageManager>(view: &View<'_, P>, name: &str) -> Result<Look, ControlError> {
    let now = clock::now();
    let asked = Asked::default();
    let kept_away = kept_away(view.parts).await?;
    let judge = Judge {
        name,
        policy: policy(&view.parts.settings, name)?,
        asked: &asked,
        set_aside: &[],
        kept_away: &kept_away,
        now,
    };
    let mut ledger = if view.answerer.owns_ledger() {
        Some(Ledger::open(&view.parts.paths.ledger())?)
    } else {
        None
    };
    let package_manager = &view.parts.package_manager;
    let lookup = Lookup::of(view.parts);
    let mut survey = survey(package_manager, ledger.as_mut(), judge, lookup.as_ref()).await?;
    survey.pending.doubt_missing();
    let kernel = running::kernel(Path::new("/"));
    let live = running::live_look(Path::new(FOLDER), &view.parts.host.boot_id);
    let reasons = machine::reasons(view.parts, &kernel, live.as_ref());
    let since = match ledger.as_mut() {
        Some(ledger) => ledger.owe_reboot(&reasons, now)?,
        None => None,
    };
    Ok(Look {
        survey,
        kernel,
        live,
        reboot: machine::reboot(reasons, since),
    })
}

/// The policy of that name.
pub(super) fn policy<'a>(
    settings: &'a Settings,
    name: &str,
) -> Result<&'a policy::Settings, ControlError> {
    let unknown = || {
        let known: Vec<&str> = settings.policies.keys().map(String::as_str).collect();
        let sentence = format!("there is no policy {name:?}; there is {}", known.join(", "));
        ControlError::failed(sentence, ExitCode::Usage)
    };
    settings.policies.get(name).ok_or_else(unknown)
}

/// An update with the decision about it.
pub(super) fn update(update: &PendingUpdate, decided: &Decided) -> document::Update {
    let mut offers = update.offers.iter();
    let offer = offers.find(|offer| offer.version == decided.target);
    let origin = offer.and_then(|offer| offer.origins.first());
    let remedy = offer.and_then(|offer| offer.remedy.as_ref());
    document::Update {
        package: update.id.name.to_string(),
        architecture: update.id.architecture.to_string(),
        installed: update.installed.to_string(),
        candidate: update.candidate.to_string(),
        target: decided.target.to_string(),
        source: update.source.to_string(),
        origin: origin.map(|origin| origin.label.clone()),
        security: update.security(),
        severity: remedy.and_then(|it| it.severity).map(|it| it.to_string()),
        tier: remedy.and_then(|it| it.tier).map(|it| it.to_string()),
        known_exploited: remedy.map(|it| it.known_exploited),
        epss: remedy
            .and_then(|it| it.epss)
            .map(|it| f64::from(it) / 10_000.0),
        cves: remedy
            .iter()
            .flat_map(|it| &it.cves)
            .map(ToString::to_string)
            .collect(),
        decision: decided.decision.to_string(),
        reason: decided.reason.clone(),
        rule: decided.rule.clone(),
        due: decided.due.map(time),
        download_bytes: offer.and_then(|offer| offer.download_bytes),
    }
}

fn repository(repository: Repository) -> document::Repository {
    let Repository {
        id,
        age_seconds,
        state,
        advice,
    } = repository;
    document::Repository {
        id,
        age_seconds,
        state: word(&state),
        advice,
    }
}
