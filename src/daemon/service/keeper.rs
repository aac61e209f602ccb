//! The one loop. Whatever happens comes here, one thing at a time; nothing in it
//! waits for the worker, for apt, or for somebody at a socket.

use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

use super::audience::Audience;
use super::standing::{Standing, Verdict};
use super::telling::{Attempt, Post};
use super::timekeeping::Timekeeping;
use crate::control::Asked;
use crate::daemon::driver::{self, Request, RunError, RunReport};
use crate::daemon::events::event;
use crate::daemon::evidence::Evidence;
use crate::daemon::feeds;
use crate::daemon::hands::Hands;
use crate::daemon::notice::Notice;
use crate::daemon::parts::Parts;
use crate::daemon::survey::Survey;
use crate::daemon::triggers::Triggers;
use crate::os::service;
use crate::package_manager::PackageManager;
use crate::state::Ledger;

/// Everything that comes in from outside.
pub(super) struct Inbox {
    /// Readable when we are to stop.
    pub stop: UnixStream,
    /// Readable when the configuration is to be read anew.
    pub reload: UnixStream,
    /// Schedules whose time has come.
    pub ticks: mpsc::Receiver<String>,
    /// What people ask.
    pub asked: mpsc::Receiver<Asked>,
}

/// The run at work.
pub(super) struct AtWork {
    pub audience: Audience,
    /// Sent to end it before its next phase.
    pub cancel: Option<oneshot::Sender<()>>,
}

/// Something that went on beside the loop and has ended.
pub(super) enum Done {
    Run(Box<Result<Option<RunReport>, RunError>>),
    Configured(Verdict),
    /// The feeds were looked at; when they are again, and whether that did anything.
    Fed(Duration, bool),
    Told(Box<Attempt>),
    Answered,
}

/// What the daemon knows and has.
pub(super) struct Keeper<P, H> {
    pub parts: Rc<Parts<P>>,
    pub hands: H,
    pub ledger: Ledger,
    pub standing: Standing<P>,
    /// The last look at what is pending, for the metrics.
    pub survey: Option<Survey>,
    pub triggers: Triggers,
    pub at_work: Option<AtWork>,
    /// Whose turn it is to look at what is pending.
    pub looks: Rc<Semaphore>,
    pub timekeeping: Timekeeping,
    pub post: Post,
    /// Absent when it cannot be used.
    pub evidence: Option<Evidence>,
    pub tasks: JoinSet<Done>,
}

impl<P: PackageManager + 'static, H: Hands + Clone + 'static> Keeper<P, H> {
    /// Goes on until told to stop.
    pub async fn keep(mut self, mut inbox: Inbox) {
        self.begin(None);
        self.look_for_rivals();
        self.tend_feeds(feeds::first_wait(&self.parts));
        let mut beat = heartbeat();
        loop {
            tokio::select! {
                biased;
                _byte = inbox.stop.read_u8() => return,
                _byte = inbox.reload.read_u8() => self.reload(None),
                Some(done) = self.tasks.join_next() => {
                    if let Ok(done) = done {
                        self.settle(done).await;
                    }
                }
                Some(schedule) = inbox.ticks.recv() => self.consider(&schedule),
                Some(asked) = inbox.asked.recv() => self.serve(asked),
                _ = beat.tick() => self.live(),
            }
        }
    }

    /// Begins what is asked for, or with nothing what was cut short.
    pub fn begin(&mut self, request: Option<Request>) -> Audience {
        let audience = Audience::default();
        let (cancel, cancelled) = oneshot::channel::<()>();
        self.at_work = Some(AtWork {
            audience: audience.clone(),
            cancel: Some(cancel),
        });
        let (parts, mut hands) = (Rc::clone(&self.parts), self.hands.clone());
        let watched = audience.clone();
        self.tasks.spawn_local(async move {
            let notify = &mut |notice: &Notice| watched.post(notice);
            let stop = async {
                if cancelled.await.is_err() {
                    // Nobody can cancel it any more.
                    std::future::pending::<()>().await;
                }
            };
            Done::Run(Box::new(match request {
                Some(request) => driver::run(&parts, &mut hands, &request, notify, stop)
                    .await
                    .map(Some),
                None => driver::resume(&parts, &mut hands, notify, stop).await,
            }))
        });
        audience
    }

    /// Looks at the feeds after a while, beside the loop.
    fn tend_feeds(&mut self, wait: Duration) {
        let parts = Rc::clone(&self.parts);
        self.tasks.spawn_local(async move {
            tokio::time::sleep(wait).await;
            let (wait, did_anything) = feeds::tend(&parts).await;
            Done::Fed(wait, did_anything)
        });
    }

    async fn settle(&mut self, done: Done) {
        match done {
            Done::Answered => {}
            Done::Fed(wait, did_anything) => {
                if did_anything {
                    self.measure();
                }
                self.tend_feeds(wait);
            }
            Done::Told(attempt) => self.note_attempt(*attempt),
            Done::Configured(verdict) => self.configure(verdict).await,
            Done::Run(ended) => {
                let at_work = self.at_work.take();
                self.conclude(*ended, at_work);
                if self.standing.unkept {
                    self.reload(None);
                }
                self.consider_all();
            }
        }
    }

    /// Tells systemd that we live, as long as the ticker does.
    fn live(&mut self) {
        self.timekeeping.look();
        self.anchor();
        self.look_at_what_lasts();
        self.deliver();
        if self.triggers.pulse().is_fresh() {
            service::alive();
        } else {
            event!(
                TICKER_SILENT,
                "the ticker has fallen silent; systemd restarts patchd when that goes on"
            );
        }
    }
}

/// Three times as often as systemd wants to hear of us; without a watchdog now
/// and then.
fn heartbeat() -> Interval {
    let period = service::watchdog().map_or(Duration::from_mins(1), |within| within / 3);
    let mut beat = tokio::time::interval(period);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}
