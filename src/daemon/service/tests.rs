//! The daemon's own decisions: what begins, what is refused, what is skipped.

use std::rc::Rc;

use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, LocalSet};

use super::keeper::{Done, Keeper};
use super::requests::Wish;
use super::standing::Standing;
use super::telling::Post;
use super::timekeeping::Timekeeping;
use crate::config::Settings;
use crate::control::ControlError;
use crate::daemon::hands::{Hands, Lost, Work};
use crate::daemon::parts::{Parts, Paths};
use crate::daemon::triggers::Triggers;
use crate::model::{
    BootId, ExitCode, Host, Notification, NotificationKind, Order, SkipReason, WorkerEvent,
};
use crate::notify::{Receiver, Way};
use crate::os::clock;
use crate::os::net::Door;
use crate::package_manager::fake::Fake;
use crate::schedule::{CatchUp, Freeze, Schedule};
use crate::state::{Ledger, Pause, Scheduled};

/// A worker that never answers: what was begun stays at work.
#[derive(Debug, Clone, Copy)]
struct Silent;

struct Nothing;

impl Hands for Silent {
    type Work = Nothing;

    async fn order(&mut self, _: &Order) -> Result<Nothing, Lost> {
        std::future::pending().await
    }
}

impl Work for Nothing {
    async fn next(&mut self) -> Result<WorkerEvent, Lost> {
        std::future::pending().await
    }
}

/// Opens every second, and stays open for an hour.
const OFTEN: &str = "often";

fn often(catch_up: CatchUp) -> Schedule {
    Schedule {
        cron: "* * * * * *".parse().expect("valid"),
        window: SignedDuration::from_hours(1),
        spread: SignedDuration::ZERO,
        catch_up,
        ..Schedule::default()
    }
}

struct Bench {
    keeper: Keeper<Fake, Silent>,
    folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = Settings::default();
        settings.schedules.schedules = [(OFTEN.to_owned(), often(CatchUp::NextWindow))].into();
        let paths = Paths {
            state: folder.path().join("state"),
            logs: folder.path().join("logs"),
            worker: folder.path().join("worker"),
            feeds: folder.path().join("feeds"),
            index: folder.path().join("index.db"),
        };
        let host = Host {
            name: "bench".to_owned(),
            machine_id: None,
            boot_id: BootId("boot".to_owned()),
        };
        let ledger = Ledger::open(&paths.ledger()).expect("opened");
        let assemble = move |settings: Settings| {
            Ok(Parts {
                at_rest: false,
                package_manager: Fake::with_updates(&["aa"]),
                settings,
                host: host.clone(),
                paths: paths.clone(),
            })
        };
        let parts = Rc::new(assemble(settings).expect("put together"));
        let (tick, _ticks) = mpsc::channel(1);
        let keeper = Keeper {
            parts,
            hands: Silent,
            ledger,
            standing: Standing {
                assemble: Box::new(assemble),
                faults: None,
                in_force: true,
                unkept: false,
            },
            survey: None,
            triggers: Triggers::start(tick).await.expect("started"),
            at_work: None,
            looks: Rc::new(Semaphore::new(1)),
            timekeeping: Timekeeping::begin(),
            post: Post::begin(Door::of_daemon()),
            evidence: None,
            tasks: JoinSet::new(),
        };
        Self { keeper, folder }
    }

    /// The schedule was last handled so many seconds ago.
    fn handled_ago(&mut self, seconds: i64) {
        let parts = Rc::clone(&self.keeper.parts);
        let schedule = &parts.settings.schedules.schedules[OFTEN];
        let rule = parts.calendar(OFTEN, schedule).rule();
        let scheduled = Scheduled {
            name: OFTEN,
            rule: &rule,
            machine_id: None,
        };
        let then = clock::now() - SignedDuration::from_secs(seconds);
        let kept = self.keeper.ledger.set_handled(&scheduled, then);
        kept.expect("kept");
    }

    fn change(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.keeper.parts.settings.clone();
        change(&mut settings);
        let parts = (self.keeper.standing.assemble)(settings).expect("put together");
        self.keeper.parts = Rc::new(parts);
    }

    fn freeze(&mut self) {
        let today = clock::now().to_zoned(clock::zone(None)).date();
        let freeze = Freeze {
            from: today.yesterday().expect("in range"),
            to: today.tomorrow().expect("in range"),
            reason: "year's end".to_owned(),
        };
        self.change(|settings| settings.schedules.freezes.push(freeze));
    }

    fn pause(&mut self) {
        let pause = Pause {
            since: clock::now(),
            by: "alice".to_owned(),
            reason: None,
        };
        self.keeper.ledger.pause(&pause).expect("written");
    }

    fn skips(&self) -> Vec<SkipReason> {
        let skips = self.keeper.ledger.skips(10).expect("read");
        skips.into_iter().map(|skip| skip.reason).collect()
    }

    fn is_at_work(&self) -> bool {
        self.keeper.at_work.is_some()
    }
}

/// In the context that the daemon's tasks need.
async fn with_bench(test: impl AsyncFnOnce(Bench)) {
    let local = LocalSet::new();
    local
        .run_until(async { test(Bench::new().await).await })
        .await;
}

/// Puts something in the way.
type Puts = fn(&mut Bench);

fn wish(now: bool) -> Wish {
    Wish {
        action: crate::model::Action::Patch,
        schedule: None,
        policy: None,
        packages: Vec::new(),
        now,
        of: None,
        by: "alice".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_new_here_has_missed_nothing() {
    with_bench(async |mut bench| {
        bench.keeper.consider(OFTEN);
        assert!(!bench.is_at_work());
        assert_eq!(bench.skips(), []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_open_window_begins_one_run_and_no_second() {
    with_bench(async |mut bench| {
        bench.handled_ago(10);
        bench.keeper.consider(OFTEN);
        assert!(bench.is_at_work());
        let tasks = bench.keeper.tasks.len();
        bench.keeper.consider(OFTEN);
        assert_eq!(bench.keeper.tasks.len(), tasks);
        assert_eq!(bench.skips(), []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_passed_while_nobody_was_here_is_told_and_the_open_window_used() {
    with_bench(async |mut bench| {
        bench.handled_ago(3 * 3600);
        bench.keeper.consider(OFTEN);
        assert_eq!(bench.skips(), [SkipReason::Missed]);
        assert!(bench.is_at_work());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whatever_stands_against_it_is_a_skip_with_its_reason() {
    let obstacles: [(Puts, SkipReason); 3] = [
        (Bench::pause, SkipReason::Paused),
        (Bench::freeze, SkipReason::Frozen),
        (
            |bench| {
                bench.keeper.standing.in_force = false;
                bench.keeper.standing.faults = Some("broken TOML".to_owned());
            },
            SkipReason::ConfigInvalid,
        ),
    ];
    for (put, reason) in obstacles {
        with_bench(async |mut bench| {
            put(&mut bench);
            bench.handled_ago(10);
            bench.keeper.consider(OFTEN);
            assert!(!bench.is_at_work(), "{reason}");
            assert_eq!(bench.skips().first(), Some(&reason));
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_by_hand_is_refused_by_the_same_obstacles() {
    let code = |refused: Result<_, ControlError>| match refused {
        Err(error) => error.exit_code(),
        Ok(_) => ExitCode::Success,
    };
    with_bench(async |mut bench| {
        assert_eq!(code(bench.keeper.request(wish(true))), ExitCode::Success);
        bench.pause();
        assert_eq!(code(bench.keeper.request(wish(true))), ExitCode::Deferred);
        bench.keeper.ledger.resume().expect("written");
        bench.freeze();
        assert_eq!(code(bench.keeper.request(wish(true))), ExitCode::Deferred);
        bench.keeper.standing.in_force = false;
        bench.keeper.standing.faults = Some("broken TOML".to_owned());
        assert_eq!(
            code(bench.keeper.request(wish(true))),
            ExitCode::ConfigInvalid
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_by_hand_ends_with_the_window_or_has_one_of_its_length() {
    with_bench(async |mut bench| {
        let closes = |request: Result<crate::daemon::Request, ControlError>| {
            request
                .expect("nothing is against it")
                .mandate
                .closes
                .expect("a window")
        };
        let now = clock::now();
        let at_once = closes(bench.keeper.request(wish(true))).duration_since(now);
        assert!(at_once.as_secs().abs_diff(3600) <= 5, "{at_once}");
        let in_window = closes(bench.keeper.request(wish(false))).duration_since(now);
        assert!(in_window.as_secs().abs_diff(3600) <= 5, "{in_window}");
        bench.change(|settings| {
            let yearly = often(CatchUp::NextWindow);
            let cron = "0 0 3 29 2 *".parse().expect("valid");
            settings.schedules.schedules =
                [("rare".to_owned(), Schedule { cron, ..yearly })].into();
        });
        let refused = bench
            .keeper
            .request(wish(false))
            .expect_err("no window is open");
        assert_eq!(refused.exit_code(), ExitCode::Deferred);
        assert!(refused.to_string().contains("rare"), "{refused}");
    })
    .await;
}

impl Bench {
    /// Somebody who is told by a shell's script.
    fn listener(&mut self, name: &str, script: &str) {
        let words = ["/usr/bin/env", "sh", "-c", script].map(str::to_owned);
        let receiver = Receiver {
            way: Way::Command(words.into()),
            on: NotificationKind::ALL.into(),
        };
        self.change(|settings| {
            let receivers = &mut settings.notify.receivers;
            receivers.insert(name.to_owned(), receiver);
        });
    }

    /// Everything that is under way comes to its end.
    async fn post_goes_out(&mut self) {
        while let Some(done) = self.keeper.tasks.join_next().await {
            if let Ok(Done::Told(attempt)) = done {
                self.keeper.note_attempt(*attempt);
            }
        }
    }
}

#[tokio::test]
async fn what_happened_is_told_once_and_what_did_not_arrive_waits() {
    with_bench(async |mut bench| {
        let heard = bench.folder.path().join("heard");
        let script = format!("cat >> {0}; echo >> {0}", heard.display());
        bench.listener("ops", &script);
        bench.listener("away", "exit 1");
        let kind = NotificationKind::Failed;
        let failed = Notification::new(kind, "run", clock::now(), "it failed");
        for _ in 0..2 {
            bench.keeper.tell(&failed);
            bench.post_goes_out().await;
        }
        let text = crate::os::files::read_bounded(&heard, 1 << 16).expect("told");
        let document: serde_json::Value = serde_json::from_str(&text).expect("one document");
        assert_eq!(document["schema"], "patchd/notification/1");
        assert_eq!(document["host"]["name"], "bench");
        let waiting = bench.keeper.ledger.queued().expect("read");
        let waiting: Vec<_> = waiting.iter().map(|it| (&*it.to, it.attempts)).collect();
        assert_eq!(waiting, [("away", 1)]);
    })
    .await;
}

#[tokio::test]
async fn a_fault_that_is_mended_and_made_again_is_told_again() {
    with_bench(async |mut bench| {
        let heard = bench.folder.path().join("heard");
        bench.listener("ops", &format!("echo $PATCHD_KIND >> {}", heard.display()));
        for faults in [Some("error: a"), Some("error: a"), None, Some("error: a")] {
            bench.keeper.standing.faults = faults.map(str::to_owned);
            bench.keeper.tell_configuration();
            bench.post_goes_out().await;
        }
        let text = crate::os::files::read_bounded(&heard, 1 << 16).expect("told");
        assert_eq!(text, "config-invalid\nconfig-invalid\n");
    })
    .await;
}
