//! Orders that belong to no run: the worker does them at once, and they change
//! nothing that a run would have to know of.

use super::driver::opening;
use super::events::event;
use super::hands::{Hands, Work};
use crate::control::{ControlError, document};
use crate::model::{ExitCode, Handover, Order, Phase, Report, RunId, Task, WorkerEvent};
use crate::os::clock;

/// A worker that reports on something else than it was ordered to do.
pub(super) const ASTRAY: &str =
    "the worker reported on something else; see `journalctl -u 'patchd-worker@*'`";

/// How often somebody is asked to close a record.
const CLOSINGS: usize = 3;

/// Gives such an order and waits for its report.
pub(super) async fn order<H: Hands>(hands: &mut H, phase: Phase) -> Result<Report, String> {
    let run = opening::new_id(clock::now(), None);
    give(hands, run, Task::plain(phase)).await
}

/// Gives one order of this run and waits for its report.
pub(super) async fn give<H: Hands>(
    hands: &mut H,
    run: RunId,
    task: Task,
) -> Result<Report, String> {
    let order = Order::new(run, task);
    let mut work = hands.order(&order).await.map_err(|lost| lost.to_string())?;
    loop {
        match work.next().await.map_err(|lost| lost.to_string())? {
            WorkerEvent::Done { report } => return Ok(report),
            WorkerEvent::Refused { refusal } => return Err(refusal.to_string()),
            _ => {}
        }
    }
}

/// Closes a run's record, however the run went. A worker that is killed at it gets
/// a successor; where none gets it done, the next repair does it.
pub(super) async fn close_record<H: Hands>(hands: &mut H, run: RunId) {
    for _ in 0..CLOSINGS {
        let cleaned = give(hands, run, Task::plain(Phase::Cleanup)).await;
        if cleaned.is_ok() {
            return;
        }
    }
}

/// Has rivals switched off, or with `undo` given back.
pub async fn hand_over<H: Hands>(
    hands: &mut H,
    undo: bool,
) -> Result<document::Takeover, ControlError> {
    let phase = if undo {
        Phase::GiveBack
    } else {
        Phase::Takeover
    };
    let failed = |sentence: String| ControlError::failed(sentence, ExitCode::Failed);
    match order(hands, phase).await.map_err(failed)? {
        Report::Takeover(handover) | Report::GiveBack(handover) => {
            tell(undo, &handover);
            Ok(document::Takeover {
                schema: "patchd/takeover/1".to_owned(),
                done: handover.done,
                left: handover.left,
            })
        }
        _ => Err(failed(ASTRAY.to_owned())),
    }
}

fn tell(undo: bool, handover: &Handover) {
    for rival in &handover.done {
        if undo {
            event!(
                TAKEOVER_UNDONE,
                PATCHD_RIVAL = rival.as_str(),
                "{rival} may patch this machine again"
            );
        } else {
            event!(
                TAKEOVER_DONE,
                PATCHD_RIVAL = rival.as_str(),
                "{rival} does not patch this machine any more"
            );
        }
    }
    for left in &handover.left {
        event!(TAKEOVER_LEFT, "{left}");
    }
}
