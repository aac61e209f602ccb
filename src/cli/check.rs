//! `patchd check`: what is pending, and what becomes of it.

use std::path::Path;

use super::context::{Context, Trouble, is_root};
use super::json::{self, DistributionJson, HostJson, KernelJson, Reboot, RepositoryJson, Update};
use super::rivals;
use super::screen::Screen;
use crate::config::Settings;
use crate::daemon::{Parts, Survey, survey};
use crate::model::{Decision, ExitCode, RepositoryState};
use crate::os::{clock, machine};
use crate::package_manager::{PackageManager, apt::Apt};
use crate::policy::{Asked, Judge};
use crate::running::{self, Kernel};
use crate::state::Ledger;

/// Shows it. 0 whether or not something is pending, unless asked otherwise; 7
/// when not everything could be seen.
pub(super) async fn check(
    context: &Context,
    screen: &Screen,
    policy: &str,
    exit_code: bool,
) -> Result<ExitCode, Trouble> {
    let parts = context.parts()?;
    let look = look(&parts, policy).await?;
    if screen.wants_json() {
        Screen::document(&document(&parts, &look));
    } else {
        print(&look);
        for rival in rivals::active().await {
            Screen::line(&format!("{rival} patches this machine too"));
        }
    }
    let pending = !look.survey.pending.updates.is_empty();
    Ok(match look.survey.pending.complete {
        false => ExitCode::NeedsHuman,
        true if exit_code && pending => ExitCode::UpdatesPending,
        true => ExitCode::Success,
    })
}

/// One look at everything that `check`, `explain` and `doctor` show.
pub(super) struct Look {
    pub survey: Survey,
    pub kernel: Kernel,
    pub reboot: Reboot,
}

/// Looks, with the ledger's clocks when we may open it and without otherwise.
pub(super) async fn look(parts: &Parts<Apt>, name: &str) -> Result<Look, Trouble> {
    let policy = policy(&parts.settings, name)?;
    let now = clock::now();
    let asked = Asked::default();
    let judge = Judge {
        name,
        policy,
        asked: &asked,
        set_aside: &[],
        now,
    };
    let mut ledger = if is_root() {
        Some(Ledger::open(&parts.paths.ledger())?)
    } else {
        None
    };
    let mut survey = survey(&parts.package_manager, ledger.as_mut(), judge).await?;
    survey.pending.doubt_missing();
    let kernel = running::kernel(Path::new("/"));
    let reasons = running::reboot_reasons(Path::new("/"), &kernel);
    let since = match ledger.as_mut() {
        Some(ledger) => ledger.owe_reboot(&reasons, now)?,
        None => None,
    };
    Ok(Look {
        survey,
        kernel,
        reboot: Reboot::new(reasons, since),
    })
}

/// The policy of that name.
pub(super) fn policy<'a>(
    settings: &'a Settings,
    name: &str,
) -> Result<&'a crate::policy::Settings, Trouble> {
    let known: Vec<&str> = settings.policies.keys().map(String::as_str).collect();
    let unknown = || {
        Trouble::usage(format!(
            "there is no policy {name:?}; there is {}",
            known.join(", ")
        ))
    };
    settings.policies.get(name).ok_or_else(unknown)
}

fn document(parts: &Parts<Apt>, look: &Look) -> json::Check {
    let Survey { pending, decisions } = &look.survey;
    json::Check {
        schema: "patchd/check/1",
        at: json::time(clock::now()),
        complete: pending.complete,
        gaps: pending.gaps.clone(),
        host: HostJson::from(&parts.host),
        distribution: machine::distribution().ok().map(DistributionJson::from),
        package_manager: parts.package_manager.name(),
        updates: pending
            .updates
            .iter()
            .zip(decisions)
            .map(|(update, decided)| Update::new(update, decided))
            .collect(),
        running: json::Running {
            kernel: KernelJson::from(look.kernel.clone()),
            reboot: look.reboot.clone(),
        },
        repositories: pending
            .repositories
            .iter()
            .map(RepositoryJson::from)
            .collect(),
    }
}

fn print(look: &Look) {
    let Survey { pending, decisions } = &look.survey;
    let updates: Vec<Update> = pending
        .updates
        .iter()
        .zip(decisions)
        .map(|(update, decided)| Update::new(update, decided))
        .collect();
    if updates.is_empty() {
        Screen::line("nothing newer is on offer");
    } else {
        let row = |update: &Update| {
            vec![
                format!("{}:{}", update.package, update.architecture),
                update.installed.clone(),
                update.target.clone(),
                update
                    .origin
                    .clone()
                    .unwrap_or_else(|| "unknown".to_owned()),
                update.decision.clone(),
                update.reason.clone(),
            ]
        };
        let rows: Vec<Vec<String>> = updates.iter().map(row).collect();
        Screen::table(
            &["PACKAGE", "INSTALLED", "TO", "ORIGIN", "DECISION", "REASON"],
            &rows,
        );
        Screen::line("");
        Screen::line(&counts(look));
    }
    // One that was never fetched is told below, among what is missing.
    let told = [RepositoryState::Fresh, RepositoryState::Missing];
    for repository in pending
        .repositories
        .iter()
        .filter(|it| !told.contains(&it.state))
    {
        let advice = repository.advice.as_deref().unwrap_or_default();
        Screen::line(&format!(
            "repository {} is {}: {advice}",
            repository.id, repository.state
        ));
    }
    if look.reboot.owed {
        Screen::line(&format!(
            "a reboot is owed: {}",
            look.reboot.reasons.join(", ")
        ));
    }
    for gap in &pending.gaps {
        Screen::line(&format!("not complete: {gap}"));
    }
}

fn counts(look: &Look) -> String {
    let count = |decision| {
        look.survey
            .decisions
            .iter()
            .filter(|decided| decided.decision == decision)
            .count()
    };
    let all = [
        Decision::Install,
        Decision::Soaking,
        Decision::ReportOnly,
        Decision::Held,
        Decision::Rejected,
        Decision::Blocked,
        Decision::NotSelected,
    ];
    let named: Vec<String> = all
        .into_iter()
        .filter(|decision| count(*decision) > 0)
        .map(|decision| format!("{} {decision}", count(decision)))
        .collect();
    format!(
        "{} updates pending: {}",
        look.survey.decisions.len(),
        named.join(", ")
    )
}
