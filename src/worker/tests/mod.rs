//! Orders from their first byte to their last event, on a fake machine.

mod acts;
mod forged;
mod own_upgrade;
mod stopping;

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::FlockOperation;
use tempfile::TempDir;

use super::caller::Caller;
use super::record::{Line, Record, run_folder};
use super::serve::serve;
use super::standing;
use super::tools::{Rules, Tools};
use crate::config::Sources;
use crate::model::{
    BootId, Change, Class, Host, Installed, Order, Phase, Plan, Refusal, Report, RunId, WorkerEvent,
};
use crate::os::command::{Answer, Command, CommandError, Output, Runner};
use crate::os::signals::Noted;
use crate::package_manager::fake::{Fake, id, name, upgrade, version};
use crate::verify;

/// A machine without a program on it.
struct Bare;

impl Runner for Bare {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        let error = CommandError::Start {
            program: question.argv().concat(),
            cause: std::io::ErrorKind::NotFound.into(),
        };
        Box::pin(std::future::ready(Err(error)))
    }
}

/// Where a worker works.
struct Post {
    machine: Fake,
    root: TempDir,
    rules: Rules,
    host: Host,
    sources: Sources,
    noted: Noted,
}

impl Post {
    fn on(machine: &Fake) -> Self {
        let verify = verify::Settings {
            retries: 1,
            interval: Duration::ZERO,
            probes: Vec::new(),
        };
        let root = tempfile::tempdir().expect("a folder");
        Self {
            machine: machine.clone(),
            sources: Sources::default().below(&root.path().join("machine")),
            root,
            rules: Rules {
                verify,
                removals: Vec::new(),
                unsound: None,
            },
            host: Host {
                name: "lab".to_owned(),
                machine_id: None,
                boot_id: BootId("boot".to_owned()),
            },
            noted: Noted::default(),
        }
    }

    async fn serve(&self, caller: &mut Caller) {
        self.serve_with(&Bare, caller).await;
    }

    async fn serve_with(&self, runner: &dyn Runner, caller: &mut Caller) {
        let tools = Tools {
            package_manager: &self.machine,
            runner,
            rules: &self.rules,
            host: &self.host,
            root: self.root.path(),
            logs: &self.root.path().join("logs"),
            sources: &self.sources,
            unit: Some("patchd-worker@7.service".to_owned()),
            noted: &self.noted,
        };
        serve(&tools, caller).await;
    }

    /// All events of an order.
    async fn events(&self, text: &str) -> Vec<WorkerEvent> {
        self.events_with(&Bare, text).await
    }

    async fn events_with(&self, runner: &dyn Runner, text: &str) -> Vec<WorkerEvent> {
        let (mut caller, mut theirs) = connection(text);
        self.serve_with(runner, &mut caller).await;
        drop(caller);
        let mut told = String::new();
        theirs.read_to_string(&mut told).expect("text");
        let event = |line| serde_json::from_str(line).expect("an event");
        told.lines().map(event).collect()
    }

    /// The last event of an order.
    async fn ends(&self, run: RunId, phase: Phase, plan: &Plan) -> WorkerEvent {
        let events = self.events(&order(run, phase, plan)).await;
        events.into_iter().next_back().expect("a last word")
    }

    async fn does(&self, run: RunId, phase: Phase, plan: &Plan) -> Report {
        match self.ends(run, phase, plan).await {
            WorkerEvent::Done { report } => report,
            other => panic!("{phase}: {other:?}"),
        }
    }

    async fn refuses(&self, run: RunId, phase: Phase, plan: &Plan) -> Refusal {
        match self.ends(run, phase, plan).await {
            WorkerEvent::Refused { refusal } => refusal,
            other => panic!("{phase}: {other:?}"),
        }
    }

    /// A run that has begun.
    async fn opened(&self, run: RunId) {
        self.does(run, Phase::Repair, &none()).await;
    }

    /// A run that has its archives.
    async fn downloaded(&self, run: RunId, plan: &Plan) {
        self.opened(run).await;
        self.does(run, Phase::Download, plan).await;
        self.machine.world().calls.clear();
    }

    /// Serves an order that never ends, and is killed. The clock must be paused.
    async fn dies(&self, run: RunId, phase: Phase, plan: &Plan) {
        let (mut caller, _theirs) = connection(&order(run, phase, plan));
        let work = self.serve(&mut caller);
        let ended = tokio::time::timeout(Duration::from_mins(1), work).await;
        assert!(ended.is_err(), "it ended");
    }

    fn record(&self, run: RunId) -> PathBuf {
        run_folder(self.root.path(), run).join("record.jsonl")
    }

    fn lines(&self, run: RunId) -> Vec<Line> {
        let text = std::fs::read_to_string(self.record(run)).expect("there");
        let line = |line| serde_json::from_str(line).expect("a line");
        text.lines().map(line).collect()
    }
}

/// Whoever says `text`, and his end of the connection.
fn connection(text: &str) -> (Caller, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let again = ours.try_clone().expect("another");
    let caller = Caller::new(ours.into(), again.into()).expect("usable");
    let (mut saying, text) = (theirs.try_clone().expect("another"), text.to_owned());
    // Longer than a socket holds, it is said while it is heard.
    std::thread::spawn(move || {
        let _cut_short = saying.write_all(text.as_bytes());
        let _gone = saying.shutdown(std::net::Shutdown::Write);
    });
    (caller, theirs)
}

const ONE: u64 = 1_000;
const TWO: u64 = 2_000;

fn run(at: u64) -> RunId {
    RunId::new(at, 7)
}

fn none() -> Plan {
    Plan::default()
}

fn order(run: RunId, phase: Phase, plan: &Plan) -> String {
    let order = Order::new(run, phase, plan.clone());
    serde_json::to_string(&order).expect("an order") + "\n"
}

fn plan_of(names: &[&str]) -> Plan {
    Plan::new(names.iter().map(|name| upgrade(name)).collect())
}

fn installed(report: Report) -> Vec<Change> {
    match report {
        Report::Apply {
            installed: Installed { changed, .. },
            ..
        }
        | Report::Repair {
            installed: Installed { changed, .. },
            ..
        } => changed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_whole_run_is_carried_out_and_its_record_closed() {
    let machine = Fake::with_updates(&["aa", "bb"]);
    let post = Post::on(&machine);
    let plan = plan_of(&["aa", "bb"]);
    for phase in [Phase::Repair, Phase::Refresh] {
        post.does(run(ONE), phase, &none()).await;
    }
    post.does(run(ONE), Phase::Download, &plan).await;
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
    post.downloaded(run(ONE), &plan_of(&["aa"])).await;
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
    post.downloaded(run(ONE), &plan).await;
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
    post.downloaded(run(ONE), &plan_of(&["aa", "bb"])).await;
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
    post.does(run(ONE), Phase::Download, &plan_of(&["bb"]))
        .await;
    let report = post.does(run(ONE), Phase::Apply, &plan_of(&["bb"])).await;
    assert_eq!(installed(report), [upgrade("bb")]);
}

#[tokio::test(start_paused = true)]
async fn the_next_run_settles_what_another_left_undone() {
    let machine = Fake::with_updates(&["aa", "bb"]);
    let post = Post::on(&machine);
    post.downloaded(run(ONE), &plan_of(&["aa", "bb"])).await;
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
    post.downloaded(run(ONE), &plan_of(&["aa"])).await;
    post.does(run(ONE), Phase::Apply, &plan_of(&["aa"])).await;
    let report = post.does(run(TWO), Phase::Repair, &none()).await;
    assert_eq!(installed(report), []);
}

#[tokio::test]
async fn what_was_changed_behind_our_back_is_found() {
    let machine = Fake::with_updates(&["aa"]);
    let post = Post::on(&machine);
    post.downloaded(run(ONE), &plan_of(&["aa"])).await;
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
