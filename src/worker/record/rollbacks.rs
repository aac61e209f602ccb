//! What the record knows of going back.

use super::{Line, Record};
use crate::model::{Change, Report, RolledBack, WorkerEvent};

impl Record {
    /// What rollbacks have put back, in order.
    pub fn taken_back(&self) -> impl Iterator<Item = &Change> {
        let reports = self.lines.iter().filter_map(|line| match line {
            Line::Event { event, .. } => match &**event {
                WorkerEvent::Done {
                    report: Report::RollBack(back),
                } => Some(&back.restored),
                _ => None,
            },
            Line::Order { .. } | Line::End { .. } => None,
        });
        reports.flatten()
    }

    /// What came of the order at hand when it was given before, and whoever gave it
    /// did not hear the answer: nobody orders a rollback twice that went through.
    #[must_use]
    pub fn went_back(&self) -> Option<&RolledBack> {
        let errands = self.lines.iter().rev().filter_map(|line| match line {
            Line::Order { order, .. } => Some(order.errand.as_ref()),
            Line::Event { .. } | Line::End { .. } => None,
        });
        let at_hand = errands.into_iter().next().flatten()?;
        let (mut ordered, mut found) = (None, None);
        for line in &self.lines {
            match line {
                Line::Order { order, .. } => ordered = order.errand.as_ref(),
                Line::Event { event, .. } => {
                    if let WorkerEvent::Done {
                        report: Report::RollBack(back),
                    } = &**event
                        && ordered == Some(at_hand)
                        && back.failure.is_none()
                    {
                        found = Some(&**back);
                    }
                }
                Line::End { .. } => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BootId, Errand, Extent, Order, RunId, Task};

    fn order(extent: Extent) -> Line {
        let errand = Errand::RollBack {
            of: None,
            extent,
            rehearse: false,
        };
        Line::Order {
            at: jiff::Timestamp::UNIX_EPOCH,
            machine: None,
            boot: BootId("boot".into()),
            unit: None,
            order: Box::new(Order::new(RunId::new(1, 1), Task::on(errand))),
        }
    }

    fn done(failure: Option<&str>) -> Line {
        let back = RolledBack {
            failure: failure.map(str::to_owned),
            ..RolledBack::default()
        };
        Line::Event {
            at: jiff::Timestamp::UNIX_EPOCH,
            event: Box::new(WorkerEvent::Done {
                report: Report::RollBack(Box::new(back)),
            }),
        }
    }

    #[test]
    fn an_answer_that_was_not_heard_is_given_again_to_the_same_order_alone() {
        let (part, whole) = (Extent::Unsound, Extent::Whole);
        for (lines, expected) in [
            (vec![order(whole)], false),
            (vec![order(whole), order(whole)], false),
            (vec![order(whole), done(None), order(whole)], true),
            (vec![order(part), done(None), order(whole)], false),
            (vec![order(whole), done(Some("full")), order(whole)], false),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let mut record = Record::open(folder.path(), RunId::new(1, 1)).expect("open");
            for line in lines.clone() {
                record.append(line).expect("written");
            }
            assert_eq!(record.went_back().is_some(), expected, "{lines:?}");
        }
    }
}
