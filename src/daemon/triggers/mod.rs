//! Tells when a schedule has to be looked at. What that look finds is decided in
//! `schedule`; here is only tokio-cron-scheduler, which ticks twice a second, and
//! the times that we put under it. It appears in this folder alone.

mod ticks;

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_cron_scheduler::{
    Job, JobScheduler, JobSchedulerError, SimpleJobCode, SimpleNotificationCode,
    SimpleNotificationStore,
};
use uuid::Uuid;

pub use self::ticks::Pulse;
use self::ticks::Ticks;
use crate::os::clock;
use crate::schedule::{Schedule, Settings};

/// The scheduler wants an expression for each job; ours are in `schedule`.
const UNUSED: &str = "0 0 0 1 1 *";

/// Room in the scheduler's own channels; more changes than that at once lose some.
const ROOM: usize = 1024;

/// The ticker, with a job for each schedule.
pub struct Triggers {
    scheduler: JobScheduler,
    ticks: Ticks,
    looks: mpsc::Sender<String>,
    jobs: BTreeMap<String, (Uuid, Schedule)>,
}

/// The ticker fails. It has no reason to, so systemd shall start us anew.
#[derive(Debug, thiserror::Error)]
#[error("the ticker of the schedules does not work: {0}; restart patchd, and report it")]
pub struct TickerError(#[from] JobSchedulerError);

impl Triggers {
    /// Starts the ticker. Names of schedules that have to be looked at come down
    /// `looks`; what does not fit is sent again within a minute.
    pub async fn start(looks: mpsc::Sender<String>) -> Result<Self, TickerError> {
        let ticks = Ticks::new(clock::now());
        let scheduler = JobScheduler::new_with_storage_and_code(
            Box::new(ticks.clone()),
            Box::new(SimpleNotificationStore::default()),
            Box::new(SimpleJobCode::default()),
            Box::new(SimpleNotificationCode::default()),
            ROOM,
        )
        .await?;
        scheduler.start().await?;
        Ok(Self {
            scheduler,
            ticks,
            looks,
            jobs: BTreeMap::new(),
        })
    }

    /// What tells whether the ticker still ticks.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.ticks.pulse()
    }

    /// Exactly these schedules from now on. One that is new or has changed is
    /// looked at at once, the others when they would have been.
    pub async fn replace(&mut self, settings: &Settings) -> Result<(), TickerError> {
        let unchanged = |name: &str, schedule| settings.schedules.get(name) == Some(schedule);
        let gone: Vec<(String, Uuid)> = self
            .jobs
            .iter()
            .filter(|(name, (_, schedule))| !unchanged(name, schedule))
            .map(|(name, (job, _))| (name.clone(), *job))
            .collect();
        for (name, job) in gone {
            self.scheduler.remove(&job).await?;
            self.jobs.remove(&name);
        }
        for (name, schedule) in &settings.schedules {
            if !self.jobs.contains_key(name) {
                let job = self.scheduler.add(self.job(name)?).await?;
                self.jobs.insert(name.clone(), (job, schedule.clone()));
            }
        }
        Ok(())
    }

    /// The next look at this schedule, after each: not later than `until`.
    pub fn arm(&self, name: &str, until: Timestamp) {
        if let Some((job, _)) = self.jobs.get(name) {
            self.ticks.arm(*job, until, clock::now());
        }
    }

    /// Runs on the scheduler's task: it must neither wait nor panic.
    fn job(&self, name: &str) -> Result<Job, JobSchedulerError> {
        let (looks, name) = (self.looks.clone(), name.to_owned());
        Job::new(UNUSED, move |_, _| {
            if looks.try_send(name.clone()).is_err() {
                tracing::debug!("no room to look at schedule {name}; it is tried again");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::SignedDuration;
    use tokio::sync::mpsc::error::TryRecvError;
    use tokio::time::{advance, timeout};

    use super::*;

    fn settings(names: &[&str]) -> Settings {
        let each = names
            .iter()
            .map(|name| ((*name).to_owned(), Schedule::default()));
        Settings {
            schedules: each.collect(),
            freezes: Vec::new(),
        }
    }

    fn tomorrow() -> Timestamp {
        clock::now() + SignedDuration::from_hours(24)
    }

    /// The names that come within five ticks, each once.
    async fn heard(looks: &mut mpsc::Receiver<String>) -> Vec<String> {
        let mut names = Vec::new();
        let listen = async {
            while let Some(name) = looks.recv().await {
                names.push(name);
            }
        };
        let _over = timeout(Duration::from_millis(2500), listen).await;
        names.sort();
        names.dedup();
        names
    }

    #[tokio::test(start_paused = true)]
    async fn a_schedule_is_looked_at_when_it_is_new_and_when_its_time_has_come() {
        let (sender, mut looks) = mpsc::channel(16);
        let mut triggers = Triggers::start(sender).await.expect("started");
        triggers
            .replace(&settings(&["a", "b"]))
            .await
            .expect("added");
        assert_eq!(heard(&mut looks).await, ["a", "b"]);
        triggers.arm("a", Timestamp::UNIX_EPOCH);
        triggers.arm("b", tomorrow());
        assert_eq!(heard(&mut looks).await, ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_reload_only_what_has_changed_is_looked_at() {
        let (sender, mut looks) = mpsc::channel(16);
        let mut triggers = Triggers::start(sender).await.expect("started");
        triggers
            .replace(&settings(&["a", "b", "c"]))
            .await
            .expect("added");
        for name in heard(&mut looks).await {
            triggers.arm(&name, tomorrow());
        }
        let mut changed = settings(&["a", "c", "d"]);
        let c = changed.schedules.get_mut("c").expect("there");
        c.window = SignedDuration::from_hours(1);
        triggers.replace(&changed).await.expect("replaced");
        assert_eq!(heard(&mut looks).await, ["c", "d"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_does_not_listen_stops_nothing() {
        let (sender, mut looks) = mpsc::channel(1);
        let mut triggers = Triggers::start(sender).await.expect("started");
        triggers
            .replace(&settings(&["a", "b"]))
            .await
            .expect("added");
        for _ in 0..10 {
            advance(Duration::from_secs(1)).await;
        }
        assert!(triggers.pulse().is_fresh());
        assert!(looks.try_recv().is_ok());
        assert_eq!(looks.try_recv(), Err(TryRecvError::Empty));
    }
}
