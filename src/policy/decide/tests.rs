use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::model::{Origin, PackageId};
use crate::policy::{Seen, When};

fn version(text: &str) -> Version {
    Version::try_from(text.to_owned()).expect("valid")
}

fn offer(text: &str, label: &str) -> Offer {
    let origin = |label: &str| Origin {
        name: "Debian".into(),
        label: label.into(),
        codename: "bookworm".into(),
    };
    let origins = if label.is_empty() {
        vec![]
    } else {
        vec![origin(label)]
    };
    Offer {
        version: version(text),
        built_from: None,
        origins,
        remedy: None,
        download_bytes: None,
        installed_bytes: None,
    }
}

fn update(offers: Vec<Offer>) -> PendingUpdate {
    PendingUpdate {
        id: PackageId::parse("nginx", "amd64").expect("valid"),
        source: PackageName::try_from("nginx".to_owned()).expect("valid"),
        installed: version("1.0"),
        candidate: offers[0].version.clone(),
        offers,
        blocked: None,
        kernel: false,
        needs_reboot: false,
    }
}

fn rule(when: When, then: Then) -> Rule {
    Rule {
        when,
        then,
        soak: None,
        reason: None,
    }
}

fn policy(rules: Vec<Rule>) -> Settings {
    Settings {
        rules,
        ..Settings::default()
    }
}

fn decide_at(
    policy: &Settings,
    update: &PendingUpdate,
    seen: &SeenVersions,
    second: i64,
) -> Decided {
    let now = Timestamp::from_second(second).expect("in range");
    let asked = Asked::default();
    Judge {
        name: "default",
        policy,
        asked: &asked,
        set_aside: &[],
        kept_away: &[],
        now,
    }
    .decide(update, seen)
}

fn decide(policy: &Settings, update: &PendingUpdate) -> Decided {
    decide_at(policy, update, &SeenVersions::default(), 1000)
}

fn asked(policy: &Settings, update: &PendingUpdate, name: &str) -> Decision {
    let asked = Asked(vec![PackageName::try_from(name.to_owned()).expect("valid")]);
    let judge = Judge {
        name: "default",
        policy,
        asked: &asked,
        set_aside: &[],
        kept_away: &[],
        now: Timestamp::UNIX_EPOCH,
    };
    judge.decide(update, &SeenVersions::default()).decision
}

fn any_package() -> When {
    When {
        package: Some(vec![Pattern::parse("*").expect("valid")]),
        ..When::default()
    }
}

fn security() -> When {
    When {
        security: Some(true),
        ..When::default()
    }
}

#[test]
fn a_security_fix_behind_a_newer_update_is_installed_at_the_security_version() {
    let update = update(vec![
        offer("1.2", "Debian"),
        offer("1.1", "Debian-Security"),
    ]);
    let decided = decide(&Settings::default(), &update);
    assert_eq!(
        (decided.decision, decided.target),
        (Decision::Install, version("1.1"))
    );
}

#[test]
fn a_rule_for_everything_takes_the_candidate() {
    let update = update(vec![
        offer("1.2", "Debian"),
        offer("1.1", "Debian-Security"),
    ]);
    let decided = decide(&policy(vec![rule(any_package(), Then::Install)]), &update);
    assert_eq!(
        (decided.decision, decided.target),
        (Decision::Install, version("1.2"))
    );
}

#[test]
fn the_first_rule_that_holds_decides() {
    let rules = vec![
        rule(any_package(), Then::Reject),
        rule(security(), Then::Install),
    ];
    let decided = decide(
        &policy(rules),
        &update(vec![offer("1.1", "Debian-Security")]),
    );
    assert_eq!(decided.decision, Decision::Rejected);
    assert_eq!(decided.rule.as_deref(), Some("policy default rule 1"));
}

#[test]
fn an_unknown_origin_matches_neither_security_nor_its_opposite() {
    let update = update(vec![offer("1.1", "")]);
    for wanted in [true, false] {
        let when = When {
            security: Some(wanted),
            ..When::default()
        };
        assert_eq!(
            decide(&policy(vec![rule(when, Then::Install)]), &update).decision,
            Decision::NotSelected
        );
    }
}

#[test]
fn not_security_means_that_no_fix_is_on_the_way() {
    let when = When {
        security: Some(false),
        ..When::default()
    };
    let rules = policy(vec![rule(when, Then::Hold)]);
    let hidden = update(vec![
        offer("1.2", "Debian"),
        offer("1.1", "Debian-Security"),
    ]);
    assert_eq!(decide(&rules, &hidden).decision, Decision::NotSelected);
    assert_eq!(
        decide(&rules, &update(vec![offer("1.2", "Debian")])).decision,
        Decision::Held
    );
}

#[test]
fn a_fix_soaks_until_its_time_is_over() {
    let mut soaking = rule(security(), Then::Install);
    soaking.soak = Some(SignedDuration::from_secs(100));
    let rules = policy(vec![soaking]);
    let update = update(vec![offer("1.1", "Debian-Security")]);
    let at = Timestamp::from_second(1000).expect("in range");
    let seen = SeenVersions(vec![Seen {
        version: version("1.1"),
        security: true,
        at,
    }]);
    let early = decide_at(&rules, &update, &seen, 1099);
    assert_eq!(
        (early.decision, early.due),
        (Decision::Soaking, Timestamp::from_second(1100).ok())
    );
    assert_eq!(
        decide_at(&rules, &update, &seen, 1100).decision,
        Decision::Install
    );
}

#[test]
fn asking_by_name_overrides_not_selected_but_never_a_hold() {
    let update = update(vec![offer("1.1", "Debian")]);
    assert_eq!(
        asked(&Settings::default(), &update, "nginx"),
        Decision::Install
    );
    assert_eq!(
        asked(
            &policy(vec![rule(any_package(), Then::Hold)]),
            &update,
            "nginx"
        ),
        Decision::Held
    );
    assert_eq!(
        asked(
            &policy(vec![rule(any_package(), Then::Install)]),
            &update,
            "other"
        ),
        Decision::NotSelected
    );
}

#[test]
fn a_removal_stops_an_update_unless_the_policy_allows_it() {
    let mut update = update(vec![offer("1.1", "Debian-Security")]);
    let gone = PackageName::try_from("old-module".to_owned()).expect("valid");
    update.blocked = Some(Block::Removal {
        packages: vec![gone],
    });
    assert_eq!(
        decide(&Settings::default(), &update).decision,
        Decision::Blocked
    );
    let mut allowing = Settings::default();
    allowing
        .removals
        .push(Pattern::parse("old-*").expect("valid"));
    assert_eq!(decide(&allowing, &update).decision, Decision::Install);
}

#[test]
fn a_kept_back_candidate_does_not_block_an_older_fix() {
    let mut update = update(vec![
        offer("1.2", "Debian"),
        offer("1.1", "Debian-Security"),
    ]);
    update.blocked = Some(Block::Dependency);
    assert_eq!(
        decide(&Settings::default(), &update).decision,
        Decision::Install
    );
    update.blocked = Some(Block::Hold);
    assert_eq!(
        decide(&Settings::default(), &update).decision,
        Decision::Blocked
    );
}

prop_compose! {
    fn any_update()(labels in prop::collection::vec(prop::sample::select(vec!["", "Debian", "Debian-Security"]), 1..4),
                    block in prop::option::of(prop::sample::select(vec![Block::Hold, Block::Pin, Block::Phasing, Block::Dependency])))
                    -> PendingUpdate {
        let count = labels.len();
        let offers = labels.iter().enumerate().map(|(i, label)| offer(&format!("1.{}", count - i), label)).collect();
        PendingUpdate { blocked: block, ..update(offers) }
    }
}

prop_compose! {
    fn any_rule()(security in prop::option::of(any::<bool>()), kernel in prop::option::of(any::<bool>()),
                  then in prop::sample::select(vec![Then::Install, Then::Hold, Then::Reject, Then::Check]),
                  soak in prop::option::of(0_i64..1000)) -> Rule {
        let soak = soak.map(SignedDuration::from_secs);
        Rule { when: When { security, kernel, ..When::default() }, then, soak, reason: None }
    }
}

proptest! {
    #[test]
    fn what_is_installed_is_on_offer_and_nobody_forbade_it(
        update in any_update(), rules in prop::collection::vec(any_rule(), 0..5), second in 0_i64..2000,
    ) {
        let policy = policy(rules);
        let decided = decide_at(&policy, &update, &SeenVersions::default(), second);
        prop_assert!(update.offers.iter().any(|offer| offer.version == decided.target));
        if decided.decision == Decision::Install {
            let place = decided.rule.expect("only a rule installs");
            let number: usize = place.rsplit(' ').next().expect("a number").parse().expect("a number");
            prop_assert_eq!(policy.rules[number - 1].then, Then::Install);
            prop_assert!(!matches!(update.blocked, Some(Block::Hold | Block::Pin | Block::Phasing)));
        }
    }

    #[test]
    fn a_rule_behind_the_deciding_one_changes_nothing(
        update in any_update(), rules in prop::collection::vec(any_rule(), 1..4), extra in any_rule(),
    ) {
        let before = decide(&policy(rules.clone()), &update);
        prop_assume!(before.rule.is_some());
        let after = decide(&policy(rules.into_iter().chain([extra]).collect()), &update);
        prop_assert_eq!(before, after);
    }

    #[test]
    fn waiting_longer_never_turns_an_install_into_soaking(
        update in any_update(), rules in prop::collection::vec(any_rule(), 0..5), at in 0_i64..1000, later in 0_i64..1000,
    ) {
        let policy = policy(rules);
        let seen = SeenVersions(update.offers.iter().map(|offer| Seen {
            version: offer.version.clone(), security: offer.security() == Some(true), at: Timestamp::UNIX_EPOCH,
        }).collect());
        if decide_at(&policy, &update, &seen, at).decision == Decision::Install {
            prop_assert_eq!(decide_at(&policy, &update, &seen, at + later).decision, Decision::Install);
        }
    }
}

/// Under a policy with this one rule, where these versions of nginx are kept away.
fn decide_past(then: Then, kept: &[&str], update: &PendingUpdate) -> (Decision, String, String) {
    let nginx = PackageName::try_from("nginx".to_owned()).expect("valid");
    let away = |text: &&str| {
        let kept = KeptAway {
            source: nginx.clone(),
            version: version(text),
        };
        (kept, "it broke nginx.service".to_owned())
    };
    let kept_away: Vec<(KeptAway, String)> = kept.iter().map(away).collect();
    let policy = policy(vec![rule(any_package(), then)]);
    let judge = Judge {
        name: "default",
        policy: &policy,
        asked: &Asked::default(),
        set_aside: &[],
        kept_away: &kept_away,
        now: Timestamp::UNIX_EPOCH,
    };
    let decided = judge.decide(update, &SeenVersions::default());
    (decided.decision, decided.target.to_string(), decided.reason)
}

#[test]
fn a_version_in_quarantine_stays_out_and_any_other_may_come() {
    let offers = || vec![offer("1.2", "Debian"), offer("1.1", "Debian-Security")];
    let table = [
        (
            Then::Install,
            vec!["1.2", "1.1"],
            Decision::Quarantined,
            "1.2",
        ),
        (Then::Install, vec!["1.2"], Decision::Install, "1.1"),
        (Then::Install, vec!["1.1"], Decision::Install, "1.2"),
        (Then::Install, vec![], Decision::Install, "1.2"),
        (Then::Hold, vec!["1.2"], Decision::Held, "1.2"),
        (Then::Check, vec!["1.2"], Decision::ReportOnly, "1.2"),
    ];
    for (then, kept, decision, target) in table {
        let told = decide_past(then, &kept, &update(offers()));
        assert_eq!((told.0, told.1.as_str()), (decision, target), "{kept:?}");
    }
}

#[test]
fn a_quarantine_tells_its_reason_and_leaves_an_operators_hold_alone() {
    let mut pending = update(vec![offer("1.2", "Debian")]);
    let (_, _, reason) = decide_past(Then::Install, &["1.2"], &pending);
    assert_eq!(reason, "1.2 is in quarantine: it broke nginx.service");
    // Where our own pins look like everybody's.
    pending.blocked = Some(Block::Pin);
    let pinned = decide_past(Then::Install, &["1.2"], &pending);
    assert_eq!(pinned.0, Decision::Quarantined);
    pending.blocked = Some(Block::Hold);
    let held = decide_past(Then::Install, &["1.2"], &pending);
    assert_eq!(held.0, Decision::Blocked);
}
