//! Phases that stand alone, and runs that are over.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[tokio::test]
async fn a_sound_configuration_is_kept_and_a_faulty_one_is_told() {
    let post = Post::on(&Fake::with_updates(&[]));
    let machine = post.root.path().join("machine");
    std::fs::create_dir_all(machine.join("etc/patchd")).expect("made");
    let file = machine.join("etc/patchd/patchd.toml");
    let copy = post
        .root
        .path()
        .join("config.last-good/etc/patchd/patchd.toml");
    crate::os::files::replace(&file, b"[verify]\nretries = 7\n", 0o644).expect("written");
    let report = post.does(run(ONE), Phase::AcceptConfig, &none()).await;
    assert_eq!(report, Report::AcceptConfig { faults: None });
    assert!(copy.exists());

    crate::os::files::replace(&file, b"[verify]\nretry = 7\n", 0o644).expect("written");
    let report = post.does(run(TWO), Phase::AcceptConfig, &none()).await;
    let Report::AcceptConfig {
        faults: Some(faults),
    } = report
    else {
        panic!("{report:?}")
    };
    assert!(faults.contains("retry"), "{faults}");
    let kept = std::fs::read_to_string(&copy).expect("there");
    assert!(kept.contains("retries = 7"), "{kept}");
}

#[tokio::test]
async fn an_act_is_a_run_of_its_own_and_over_at_once() {
    let post = Post::on(&Fake::with_updates(&[]));
    for (at, phase) in [(ONE, Phase::Takeover), (TWO, Phase::GiveBack)] {
        post.does(run(at), phase, &none()).await;
        assert!(matches!(post.lines(run(at)).last(), Some(Line::End { .. })));
    }
    // No package manager speaks in them.
    assert!(!post.root.path().join("logs").exists());
}

#[tokio::test]
async fn without_a_sound_configuration_nothing_is_patched() {
    let mut post = Post::on(&Fake::with_updates(&["aa"]));
    post.rules.unsound = Some("retries must be a number".to_owned());
    let refusal = post.refuses(run(ONE), Phase::Repair, &none()).await;
    assert_eq!(refusal.to_string(), "retries must be a number");
    assert!(!post.record(run(ONE)).exists());
    post.does(run(ONE), Phase::AcceptConfig, &none()).await;
}

#[tokio::test]
async fn an_open_run_is_found_behind_a_later_one_that_is_over() {
    let post = Post::on(&Fake::with_updates(&[]));
    post.does(run(TWO), Phase::AcceptConfig, &none()).await;
    // The clock was set back.
    post.opened(run(ONE)).await;
    let open = Record::find_open(post.root.path()).expect("read");
    assert_eq!(open, Some(run(ONE)));
}

#[tokio::test]
async fn a_folder_that_others_may_write_is_not_relied_on() {
    let post = Post::on(&Fake::with_updates(&[]));
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(post.root.path(), open).expect("set");
    let refusal = post.refuses(run(ONE), Phase::Repair, &none()).await;
    assert!(
        refusal.to_string().contains("is not root's alone"),
        "{refusal}"
    );
}

#[tokio::test]
async fn what_others_may_read_is_the_record_and_no_more_than_that() {
    let post = Post::on(&Fake::with_updates(&["aa"]));
    post.prepared(run(ONE), &plan_of(&["aa"])).await;
    let mode = |path: &std::path::Path| {
        let mode = path.metadata().expect("there").permissions().mode();
        mode & 0o777
    };
    let record = post.record(run(ONE));
    assert_eq!(mode(&record), 0o640);
    assert_eq!(mode(record.parent().expect("a folder")), 0o750);
    assert_eq!(mode(&post.root.path().join("lock")), 0o600);
}
