//! What the lines of a record say of each apply order in it.

use super::Line;
use crate::model::{Phase, Plan, Refusal, Report, WorkerEvent};

/// One apply order in a record.
pub(super) struct Apply<'a> {
    pub plan: &'a Plan,
    pub began: bool,
    started: bool,
    pub report: Option<&'a Report>,
}

impl<'a> Apply<'a> {
    fn learn(&mut self, event: &'a WorkerEvent) {
        match event {
            WorkerEvent::Started { .. } => self.started = true,
            // Refused means that nothing was changed, unless the package manager
            // was at work already and something behind it failed.
            WorkerEvent::Refused { refusal } => {
                let stale = matches!(refusal, Refusal::Stale { .. });
                self.began = self.started && !stale;
            }
            WorkerEvent::Done { report } => self.report = Some(report),
            WorkerEvent::Accepted { .. }
            | WorkerEvent::Progress { .. }
            | WorkerEvent::Note { .. }
            | WorkerEvent::Waiting { .. } => {}
        }
    }
}

/// All of them, in order.
pub(super) fn applies(lines: &[Line]) -> Vec<Apply<'_>> {
    let mut applies: Vec<Apply<'_>> = Vec::new();
    let mut in_apply = false;
    for line in lines {
        match line {
            Line::Order { order, .. } => {
                in_apply = order.phase == Phase::Apply;
                if in_apply {
                    applies.push(Apply {
                        plan: &order.plan,
                        // Its first word may have been lost to a full disk.
                        began: true,
                        started: false,
                        report: None,
                    });
                }
            }
            Line::Event { event, .. } if in_apply => {
                if let Some(apply) = applies.last_mut() {
                    apply.learn(event);
                }
            }
            Line::Event { event, .. } => {
                // A repair that reported has settled what was interrupted before it.
                if let (
                    WorkerEvent::Done {
                        report: report @ Report::Repair { .. },
                    },
                    Some(apply),
                ) = (&**event, applies.last_mut())
                    && apply.report.is_none()
                {
                    apply.report = Some(report);
                }
            }
            Line::End { .. } => {}
        }
    }
    applies
}
