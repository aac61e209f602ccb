//! Past runs, and one of them in full.

use jiff::Timestamp;
use serde_json::Value;

use super::{View, rehearsal, time, value, word};
use crate::control::{ControlError, document};
use crate::cycle;
use crate::model::{Change, Decided, Finding, RolledBack, RunId, StaleUnit};
use crate::state::{Ledger, RunDetail, RunRow, Skip, Transition};

pub(super) fn history<P>(
    view: &View<'_, P>,
    count: u32,
) -> Result<document::History, ControlError> {
    let (rows, skips) = match view.ledger()? {
        Some(ledger) => (ledger.runs(count)?, ledger.skips(count)?),
        None => Default::default(),
    };
    Ok(document::History {
        schema: "patchd/history/1".to_owned(),
        runs: rows.iter().map(row).collect(),
        skips: skips.into_iter().map(skip).collect(),
    })
}

fn skip(skip: Skip) -> document::Skip {
    document::Skip {
        at: time(skip.at),
        schedule: skip.schedule,
        reason: skip.reason.to_string(),
        sentence: skip.sentence,
    }
}

/// One run in full, for whoever has the ledger open already.
pub fn run(ledger: &Ledger, id: RunId) -> Result<Value, ControlError> {
    match ledger.run(id)? {
        Some(detail) => value(&told(&detail)),
        None => Err(ControlError::NoSuchRun { run: Some(id) }),
    }
}

fn told(detail: &RunDetail) -> document::RunDocument {
    document::RunDocument {
        schema: "patchd/run/1".to_owned(),
        run: row(&detail.row),
        phases: phases(&detail.transitions),
        decisions: detail.decisions.iter().map(decision).collect(),
        rehearsal: detail
            .row
            .state
            .course
            .rehearsal
            .as_deref()
            .map(rehearsal::told),
    }
}

/// A run without its steps.
pub(super) fn row(row: &RunRow) -> document::Run {
    let course = &row.state.course;
    let aside = |aside: &cycle::SetAside| document::SetAside {
        package: aside.package.to_string(),
        reason: aside.reason.clone(),
    };
    let stage = row.state.stage.name().to_owned();
    document::Run {
        id: row.opened.id.to_string(),
        opened_at: time(row.opened.opened_at),
        closed_at: row.closed_at.map(time),
        outcome: row.outcome.map(|outcome| outcome.to_string()),
        exit_code: row.outcome.map(|outcome| outcome.exit_code().into()),
        summary: row.summary.clone(),
        stage: row.outcome.is_none().then_some(stage),
        origin: row.opened.origin.clone(),
        asked_by: row.opened.asked_by.clone(),
        policy: row.opened.policy.clone(),
        packages: course.changed.iter().map(change).collect(),
        set_aside: course.set_aside.iter().map(aside).collect(),
        kept_conffiles: course.kept_conffiles.clone(),
        findings: course.findings.iter().map(finding).collect(),
        aftermath: aftermath(course),
    }
}

pub(super) fn aftermath(course: &cycle::Course) -> document::Aftermath {
    let units = |units: &[StaleUnit]| units.iter().map(old_code).collect();
    let changes = |changes: &[Change]| changes.iter().map(change).collect();
    let because = || course.broke.iter().map(|it| it.detail.clone()).collect();
    let back = |back: &RolledBack| document::RolledBack {
        because: because(),
        restored: changes(&back.restored),
        left: changes(&back.left),
        kept_files: back.kept_files.clone(),
        unseen: back.unseen.clone(),
        older_files: back.older_files.clone(),
        not_rehearsed: back.not_rehearsed.clone(),
        failure: back.failure.clone(),
        next_steps: back.next_steps.clone(),
    };
    document::Aftermath {
        restarted: course.restarted.restarted.clone(),
        restart_failed: units(&course.restarted.failed),
        stale_units: units(&course.restarted.stale),
        rebooted: course.rebooted,
        reboot_put_off: course.put_off.clone(),
        rolled_back: course.rolled_back.as_deref().map(back),
        kept_away: course.kept_away.clone().unwrap_or_default(),
    }
}

fn old_code(it: &StaleUnit) -> document::OldCode {
    document::OldCode {
        unit: it.unit.clone(),
        why: it.why.clone(),
    }
}

pub(super) fn change(change: &Change) -> document::PackageChange {
    document::PackageChange {
        package: change.id.name.to_string(),
        architecture: change.id.architecture.to_string(),
        from: change.from.as_ref().map(ToString::to_string),
        to: change.to.as_ref().map(ToString::to_string),
    }
}

pub(super) fn finding(finding: &Finding) -> document::Finding {
    let Finding {
        class,
        check,
        subject,
        detail,
        ..
    } = finding.clone();
    document::Finding {
        class: word(&class),
        check,
        subject,
        detail,
    }
}

pub(super) fn decision(decided: &Decided) -> document::Decision {
    document::Decision {
        package: decided.id.name.to_string(),
        architecture: decided.id.architecture.to_string(),
        decision: decided.decision.to_string(),
        target: decided.target.to_string(),
        reason: decided.reason.clone(),
        rule: decided.rule.clone(),
    }
}

fn phases(transitions: &[Transition]) -> Vec<document::Phase> {
    let ends = transitions
        .iter()
        .skip(1)
        .map(|next| Some(next.at))
        .chain([None]);
    let lasted = |from: Timestamp, to: Timestamp| to.as_millisecond() - from.as_millisecond();
    let phase = |(step, end): (&Transition, Option<Timestamp>)| document::Phase {
        stage: step.stage.clone(),
        at: time(step.at),
        event: step.event.clone(),
        duration_ms: end.map(|end| lasted(step.at, end)),
    };
    transitions.iter().zip(ends).map(phase).collect()
}
