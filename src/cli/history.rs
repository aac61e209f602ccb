//! `patchd history`: past runs, and one of them in full.

use super::context::{Context, Trouble, is_root};
use super::json::{self, History, Run, RunDocument};
use super::screen::Screen;
use crate::model::{ExitCode, RunId};
use crate::state::{Ledger, RunDetail, RunRow};

/// Lists runs, or tells one.
pub(super) fn history(
    context: &Context,
    screen: &Screen,
    run: Option<&str>,
    count: u32,
) -> Result<ExitCode, Trouble> {
    if !is_root() {
        return Err(Trouble::not_permitted(
            "the ledger is for root alone; run this with sudo",
        ));
    }
    let run = run.map(parse).transpose()?;
    let ledger = Ledger::open_existing(&context.paths.ledger())?;
    match (run, &ledger) {
        (None, None) if screen.wants_json() => list(screen, &[]),
        (None, None) => Screen::line("no run yet"),
        (None, Some(ledger)) => list(screen, &ledger.runs(count)?),
        (Some(id), ledger) => {
            let detail = ledger
                .as_ref()
                .map(|ledger| ledger.run(id))
                .transpose()?
                .flatten();
            let unknown = || {
                Trouble::failed(&format!(
                    "there is no run {id}; `patchd history` lists them"
                ))
            };
            tell(screen, &detail.ok_or_else(unknown)?);
        }
    }
    Ok(ExitCode::Success)
}

/// A run's id as typed.
pub(super) fn parse(text: &str) -> Result<RunId, Trouble> {
    RunId::try_from(text.to_owned()).map_err(|invalid| Trouble::usage(invalid.to_string()))
}

fn list(screen: &Screen, runs: &[RunRow]) {
    let runs: Vec<Run> = runs.iter().map(Run::from).collect();
    if screen.wants_json() {
        return Screen::document(&History {
            schema: "patchd/history/1",
            runs,
        });
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

fn tell(screen: &Screen, detail: &RunDetail) {
    let document = RunDocument::from(detail);
    if screen.wants_json() {
        return Screen::document(&document);
    }
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
    let lasted = |phase: &json::PhaseJson| {
        phase
            .duration_ms
            .map(|ms| format!("{ms} ms"))
            .unwrap_or_default()
    };
    let phases: Vec<Vec<String>> = document
        .phases
        .iter()
        .map(|phase| {
            vec![
                phase.at.clone(),
                phase.stage.clone(),
                lasted(phase),
                format!("after {}", phase.event),
            ]
        })
        .collect();
    Screen::table(&["AT", "PHASE", "LASTED", ""], &phases);
    if !detail.row.state.course.changed.is_empty() {
        Screen::line("");
        detail
            .row
            .state
            .course
            .changed
            .iter()
            .for_each(|change| Screen::line(&format!("  {change}")));
    }
    for finding in &run.findings {
        Screen::line(&format!("{}: {}", finding.class, finding.detail));
    }
    let stayed: Vec<Vec<String>> = document
        .decisions
        .iter()
        .filter(|decided| decided.decision != "install")
        .map(|decided| {
            vec![
                format!("{}:{}", decided.package, decided.architecture),
                decided.decision.clone(),
                decided.reason.clone(),
            ]
        })
        .collect();
    if !stayed.is_empty() {
        Screen::line("");
        Screen::table(&["NOT INSTALLED", "DECISION", "REASON"], &stayed);
    }
}
