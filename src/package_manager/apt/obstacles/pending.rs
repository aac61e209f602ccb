//! What stands in the way, and what is on offer.

use std::time::Duration;

use crate::model::{Block, Pending, PendingUpdate, RepositoryState};
use crate::os::command::replay::Replay;
use crate::package_manager::{Fault, Settings};

use super::{Apt, Machine, Said, THIRTEEN, TWELVE, noon, put, questions};

fn update<'a>(pending: &'a Pending, name: &str) -> Option<&'a PendingUpdate> {
    pending
        .updates
        .iter()
        .find(|update| update.id.name.as_str() == name)
}

fn block(pending: &Pending, name: &str) -> Option<Block> {
    update(pending, name).expect("pending").blocked.clone()
}

fn removal(name: &str) -> Block {
    let packages = vec![name.to_owned().try_into().expect("valid")];
    Block::Removal { packages }
}

#[tokio::test]
async fn every_obstacle_is_called_by_its_name() {
    for said in [TWELVE, THIRTEEN] {
        let pending = Machine::new().look(&said).await;
        let expected = [
            ("held", Some(Block::Hold)),
            ("pinned", Some(Block::Pin)),
            ("phased", Some(Block::Phasing)),
            ("wants-missing", Some(Block::Dependency)),
            ("wants-conflict", Some(removal("victim"))),
            ("replaced-user", Some(removal("replaced-lib"))),
            ("plain", None),
            ("grows", None),
            ("everywhere", None),
        ];
        for (name, expected) in expected {
            assert_eq!(block(&pending, name), expected, "{name}");
        }
        assert_eq!(pending.updates.len(), 13);
    }
}

#[tokio::test]
async fn a_held_package_is_blocked_even_where_the_solver_takes_it() {
    let machine = Machine::new();
    let taken = format!(
        "{}Inst held [1.0] (1.1 Example:stable [amd64])\n",
        TWELVE.dist_upgrade
    );
    let harmless = format!(
        "{}Inst held [1.0] (1.1 Example:stable [amd64])\n",
        TWELVE.upgrade
    );
    let left = ["phased", "pinned", "wants-missing"].map(|name| super::id(name, "amd64"));
    let said = Said {
        dist_upgrade: &taken,
        upgrade: &harmless,
        ..TWELVE
    };
    let runner = machine.answers(&said, &left);
    let apt = Apt::new(Box::new(runner), Settings::default());
    let pending = apt
        .stock_in(&machine.view, noon())
        .await
        .expect("an answer")
        .pending;
    assert_eq!(block(&pending, "held"), Some(Block::Hold));
}

#[tokio::test]
async fn what_nobody_signed_is_left_out_and_told() {
    let machine = Machine::new();
    let trust = super::TRUST.replace("security/\t./\tyes", "security/\t./\tno");
    let runner = machine.answers_with(&TWELVE, &super::left(), &trust);
    let apt = Apt::new(Box::new(runner), Settings::default());
    let pending = apt
        .stock_in(&machine.view, noon())
        .await
        .expect("an answer")
        .pending;
    assert!(pending.complete);
    assert_eq!(pending.gaps.len(), 1);
    assert!(pending.gaps[0].contains("/security ./ has no valid signature"));
    let hidden = update(&pending, "hidden-fix").expect("pending");
    let offers: Vec<_> = hidden.offers.iter().map(|it| it.version.as_str()).collect();
    assert_eq!(offers, ["1.2"]);
    let plain = update(&pending, "plain").expect("also in the other one");
    assert_eq!(plain.offers[0].origins.len(), 1);
    let states: Vec<_> = pending.repositories.iter().map(|it| it.state).collect();
    assert_eq!(states[1], RepositoryState::BadSignature);
}

#[tokio::test]
async fn a_candidate_that_nobody_signed_gives_way_to_one_that_somebody_did() {
    let machine = Machine::new();
    let trust = super::TRUST.replace("repo/\t./\tyes", "repo/\t./\tno");
    let wanted = super::wanted("hidden-fix", "amd64");
    let fix = questions::install(&machine.view, &[wanted]);
    let left = ["held", "phased", "wants-missing"].map(|name| super::id(name, "amd64"));
    let runner = machine.answers_with(&TWELVE, &left, &trust).answer(
        &fix,
        0,
        "Inst hidden-fix [1.0] (1.1 Example:stable [amd64])\n",
        "",
    );
    let apt = Apt::new(Box::new(runner), Settings::default());
    let pending = apt
        .stock_in(&machine.view, noon())
        .await
        .expect("an answer")
        .pending;
    let found: Vec<_> = pending
        .updates
        .iter()
        .map(|it| {
            (
                it.id.name.as_str(),
                it.candidate.as_str(),
                it.blocked.clone(),
            )
        })
        .collect();
    assert_eq!(found, [("hidden-fix", "1.1", None), ("plain", "1.1", None)]);
}

#[tokio::test]
async fn what_only_backports_offer_is_not_pending() {
    let pending = Machine::new().look(&TWELVE).await;
    assert!(update(&pending, "backported").is_none());
}

#[tokio::test]
async fn a_security_fix_behind_a_newer_version_is_on_offer() {
    let pending = Machine::new().look(&TWELVE).await;
    let update = update(&pending, "hidden-fix").expect("pending");
    let offers: Vec<_> = update
        .offers
        .iter()
        .map(|offer| (offer.version.as_str(), offer.security()))
        .collect();
    assert_eq!(offers, [("1.2", Some(false)), ("1.1", Some(true))]);
    assert_eq!(update.candidate.as_str(), "1.2");
}

#[tokio::test]
async fn a_fix_that_is_pinned_away_is_not_on_offer() {
    let mut machine = Machine::new();
    machine.view.pins = true;
    let question = questions::policy(&machine.view, &[super::id("hidden-fix", "amd64")]);
    let answer = "hidden-fix:\n  Installed: 1.0\n  Candidate: 1.2\n  Version table:\n     1.2 500\n     1.1 -1\n";
    let runner = machine
        .answers(&TWELVE, &super::left())
        .answer(&question, 0, answer, "");
    let apt = Apt::new(Box::new(runner), Settings::default());
    let pending = apt
        .stock_in(&machine.view, noon())
        .await
        .expect("an answer")
        .pending;
    let update = update(&pending, "hidden-fix").expect("pending");
    assert_eq!(update.offers.len(), 1);
}

#[tokio::test]
async fn a_version_has_all_its_origins_and_its_own_source() {
    let pending = Machine::new().look(&TWELVE).await;
    let update = update(&pending, "plain").expect("pending");
    let offer = update.offers.first().expect("the candidate");
    assert_eq!(offer.origins.len(), 2);
    assert_eq!(offer.download_bytes, Some(4096));
    assert_eq!(update.source.as_str(), "plain-source");
    let built_from = offer.built_from.as_ref().expect("in the index");
    assert_eq!(built_from.version.as_str(), "1.1-0");
}

#[tokio::test]
async fn two_architectures_of_a_name_are_two_updates() {
    let pending = Machine::new().look(&TWELVE).await;
    let ids: Vec<String> = pending
        .updates
        .iter()
        .filter(|update| ["both", "everywhere"].contains(&update.id.name.as_str()))
        .map(|update| update.id.to_string())
        .collect();
    assert_eq!(ids, ["both:amd64", "both:i386", "everywhere:all"]);
}

#[tokio::test]
async fn an_index_that_is_cut_or_gone_makes_the_look_incomplete() {
    let machine = Machine::new();
    assert!(machine.look(&TWELVE).await.complete);
    put(
        &machine.path("state/lists/_srv_box_backports_._Packages"),
        "<html>\n",
    );
    let pending = machine.look(&TWELVE).await;
    assert!(!pending.complete);
    assert_eq!(pending.gaps.len(), 1);
}

#[tokio::test]
async fn a_simulation_that_fails_over_an_unreadable_index_is_incomplete() {
    let machine = Machine::new();
    let index = machine.path("state/lists/_srv_box_loop_._Packages");
    // Nobody can open a link to itself, root neither.
    std::os::unix::fs::symlink(&index, &index).expect("made");
    let question = questions::index_targets(&machine.view);
    let runner = Replay::new().answer(&question, 100, "", "E: Could not open file\n");
    let apt = Apt::new(Box::new(runner), Settings::default());
    let pending = apt
        .stock_in(&machine.view, noon())
        .await
        .expect("gaps")
        .pending;
    assert!(!pending.complete && pending.updates.is_empty());
    assert_eq!(pending.gaps.len(), 2, "{:?}", pending.gaps);
}

#[tokio::test]
async fn a_simulation_that_fails_for_another_reason_is_a_fault() {
    let machine = Machine::new();
    let question = questions::index_targets(&machine.view);
    let runner = Replay::new().answer(&question, 100, "", "E: Unmet dependencies.\n");
    let apt = Apt::new(Box::new(runner), Settings::default());
    let fault = apt
        .stock_in(&machine.view, noon())
        .await
        .expect_err("no answer");
    assert!(matches!(fault, Fault::Failed { .. }), "{fault}");
}

#[tokio::test]
async fn what_apt_could_not_read_is_a_gap() {
    let machine = Machine::new();
    let complaint = "W: Unable to read /etc/apt/preferences.d/ - opendir (13: Permission denied)\n";
    let gaps =
        crate::package_manager::apt::gaps::in_configuration(&machine.view, complaint.as_bytes());
    let sentence = "cannot read /etc/apt/preferences.d; run as root to see all of it";
    assert_eq!(gaps.into_iter().collect::<Vec<_>>(), [sentence]);
}

#[tokio::test]
async fn repositories_are_named_in_order_and_an_expired_one_is_told() {
    let machine = Machine::new();
    let apt = Apt::new(
        Box::new(machine.answers(&TWELVE, &super::left())),
        Settings::default(),
    );
    let later = noon() + Duration::from_hours(24 * 4);
    let pending = apt
        .stock_in(&machine.view, later)
        .await
        .expect("an answer")
        .pending;
    let ids: Vec<&str> = pending
        .repositories
        .iter()
        .map(|it| it.id.as_str())
        .collect();
    assert!(
        ids.first().is_some_and(|id| id.ends_with("/repo ./")),
        "{ids:?}"
    );
    let security = pending.repositories.get(1).expect("three");
    assert_eq!(security.state, RepositoryState::Expired);
    assert!(
        security
            .advice
            .as_ref()
            .is_some_and(|it| it.contains("2026-11-23"))
    );
}

#[tokio::test]
async fn a_repository_that_was_never_fetched_is_missing() {
    let machine = Machine::new();
    for name in ["Release", "Packages"] {
        let path = format!("state/lists/_srv_box_backports_._{name}");
        std::fs::remove_file(machine.path(&path)).expect("there");
    }
    let pending = machine.look(&TWELVE).await;
    let backports = pending.repositories.get(2).expect("three");
    assert_eq!(backports.state, RepositoryState::Missing);
    assert_eq!(backports.age_seconds, None);
}
