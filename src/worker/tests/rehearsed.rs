//! Where the configuration wants a rehearsal, nothing is applied without.

use super::super::record::run_folder;
use super::post::{ONE, Post, installed, plan_of, run};
use crate::model::{Phase, Plan, Refusal, Rehearsal, Verdict};
use crate::os::files;
use crate::package_manager::fake::Fake;

/// A run with archives, on a machine whose policies all rehearse.
async fn downloaded() -> (Post, Plan) {
    let mut post = Post::on(&Fake::with_updates(&["aa"]));
    post.rules.rehearse = true;
    let plan = plan_of(&["aa"]);
    post.prepared(run(ONE), &plan).await;
    (post, plan)
}

fn leave_report(post: &Post, plan: &Plan, verdict: Verdict) {
    let report = Rehearsal {
        plan: plan.clone(),
        verdict,
        ..Rehearsal::default()
    };
    let path = run_folder(post.root.path(), run(ONE)).join("rehearsal.json");
    let text = serde_json::to_vec(&report).expect("json");
    files::replace(&path, &text, 0o640).expect("written");
}

#[tokio::test]
async fn a_plan_that_was_not_rehearsed_is_not_applied() {
    let (post, plan) = downloaded().await;
    for (report, words) in [
        (None, "nothing was rehearsed"),
        (Some((Plan::default(), Verdict::Passed)), "another plan"),
        (Some((plan.clone(), Verdict::Confirmed)), "has failed"),
    ] {
        if let Some((rehearsed, verdict)) = report {
            leave_report(&post, &rehearsed, verdict);
        }
        match post.refuses(run(ONE), Phase::Apply, &plan).await {
            Refusal::Invalid { detail } => assert!(detail.contains(words), "{detail}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(post.machine.world().applied.is_empty());
}

#[tokio::test]
async fn one_that_passed_or_proved_nothing_is_applied() {
    for verdict in [Verdict::Passed, Verdict::Unproven] {
        let (post, plan) = downloaded().await;
        leave_report(&post, &plan, verdict);
        let applied = post.does(run(ONE), Phase::Apply, &plan).await;
        assert_eq!(installed(applied), plan.changes());
    }
}
