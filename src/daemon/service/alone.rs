//! Orders that belong to no run: the worker does them at once, and they change
//! nothing that a run would have to know of.

use super::keeper::{Done, Keeper};
use crate::control::{ControlError, Replies, document};
use crate::daemon::driver::opening;
use crate::daemon::events::event;
use crate::daemon::hands::{Hands, Work};
use crate::model::{ExitCode, Handover, Order, Phase, Plan, Report, WorkerEvent};
use crate::os::clock;
use crate::package_manager::PackageManager;

/// A worker that reports on something else than it was ordered to do.
pub(super) const ASTRAY: &str =
    "the worker reported on something else; see `journalctl -u 'patchd-worker@*'`";

/// Gives such an order and waits for its report.
pub(super) async fn order<H: Hands>(hands: &mut H, phase: Phase) -> Result<Report, String> {
    let order = Order::new(opening::new_id(clock::now(), None), phase, Plan::default());
    let mut work = hands.order(&order).await.map_err(|lost| lost.to_string())?;
    loop {
        match work.next().await.map_err(|lost| lost.to_string())? {
            WorkerEvent::Done { report } => return Ok(report),
            WorkerEvent::Refused { refusal } => return Err(refusal.to_string()),
            _ => {}
        }
    }
}

impl<P: PackageManager + 'static, H: Hands + Clone + 'static> Keeper<P, H> {
    /// Has rivals switched off, or given back.
    pub fn take_over(&mut self, undo: bool, replies: Replies) {
        let mut hands = self.hands.clone();
        self.tasks.spawn_local(async move {
            let phase = if undo {
                Phase::GiveBack
            } else {
                Phase::Takeover
            };
            match order(&mut hands, phase).await {
                Ok(Report::Takeover(handover) | Report::GiveBack(handover)) => {
                    tell(undo, &handover);
                    replies.document(&document::Takeover {
                        schema: "patchd/takeover/1".to_owned(),
                        done: handover.done,
                        left: handover.left,
                    });
                }
                Ok(_) => replies.refuse(ControlError::failed(ASTRAY, ExitCode::Failed)),
                Err(sentence) => replies.refuse(ControlError::failed(sentence, ExitCode::Failed)),
            }
            Done::Answered
        });
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
        event!(
            TAKEOVER_UNDONE as Warn,
            PATCHD_RIVAL = left.as_str(),
            "{left}"
        );
    }
}
