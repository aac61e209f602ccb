//! `patchd history`: past runs, what was skipped, and one run in full.

use super::answerer::ask;
use super::context::{Context, Trouble};
use super::screen::Screen;
use crate::control::Question;
use crate::control::document::{Decision, History, Phase, Run, RunDocument, Skip};
use crate::model::{ExitCode, RunId};

/// Lists runs and skips, or tells one run.
pub(super) async fn history(
    context: &Context,
    screen: &Screen,
    run: Option<&str>,
    count: u32,
) -> Result<ExitCode, Trouble> {
    let value = if let Some(run) = run {
        let question = Question::Run { run: parse(run)? };
        let (value, run) = ask::<RunDocument>(context, question).await?;
        if !screen.wants_json() {
            tell(screen, &run);
        }
        value
    } else {
        let count = Some(count);
        let (value, history) = ask::<History>(context, Question::History { count }).await?;
        if !screen.wants_json() {
            list(&history.runs);
            skipped(&history.skips);
        }
        value
    };
    if screen.wants_json() {
        Screen::document(&value);
    }
    Ok(ExitCode::Success)
}

/// A run's id as typed.
pub(super) fn parse(text: &str) -> Result<RunId, Trouble> {
    RunId::try_from(text.to_owned()).map_err(|invalid| Trouble::usage(invalid.to_string()))
}

fn list(runs: &[Run]) {
    if runs.is_empty() {
        return Screen::line("no run yet");
    }
    let row = |run: &Run| {
        vec![
            run.id.clone(),
            run.opened_at.clone(),
            run.outcome.clone().unwrap_or_else(|| "open".to_owned()),
            run.packages.len().to_string(),
            run.asked_by.clone(),
            run.summary.clone().unwrap_or_default(),
        ]
    };
    Screen::table(
        &["RUN", "OPENED", "OUTCOME", "CHANGED", "ASKED BY", "SUMMARY"],
        &runs.iter().map(row).collect::<Vec<_>>(),
    );
}

fn skipped(skips: &[Skip]) {
    if skips.is_empty() {
        return;
    }
    let row = |skip: &Skip| {
        vec![
            skip.at.clone(),
            skip.schedule.clone(),
            skip.reason.clone(),
            skip.sentence.clone(),
        ]
    };
    Screen::line("");
    Screen::table(
        &["SKIPPED", "SCHEDULE", "REASON", ""],
        &skips.iter().map(row).collect::<Vec<_>>(),
    );
}

fn tell(screen: &Screen, document: &RunDocument) {
    let run = &document.run;
    let outcome = run.outcome.as_deref().unwrap_or("open");
    screen.heading(&format!("run {} {outcome}", run.id));
    Screen::line(&format!(
        "asked by {} under policy {}",
        run.asked_by, run.policy
    ));
    if let Some(summary) = &run.summary {
        Screen::line(summary);
    }
    Screen::line("");
    let phases: Vec<Vec<String>> = document.phases.iter().map(phase).collect();
    Screen::table(&["AT", "PHASE", "LASTED", ""], &phases);
    if !run.packages.is_empty() {
        Screen::line("");
    }
    for package in &run.packages {
        Screen::line(&format!("  {package}"));
    }
    for finding in &run.findings {
        Screen::line(&format!("{}: {}", finding.class, finding.detail));
    }
    let stays = document.decisions.iter();
    let stayed: Vec<Vec<String>> = stays
        .filter(|decided| decided.decision != "install")
        .map(stays_because)
        .collect();
    if !stayed.is_empty() {
        Screen::line("");
        Screen::table(&["NOT INSTALLED", "DECISION", "REASON"], &stayed);
    }
}

fn phase(phase: &Phase) -> Vec<String> {
    let lasted = phase.duration_ms.map(|ms| format!("{ms} ms"));
    vec![
        phase.at.clone(),
        phase.stage.clone(),
        lasted.unwrap_or_default(),
        format!("after {}", phase.event),
    ]
}

fn stays_because(decided: &Decision) -> Vec<String> {
    vec![
        format!("{}:{}", decided.package, decided.architecture),
        decided.decision.clone(),
        decided.reason.clone(),
    ]
}
