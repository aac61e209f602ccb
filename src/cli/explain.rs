//! `patchd explain PACKAGE`: which rule says what, and what stands in the way.

use super::answerer::ask;
use super::context::{Context, Trouble};
use super::run::bare;
use super::screen::{Mark, Screen};
use crate::control::Question;
use crate::control::document::{ExplainedUpdate, Explanation, Offer, Rule};
use crate::model::ExitCode;

/// Explains every architecture of the package.
pub(super) async fn explain(
    context: &Context,
    screen: &Screen,
    package: &str,
    policy: Option<String>,
) -> Result<ExitCode, Trouble> {
    let question = Question::Explain {
        package: bare(package)?,
        policy,
    };
    let (value, explanation) = ask::<Explanation>(context, question).await?;
    if screen.wants_json() {
        Screen::document(&value);
    } else {
        print(screen, &explanation);
    }
    Ok(explanation.exit_code())
}

fn print(screen: &Screen, explanation: &Explanation) {
    let package = &explanation.package;
    for update in &explanation.updates {
        tell(screen, update);
    }
    for installed in &explanation.installed {
        let newer = |it: &&ExplainedUpdate| it.update.architecture == installed.architecture;
        if !explanation.updates.iter().any(|it| newer(&it)) {
            Screen::line(&format!(
                "{package}:{} {} is installed, and nothing newer is on offer",
                installed.architecture, installed.version
            ));
        }
    }
    for gap in &explanation.gaps {
        Screen::line(&format!("not complete: {gap}"));
    }
}

fn tell(screen: &Screen, explained: &ExplainedUpdate) {
    let update = &explained.update;
    screen.heading(&format!(
        "{}:{}: {} ({}), says {}",
        update.package,
        update.architecture,
        update.decision,
        update.reason,
        update.rule.as_deref().unwrap_or("no rule")
    ));
    Screen::line(&format!(
        "  installed  {} (source {})",
        update.installed, update.source
    ));
    for offer in &explained.offers {
        Screen::line(&format!("  on offer   {}", on_offer(offer)));
    }
    if let Some(block) = &explained.in_the_way {
        Screen::line(&format!("  in the way {block}"));
    }
    if let Some(due) = &update.due {
        Screen::line(&format!("  due        {due}"));
    }
    for rule in &explained.rules {
        let (mark, sentence) = holds(rule);
        screen.mark(mark, &format!("rule {}: {sentence}", rule.number));
        for condition in &rule.conditions {
            Screen::line(&format!(
                "       {} is {} (here: {})",
                condition.key, condition.holds, condition.fact
            ));
        }
    }
    Screen::line("");
}

fn on_offer(offer: &Offer) -> String {
    let origins = match offer.origins.as_slice() {
        [] => "no known origin".to_owned(),
        origins => origins.join(", "),
    };
    let security = match offer.security {
        Some(true) => ", a security fix",
        _ => "",
    };
    format!("{} from {origins}{security}", offer.version)
}

fn holds(rule: &Rule) -> (Mark, &'static str) {
    match rule.holds.as_str() {
        "true" => (Mark::Good, "holds"),
        "false" => (Mark::Plain, "does not hold"),
        _ => (Mark::Unknown, "cannot be told, so it does not count"),
    }
}
