//! `patchd run`: by the daemon, or with none in this very process.

pub(super) mod here;
pub(super) mod there;

use serde_json::Value;

use super::answerer::require_daemon;
use super::arguments::RunArguments;
use super::context::{Context, Trouble};
use super::screen::Screen;
use crate::control::document::RunDocument;
use crate::control::{Action, Call};
use crate::daemon::events::event;
use crate::model::{ExitCode, Outcome, PackageName};
use crate::os::{environment, journal};

/// Patches, shows how far it is, and exits with the outcome's code.
pub(super) async fn run(
    context: &Context,
    screen: &Screen,
    wish: &RunArguments,
) -> Result<ExitCode, Trouble> {
    without_own_file(context)?;
    if wish.attach {
        require_daemon(context)?;
        let ended = there::watch(screen, &Call::Follow { run: None }).await?;
        return conclude_unless_left(screen, ended);
    }
    let packages = wish.packages.iter().map(|name| bare(name));
    let packages = packages.collect::<Result<Vec<_>, _>>()?;
    if !context.asks_daemon()? {
        let ended = here::run(context, screen, wish, packages).await?;
        return conclude(screen, ended);
    }
    let start = Action::Start {
        schedule: wish.schedule.clone(),
        policy: wish.policy.clone(),
        packages,
        now: wish.now,
        sudo_user: environment::sudo_user(),
    };
    let ended = there::watch(screen, &Call::Act(start)).await?;
    conclude_unless_left(screen, ended)
}

/// The worker knows the machine's own configuration, and no other.
pub(super) fn without_own_file(context: &Context) -> Result<(), Trouble> {
    if !context.has_own_file() {
        return Ok(());
    }
    let sentence = "a run is governed by the machine's own configuration, which the worker reads itself; put it into /etc/patchd, and try it with `patchd check --config FILE`";
    Err(Trouble::usage(sentence.to_owned()))
}

/// A package as somebody types it; all architectures of `name:architecture` are meant.
pub(super) fn bare(typed: &str) -> Result<PackageName, Trouble> {
    let name = typed.split_once(':').map_or(typed, |(name, _)| name);
    PackageName::try_from(name.to_owned()).map_err(|invalid| Trouble::usage(invalid.to_string()))
}

/// A run that never began is told where runs are told: no skip in silence. On
/// standard error the sentence itself is enough.
pub(super) fn tell_skipped(trouble: &Trouble) {
    if journal::is_journal() {
        let reason = trouble.code.reason();
        event!(
            SKIPPED as Error,
            PATCHD_REASON = reason,
            "no run: {}",
            trouble.sentence
        );
    }
}

/// Leaving a run that goes on is no fault.
pub(super) fn conclude_unless_left(
    screen: &Screen,
    ended: Option<Value>,
) -> Result<ExitCode, Trouble> {
    ended.map_or(Ok(ExitCode::Success), |ended| conclude(screen, ended))
}

/// A run has ended: shows it, whoever drove it.
pub(super) fn conclude(screen: &Screen, value: Value) -> Result<ExitCode, Trouble> {
    if screen.wants_json() {
        Screen::document(&value);
    }
    let document: RunDocument =
        serde_json::from_value(value).map_err(|cause| Trouble::failed(&cause))?;
    if !screen.wants_json() {
        print(&document);
    }
    code_of("run", document.run.exit_code)
}

/// What a run exits with that has told how it ended.
pub(super) fn code_of(what: &str, told: Option<u8>) -> Result<ExitCode, Trouble> {
    let code = told.map(ExitCode::try_from).transpose();
    code.map_err(|cause| Trouble::failed(&cause))?
        .ok_or_else(|| Trouble::failed(&format!("the {what} has no outcome; see `patchd status`")))
}

fn print(document: &RunDocument) {
    let run = &document.run;
    for change in &run.packages {
        Screen::line(&format!("  {change}"));
    }
    let outcome = run.outcome.as_deref().unwrap_or("open");
    let summary = run.summary.as_deref().unwrap_or_default();
    Screen::line(&format!("run {} {outcome}: {summary}", run.id));
    match outcome_of(outcome) {
        Some(Outcome::Partial | Outcome::RolledBack | Outcome::NeedsHuman | Outcome::Failed) => {
            Screen::line(&format!(
                "see `patchd history {0}` and `patchd logs {0}`",
                run.id
            ));
        }
        Some(Outcome::Deferred | Outcome::Cloned) => {
            Screen::line("run it again when the reason is gone");
        }
        Some(Outcome::Succeeded | Outcome::RebootOwed) | None => {}
    }
}

fn outcome_of(word: &str) -> Option<Outcome> {
    serde_json::from_value(Value::String(word.to_owned())).ok()
}
