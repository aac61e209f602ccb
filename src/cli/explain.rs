//! `patchd explain PACKAGE`: which rule says what, and what stands in the way.

use super::check::{look, policy};
use super::context::{Context, Trouble};
use super::json::Explanation;
use super::run::bare;
use super::screen::{Mark, Screen};
use crate::model::{Decided, ExitCode, PendingUpdate};
use crate::package_manager::PackageManager;
use crate::policy::{RuleTrace, Truth, trace};

/// Explains every architecture of the package.
pub(super) async fn explain(
    context: &Context,
    screen: &Screen,
    package: &str,
    name: &str,
) -> Result<ExitCode, Trouble> {
    let package = bare(package)?;
    let parts = context.parts()?;
    let look = look(&parts, name).await?;
    let policy = policy(&parts.settings, name)?;
    let decided = look
        .survey
        .pending
        .updates
        .iter()
        .zip(&look.survey.decisions);
    let found: Vec<(&PendingUpdate, &Decided)> = decided
        .filter(|(update, _)| update.id.name == package)
        .collect();
    if screen.wants_json() {
        Screen::document(&Explanation::new(&package, &found, policy));
    } else if found.is_empty() {
        let installed = parts.package_manager.versions_of(&package).await?;
        for (id, version) in &installed {
            Screen::line(&format!(
                "{id} {version} is installed, and nothing newer is on offer"
            ));
        }
        if installed.is_empty() {
            return Err(Trouble::failed(&format!(
                "{package} is not installed; `patchd check` lists what is pending"
            )));
        }
    }
    if !screen.wants_json() {
        for (update, decided) in &found {
            print(screen, update, decided, &trace(&policy.rules, update));
        }
    }
    if !screen.wants_json() {
        for gap in &look.survey.pending.gaps {
            Screen::line(&format!("not complete: {gap}"));
        }
    }
    Ok(if look.survey.pending.complete {
        ExitCode::Success
    } else {
        ExitCode::NeedsHuman
    })
}

fn print(screen: &Screen, update: &PendingUpdate, decided: &Decided, rules: &[RuleTrace]) {
    screen.heading(&format!(
        "{}: {} ({}), says {}",
        update.id,
        decided.decision,
        decided.reason,
        decided.rule.as_deref().unwrap_or("no rule")
    ));
    Screen::line(&format!(
        "  installed  {} (source {})",
        update.installed, update.source
    ));
    for offer in &update.offers {
        let origins: Vec<String> = offer.origins.iter().map(ToString::to_string).collect();
        let origins = if origins.is_empty() {
            "no known origin".to_owned()
        } else {
            origins.join(", ")
        };
        let security = if offer.security() == Some(true) {
            ", a security fix"
        } else {
            ""
        };
        Screen::line(&format!(
            "  on offer   {} from {origins}{security}",
            offer.version
        ));
    }
    if let Some(block) = &update.blocked {
        Screen::line(&format!("  in the way {block}"));
    }
    if let Some(due) = decided.due {
        Screen::line(&format!("  due        {}", super::json::time(due)));
    }
    for rule in rules {
        screen.mark(
            mark(rule.truth),
            &format!("rule {}: {}", rule.number, sentence(rule.truth)),
        );
        for condition in &rule.conditions {
            Screen::line(&format!(
                "       {} is {} (here: {})",
                condition.key, condition.truth, condition.fact
            ));
        }
    }
    Screen::line("");
}

fn sentence(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "holds",
        Truth::False => "does not hold",
        Truth::Unknown => "cannot be told, so it does not count",
    }
}

fn mark(truth: Truth) -> Mark {
    match truth {
        Truth::True => Mark::Good,
        Truth::False => Mark::Plain,
        Truth::Unknown => Mark::Unknown,
    }
}
