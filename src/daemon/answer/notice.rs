//! A notice as the outside knows it.

use super::history::{change, decision, finding};
use crate::control::document::{self, Told};
use crate::daemon::notice::Notice;

/// The document of a notice.
#[must_use]
pub fn notice(notice: &Notice) -> document::Notice {
    let told = match notice.clone() {
        Notice::Opened { run, resumed } => Told::Opened {
            run: run.to_string(),
            resumed,
        },
        Notice::Stage(stage) => Told::Stage {
            stage: stage.name().to_owned(),
        },
        Notice::Planned { plan, decisions } => Told::Planned {
            changes: plan.changes().iter().map(change).collect(),
            decisions: decisions.iter().map(decision).collect(),
        },
        Notice::Progress { percent, doing } => Told::Progress { percent, doing },
        Notice::Waiting { holder } => Told::Waiting { holder },
        Notice::Stopping => Told::Stopping,
        Notice::Stalled(stage) => Told::Stalled {
            stage: stage.name().to_owned(),
        },
        Notice::Found(found) => Told::Found(finding(&found)),
        Notice::Finished { outcome, summary } => Told::Finished {
            outcome: outcome.to_string(),
            summary,
        },
    };
    document::Notice {
        schema: "patchd/notice/1".to_owned(),
        told,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cycle::Stage;
    use crate::model::{Class, Finding, Outcome, Plan, RunId};

    #[test]
    fn what_is_told_is_flat_and_has_a_name() {
        let plan = Plan::default();
        let finding = Finding {
            class: Class::Warns,
            check: "unit".to_owned(),
            subject: "a.service".to_owned(),
            detail: "it is not active".to_owned(),
            since: None,
        };
        let summary = "2 packages changed".to_owned();
        let table = [
            (
                Notice::Opened {
                    run: RunId::new(1, 1),
                    resumed: false,
                },
                json!({"notice": "opened", "run": "00000000010000000000000001", "resumed": false}),
            ),
            (
                Notice::Stage(Stage::Applying { plan: plan.clone() }),
                json!({"notice": "stage", "stage": "applying"}),
            ),
            (
                Notice::Planned {
                    plan,
                    decisions: vec![],
                },
                json!({"notice": "planned", "changes": [], "decisions": []}),
            ),
            (Notice::Stopping, json!({"notice": "stopping"})),
            (
                Notice::Found(finding),
                json!({"notice": "found", "class": "warns", "check": "unit",
                       "subject": "a.service", "detail": "it is not active"}),
            ),
            (
                Notice::Finished {
                    outcome: Outcome::RebootOwed,
                    summary,
                },
                json!({"notice": "finished", "outcome": "reboot-owed", "summary": "2 packages changed"}),
            ),
        ];
        for (told, mut expected) in table {
            expected["schema"] = "patchd/notice/1".into();
            let document = notice(&told);
            assert_eq!(serde_json::to_value(&document).expect("JSON"), expected);
            let read: document::Notice = serde_json::from_value(expected).expect("its shape");
            assert_eq!(read, document);
        }
    }
}
