//! `patchd status`: how the last run ended, and what is owed.

use super::answerer::ask;
use super::context::{Context, Trouble};
use super::screen::Screen;
use super::takeover::rivals;
use crate::control::Question;
use crate::control::document::{Run, Status};
use crate::model::ExitCode;

/// Shows it and exits with the last run's code, or 3 when a reboot is owed.
pub(super) async fn status(context: &Context, screen: &Screen) -> Result<ExitCode, Trouble> {
    let (value, status) = ask::<Status>(context, Question::Status).await?;
    if screen.wants_json() {
        Screen::document(&value);
    } else {
        print(screen, &status);
    }
    Ok(status.exit_code())
}

fn print(screen: &Screen, status: &Status) {
    match &status.last_run {
        None => Screen::line("no run yet; `sudo patchd run --now` patches this machine"),
        Some(run) => {
            let heading = format!("{}: run {} of {}", status.state, run.id, run.opened_at);
            screen.heading(&heading);
            Screen::line(&format!("  {}", how(&status.state, run)));
        }
    }
    if let Some(fault) = &status.config_fault {
        Screen::line("the configuration in /etc/patchd has faults and is not in force:");
        fault
            .lines()
            .for_each(|line| Screen::line(&format!("  {line}")));
    }
    if let Some(pause) = &status.paused {
        let reason = pause.reason.as_ref().map(|reason| format!(" ({reason})"));
        Screen::line(&format!(
            "{} has paused patching since {}{}; `patchd resume` ends that",
            pause.by,
            pause.since,
            reason.unwrap_or_default()
        ));
    }
    let reboot = &status.reboot;
    if reboot.owed {
        let since = reboot
            .since
            .as_ref()
            .map(|since| format!(" since {since}"))
            .unwrap_or_default();
        let reasons = reboot.reasons.join(", ");
        Screen::line(&format!("a reboot is owed{since}: {reasons}"));
    }
    if let Some(kept) = status
        .quarantine
        .as_ref()
        .filter(|it| !it.sources.is_empty())
    {
        let sources = kept.sources.join(", ");
        Screen::line(&format!(
            "kept away: {sources}; `patchd quarantine` says why and until when"
        ));
        if !kept.unsolved.is_empty() {
            let unsolved = kept.unsolved.join(", ");
            Screen::line(&format!(
                "no culprit was found among {unsolved}: look at them, then let in what is harmless with `patchd quarantine remove`"
            ));
        }
    }
    rivals(status.rivals.as_deref());
    if let Some(next) = &status.next {
        Screen::line(&format!("next: {} at {}", next.schedule, next.starts));
    }
}

fn how(state: &str, run: &Run) -> String {
    let place = run.stage.as_deref().unwrap_or("at its end");
    match (&run.summary, state) {
        (Some(summary), _) => summary.clone(),
        (None, "interrupted") => format!(
            "it was cut short while {place}; the next run finds out what became of it and goes on"
        ),
        (None, _) => format!(
            "it is {place}; `patchd run --attach` watches it, `patchd logs -f {}` shows more",
            run.id
        ),
    }
}
