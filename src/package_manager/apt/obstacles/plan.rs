//! What a plan holds, and when there is none.

use crate::os::command::replay::Replay;
use crate::package_manager::{Fault, Settings};

use super::{Apt, Machine, TWELVE, install, questions, wanted};

#[tokio::test]
async fn a_plan_brings_along_what_it_needs() {
    let machine = Machine::new();
    let wanted = [
        wanted("plain", "amd64"),
        wanted("everywhere", "all"),
        wanted("grows", "amd64"),
        wanted("both", "i386"),
    ];
    let question = questions::install(&machine.view, &wanted);
    let runner = Replay::new().answer(&question, 0, TWELVE.install, "");
    let apt = Apt::new(Box::new(runner), Settings::default());
    let plan = apt.plan_in(&machine.view, &wanted).await.expect("a plan");
    let lines: Vec<String> = plan.changes().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "both:amd64 1.0 -> 1.1",
            "both:i386 1.0 -> 1.1",
            "everywhere:all 1.0 -> 1.1",
            "grows:amd64 1.0 -> 1.1",
            "newcomer:amd64 new 1.0",
            "plain:amd64 1.0 -> 1.1",
        ]
    );
}

#[tokio::test]
async fn a_removal_is_a_line_of_the_plan() {
    let machine = Machine::new();
    let question = install(&machine.view, "wants-conflict");
    let runner = Replay::new().answer(&question, 0, TWELVE.removes, "");
    let apt = Apt::new(Box::new(runner), Settings::default());
    let wanted = [wanted("wants-conflict", "amd64")];
    let plan = apt.plan_in(&machine.view, &wanted).await.expect("a plan");
    let removed = plan.changes().first().expect("the victim");
    assert!(removed.is_removal());
    assert_eq!(removed.to_string(), "victim:amd64 1.0 removed");
}

#[tokio::test]
async fn what_cannot_be_installed_is_unsolvable_and_named() {
    let machine = Machine::new();
    let question = install(&machine.view, "wants-missing");
    let runner = Replay::new().answer(&question, 100, TWELVE.unmet[0], TWELVE.unmet[1]);
    let apt = Apt::new(Box::new(runner), Settings::default());
    let wanted = [wanted("wants-missing", "amd64")];
    let fault = apt
        .plan_in(&machine.view, &wanted)
        .await
        .expect_err("no plan");
    assert!(
        matches!(&fault, Fault::Unsolvable { packages, .. } if packages.len() == 1),
        "{fault}"
    );
}

#[tokio::test]
async fn a_plan_without_what_was_asked_for_is_none() {
    let machine = Machine::new();
    let question = install(&machine.view, "plain");
    let runner = Replay::new().answer(&question, 0, TWELVE.removes, "");
    let apt = Apt::new(Box::new(runner), Settings::default());
    let wanted = [wanted("plain", "amd64")];
    let fault = apt
        .plan_in(&machine.view, &wanted)
        .await
        .expect_err("no plan");
    assert!(matches!(fault, Fault::Unsolvable { .. }), "{fault}");
}
