//! `patchd check`: what is pending, and what becomes of it.

use super::answerer::ask;
use super::context::{Context, Trouble};
use super::screen::Screen;
use super::takeover::rivals;
use super::vulnerabilities;
use crate::control::Question;
use crate::control::document::{Check, Update};
use crate::model::ExitCode;

/// The order in which decisions are counted, and those worth counting.
const DECISIONS: [&str; 8] = [
    "install",
    "soaking",
    "report-only",
    "held",
    "rejected",
    "quarantined",
    "blocked",
    "not-selected",
];

/// Shows it. 0 whether or not something is pending, unless asked otherwise; 7
/// when not everything could be seen.
pub(super) async fn check(
    context: &Context,
    screen: &Screen,
    policy: Option<String>,
    exit_code: bool,
) -> Result<ExitCode, Trouble> {
    let (value, check) = ask::<Check>(context, Question::Check { policy }).await?;
    if screen.wants_json() {
        Screen::document(&value);
    } else {
        print(&check);
    }
    let pending = exit_code && !check.updates.is_empty();
    Ok(match check.exit_code() {
        ExitCode::Success if pending => ExitCode::UpdatesPending,
        code => code,
    })
}

fn print(check: &Check) {
    if check.updates.is_empty() {
        Screen::line("nothing newer is on offer");
    } else {
        let rows: Vec<Vec<String>> = check.updates.iter().map(row).collect();
        Screen::table(
            &[
                "PACKAGE",
                "INSTALLED",
                "TO",
                "ORIGIN",
                "CLOSES",
                "DECISION",
                "REASON",
            ],
            &rows,
        );
        Screen::line("");
        Screen::line(&counts(&check.updates));
    }
    if let Some(found) = &check.vulnerabilities {
        vulnerabilities::print(found, &check.vulnerable);
    }
    // One that was never fetched is told below, among what is missing.
    let told = ["fresh", "missing"];
    let troubled = check
        .repositories
        .iter()
        .filter(|it| !told.contains(&it.state.as_str()));
    for repository in troubled {
        let advice = repository.advice.as_deref().unwrap_or_default();
        Screen::line(&format!(
            "repository {} is {}: {advice}",
            repository.id, repository.state
        ));
    }
    let stale = check.running.stale_units.iter().flatten();
    let stale: Vec<&str> = stale.map(|it| it.unit.as_str()).collect();
    if !stale.is_empty() {
        Screen::line(&format!("old code goes on in {}", stale.join(", ")));
    }
    let reboot = &check.running.reboot;
    if reboot.owed {
        Screen::line(&format!("a reboot is owed: {}", reboot.reasons.join(", ")));
    }
    rivals(check.rivals.as_deref());
    for gap in &check.gaps {
        Screen::line(&format!("not complete: {gap}"));
    }
}

fn row(update: &Update) -> Vec<String> {
    let origin = update.origin.clone();
    vec![
        format!("{}:{}", update.package, update.architecture),
        update.installed.clone(),
        update.target.clone(),
        origin.unwrap_or_else(|| "unknown".to_owned()),
        closes(update),
        update.decision.clone(),
        update.reason.clone(),
    ]
}

/// `12 CVEs, P1`; nothing where nobody can tell, or there is none.
fn closes(update: &Update) -> String {
    let count = match update.cves.len() {
        0 => return String::new(),
        1 => "1 CVE".to_owned(),
        more => format!("{more} CVEs"),
    };
    match &update.tier {
        Some(tier) => format!("{count}, {tier}"),
        None => count,
    }
}

fn counts(updates: &[Update]) -> String {
    let count = |decision| updates.iter().filter(|it| it.decision == decision).count();
    let named: Vec<String> = DECISIONS
        .into_iter()
        .filter(|decision| count(*decision) > 0)
        .map(|decision| format!("{} {decision}", count(decision)))
        .collect();
    format!("{} updates pending: {}", updates.len(), named.join(", "))
}
