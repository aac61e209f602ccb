//! Orders from their first byte to their last event, on a fake machine.

mod acts;
mod forged;
mod own_upgrade;
mod post;
mod quarantine;
mod rehearsed;
mod stopping;

use std::fs::File;
use std::time::Duration;

use rustix::fs::FlockOperation;

use super::record::{Line, Record, run_folder};
use super::standing;
use crate::model::{Class, Phase, Refusal, Report, RunId, WorkerEvent};
use crate::package_manager::fake::{Fake, id, name, upgrade, version};
use crate::verify;
use post::{ONE, Post, TWO, connection, installed, none, order, plan_of, run};

#[tokio::test]
async fn a_whole_run_is_carried_out_and_its_record_closed() {
    let machine = Fake::with_updates(&["aa", "bb"]);
    let post = Post::on(&machine);
    let plan = plan_of(&["aa", "bb"]);
    for phase in [Phase::Repair, Phase::Refresh] {
        post.does(run(ONE), phase, &none()).await;
    }
    post.does(run(ONE), Phase::Download, &plan).await;
    post.preserves(run(ONE), &plan).await;
    let applied = post.does(run(ONE), Phase::Apply, &plan).await;
    assert_eq!(installed(applied), plan.changes());
    let Report::Verify { findings, .. } = post.does(run(ONE), Phase::Verify, &none()).await else {
        panic!("another report")
    };
    assert!(
        !findings.iter().any(|finding| finding.check == "version"),
        "{findings:?}"
    );
    assert_eq!(machine.world().calls, ["refresh", "download", "apply"]);
    post.does(run(ONE), Phase::Cleanup, &none()).await;
    assert!(matches!(
        post.lines(run(ONE)).last(),
        Some(Line::End { .. })
    ));
    assert_eq!(Record::find_open(post.root.path()).expect("read"), None);
}

#[tokio::test(start_paused = true)]
async fn an_order_is_on_disk_before_anything_happens() {
    let machine = Fake::with_updates(&["aa"]);
    let post = Post::on(&machine);
    machine.world().hangs_before = Some("refresh");
    post.opened(run(ONE)).await;
    let before = post.lines(run(ONE)).len();
    post.dies(run(ONE), Phase::Refresh, &none()).await;
    assert_eq!(machine.world().calls, Vec::<&str>::new());
    let lines = post.lines(run(ONE)).split_off(before);
    let Line::Order { order, unit, .. } = &lines[0] else {
        panic!("{lines:?}")
    };
    assert_eq!(order.phase, Phase::Refresh);
    assert_eq!(unit.as_deref(), Some("patchd-worker@7.service"));
    let accepted = WorkerEvent::Accepted {
        phase: Phase::Refresh,
    };
    assert!(matches!(&lines[1], Line::Event { event, .. } if **event == accepted));
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn what_is_no_order_is_refused_and_leaves_nothing() {
    let post = Post::on(&Fake::with_updates(&[]));
    let good = order(run(ONE), Phase::Refresh, &none());
    let extra = good.replacen('{', "{\"shell\":\"reboot\",", 1);
    let traversal = good.replace(&run(ONE).to_string(), "../../etc");
    for garbage in [
        "",
        "{}",
        "reboot",
        "[1]",
        &good[..good.len() - 3],
        &extra,
        &traversal,
    ] {
        let garbage = &format!("{}\n", garbage.trim_end());
        let events = post.events(garbage).await;
        assert!(
            matches!(
                events.as_slice(),
                [WorkerEvent::Refused {
                    refusal: Refusal::Invalid { .. }
                }]
            ),
            "{garbage}: {events:?}"
        );
    }
    assert_eq!(post.machine.world().calls, Vec::<&str>::new());
    assert!(!post.root.path().join("runs").exists());
}

#[tokio::test]
async fn a_listener_that_has_gone_does_not_stop_the_work() {
    let machine = Fake::with_updates(&["aa"]);
    let post = Post::on(&machine);
    let text = order(run(ONE), Phase::Apply, &plan_of(&["aa"]));
    post.prepared(run(ONE), &plan_of(&["aa"])).await;
    let (mut caller, theirs) = connection(&text);
    drop(theirs);
    post.serve(&mut caller).await;
    assert_eq!(machine.world().installed[&id("aa")], version("2"));
    let repaired = post.does(run(ONE), Phase::Repair, &none()).await;
    assert_eq!(installed(repaired), [upgrade("aa")]);
}

#[tokio::test]
async fn while_another_worker_is_at_work_a_stranger_is_turned_away() {
    let post = Post::on(&Fake::with_updates(&[]));
    post.opened(run(ONE)).await;
    let _at_work = hold(&post);
    let busy = Refusal::Busy {
        run: Some(run(ONE)),
    };
    assert_eq!(post.refuses(run(TWO), Phase::Refresh, &none()).await, busy);
    assert!(!post.record(run(TWO)).exists());
}

#[tokio::test]
async fn a_repair_waits_for_the_worker_it_cleans_up_behind() {
    let post = Post::on(&Fake::with_updates(&[]));
    post.opened(run(ONE)).await;
    let at_work = hold(&post);
    let ended = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        drop(at_work);
    });
    let events = post.events(&order(run(ONE), Phase::Repair, &none())).await;
    ended.join().expect("ended");
    assert!(
        matches!(&events[0], WorkerEvent::Waiting { holder } if holder.contains("still at work"))
    );
    assert!(matches!(events.last(), Some(WorkerEvent::Done { .. })));
}

/// What a worker holds as long as it lives.
fn hold(post: &Post) -> File {
    let lock = File::open(post.root.path().join("lock")).expect("there");
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("free");
    lock
}

#[tokio::test]
async fn an_open_run_keeps_others_out_until_one_repairs() {
    let post = Post::on(&Fake::with_updates(&[]));
    post.opened(run(ONE)).await;
    let busy = Refusal::Busy {
        run: Some(run(ONE)),
    };
    assert_eq!(post.refuses(run(TWO), Phase::Refresh, &none()).await, busy);

    post.does(run(TWO), Phase::Repair, &none()).await;
    assert!(matches!(
        post.lines(run(ONE)).last(),
        Some(Line::End { .. })
    ));
    post.does(run(TWO), Phase::Refresh, &none()).await;
}

#[tokio::test]
async fn a_stale_plan_is_refused_before_anything_is_applied() {
    let machine = Fake::with_updates(&["aa", "bb"]);
    let post = Post::on(&machine);
    machine.world().brings = vec![(name("aa"), name("bb"))];
    let plan = plan_of(&["aa"]);
    machine.world().brings.clear();
    post.prepared(run(ONE), &plan).await;
    machine.world().brings = vec![(name("aa"), name("bb"))];
    for phase in [Phase::Download, Phase::Apply] {
        let stale = Refusal::Stale {
            differences: vec!["not planned: bb:amd64 1 -> 2".to_owned()],
        };
        assert_eq!(post.refuses(run(ONE), phase, &plan).await, stale);
    }
    machine.world().brings.clear();
    machine.world().unsolvable.insert(name("aa"));
    let refusal = post.refuses(run(ONE), Phase::Apply, &plan).await;
    assert!(matches!(refusal, Refusal::Stale { .. }), "{refusal:?}");
    assert_eq!(machine.world().calls, Vec::<&str>::new());
}

#[tokio::test]
async fn a_machine_that_is_not_fit_downloads_nothing() {
    let machine = Fake::with_updates(&["aa"]);
    let post = Post::on(&machine);
    post.opened(run(ONE)).await;
    machine.world().unfit = vec!["/boot has 3 MB free and needs 80 MB".to_owned()];
    let refusal = post
        .refuses(run(ONE), Phase::Download, &plan_of(&["aa"]))
        .await;
    assert_eq!(
        refusal.to_string(),
        "this machine is not fit for the plan: /boot has 3 MB free and needs 80 MB"
    );
    assert_eq!(machine.world().calls, Vec::<&str>::new());
}

#[tokio::test]
async fn whoever_holds_the_lock_is_named() {
    let machine = Fake::with_updates(&["aa"]);
    let post = Post::on(&machine);
    post.opened(run(ONE)).await;
    let holder = "unattended-upgr (pid 812)".to_owned();
    machine.world().holder = Some(holder.clone());
    for phase in [Phase::Repair, Phase::Refresh] {
        let events = post.events(&order(run(ONE), phase, &none())).await;
        assert!(events.contains(&WorkerEvent::Waiting {
            holder: holder.clone()
        }));
        assert!(
            matches!(
                events.last(),
                Some(WorkerEvent::Refused {
                    refusal: Refusal::Locked { .. }
                })
            ),
            "{events:?}"
        );
    }
}

#[tokio::test]
async fn a_sound_database_is_not_repaired() {
    let machine = Fake::with_updates(&[]);
    let post = Post::on(&machine);
    post.does(run(ONE), Phase::Repair, &none()).await;
    assert_eq!(machine.world().calls, Vec::<&str>::new());

    machine.world().broken = vec!["aa is unpacked".to_owned()];
    let report = post.does(run(ONE), Phase::Repair, &none()).await;
    assert_eq!(machine.world().calls, ["repair"]);
    assert!(matches!(report, Report::Repair { sound: true, steps, .. } if steps.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn what_an_interrupted_apply_did_is_told_until_somebody_heard() {
    let machine = Fake::with_updates(&["aa", "bb"]);
    let post = Post::on(&machine);
    post.prepared(run(ONE), &plan_of(&["aa", "bb"])).await;
    machine.world().hangs_after = Some(1);
    post.dies(run(ONE), Phase::Apply, &plan_of(&["aa", "bb"]))
        .await;
    for _heard_by_nobody in 0..2 {
        let report = post.does(run(ONE), Phase::Repair, &none()).await;
        assert_eq!(installed(report), [upgrade("aa")]);
    }
    assert_eq!(machine.world().calls, ["apply", "settle"]);

    // It goes on with the rest.
    machine.world().hangs_after = None;
    let rest = plan_of(&["bb"]);
    post.does(run(ONE), Phase::Download, &rest).await;
    post.preserves(run(ONE), &rest).await;
    let report = post.does(run(ONE), Phase::Apply, &plan_of(&["bb"])).await;
    assert_eq!(installed(report), [upgrade("bb")]);
}

#[tokio::test(start_paused = true)]
async fn the_next_run_settles_what_another_left_undone() {
    let machine = Fake::with_updates(&["aa", "bb"]);
    let post = Post::on(&machine);
    post.prepared(run(ONE), &plan_of(&["aa", "bb"])).await;
    machine.world().hangs_after = Some(1);
    post.dies(run(ONE), Phase::Apply, &plan_of(&["aa", "bb"]))
        .await;
    let report = post.does(run(TWO), Phase::Repair, &none()).await;
    assert_eq!(installed(report), [upgrade("aa")]);
}

#[tokio::test]
async fn what_another_run_has_reported_is_its_own() {
    let machine = Fake::with_updates(&["aa"]);
    let post = Post::on(&machine);
    post.prepared(run(ONE), &plan_of(&["aa"])).await;
    post.does(run(ONE), Phase::Apply, &plan_of(&["aa"])).await;
    let report = post.does(run(TWO), Phase::Repair, &none()).await;
    assert_eq!(installed(report), []);
}

#[tokio::test]
async fn what_was_changed_behind_our_back_is_found() {
    let machine = Fake::with_updates(&["aa"]);
    let post = Post::on(&machine);
    post.prepared(run(ONE), &plan_of(&["aa"])).await;
    post.does(run(ONE), Phase::Apply, &plan_of(&["aa"])).await;
    machine.world().installed.insert(id("aa"), version("3"));
    machine.world().broken = vec!["bb is half-configured".to_owned()];
    let Report::Verify { findings, .. } = post.does(run(ONE), Phase::Verify, &none()).await else {
        panic!("another report")
    };
    let told = |check: &str| {
        let mut found = findings.iter().filter(|finding| finding.check == check);
        found.next().map(|it| (it.class, it.detail.as_str()))
    };
    assert_eq!(
        told("version"),
        Some((
            Class::Warns,
            "aa:amd64 should be 2 and is 3; somebody changed it behind patchd"
        ))
    );
    assert_eq!(
        told("database"),
        Some((Class::Breaks, "bb is half-configured"))
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_written_begins_nothing() {
    let machine = Fake::with_updates(&[]);
    let post = Post::on(&machine);
    std::fs::create_dir_all(post.record(run(ONE))).expect("made");
    let refusal = post.refuses(run(ONE), Phase::Repair, &none()).await;
    let sentence = refusal.to_string();
    assert!(
        sentence.starts_with("cannot use ") && sentence.ends_with("nothing was begun"),
        "{sentence}"
    );
    assert_eq!(machine.world().calls, Vec::<&str>::new());
}

#[tokio::test]
async fn a_record_is_never_written_through_a_link() {
    let machine = Fake::with_updates(&[]);
    let post = Post::on(&machine);
    let target = post.root.path().join("precious");
    std::fs::create_dir_all(run_folder(post.root.path(), run(ONE))).expect("made");
    std::os::unix::fs::symlink(&target, post.record(run(ONE))).expect("made");
    let refusal = post.refuses(run(ONE), Phase::Repair, &none()).await;
    assert!(matches!(refusal, Refusal::Unable { .. }), "{refusal:?}");
    assert!(!target.exists());
}

#[test]
fn what_an_earlier_run_broke_is_told_until_it_is_mended() {
    let root = tempfile::tempdir().expect("a folder");
    let (first, second) = (RunId::new(1, 1), RunId::new(2, 2));
    let before = serde_json::from_value(serde_json::json!({
        "units": {"unknown": "no systemd"},
        "programs": {},
        "listeners": {"known": []},
        "routes": {"known": []},
        "resolver": {"servers": [], "asked": [], "resolved": null},
        "probes": {},
    }));
    let look = standing::Look {
        run: first,
        before: before.expect("an observation"),
        touched: verify::Touched::default(),
    };
    standing::write(root.path(), std::slice::from_ref(&look)).expect("kept");
    assert_eq!(standing::read(root.path(), first).expect("read"), []);
    assert_eq!(standing::read(root.path(), second).expect("read"), [look]);
    standing::write(root.path(), &[]).expect("gone");
    assert_eq!(standing::read(root.path(), second).expect("read"), []);
}
