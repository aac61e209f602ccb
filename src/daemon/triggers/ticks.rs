//! When each job comes next, as the scheduler asks for it. It computes such times
//! itself and forgets the time zone's changes over that, so its own are ignored.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_cron_scheduler::job::job_data::{JobAndNextTick, JobStoredData};
use tokio_cron_scheduler::store::{DataStore, InitStore};
use tokio_cron_scheduler::{JobSchedulerError, MetaDataStorage};
use uuid::Uuid;

use crate::os::clock;

/// Not later than this a schedule is looked at again, whatever its next window:
/// the host's zone may have changed.
const LOOK: SignedDuration = SignedDuration::from_mins(10);

/// When a look that brought no answer is asked for again.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// A clock that is behind what it was by less is only being adjusted.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// A time that has come, whatever the clock says.
const AT_ONCE: Timestamp = Timestamp::UNIX_EPOCH;

/// The ticker ticks twice a second; silent for this long, it is dead.
const SILENCE: Duration = Duration::from_secs(5);

/// A reply to the scheduler; ours never wait.
type Reply<T> = Pin<Box<dyn Future<Output = Result<T, JobSchedulerError>> + Send>>;

fn reply<T: Send + 'static>(value: T) -> Reply<T> {
    Box::pin(std::future::ready(Ok(value)))
}

/// The scheduler's storage; all clones are one.
#[derive(Clone)]
pub(super) struct Ticks {
    board: Arc<Mutex<Board>>,
    pulse: Pulse,
}

/// Every job with its next time.
struct Board {
    jobs: BTreeMap<Uuid, (JobStoredData, Timestamp)>,
    /// When the scheduler asked last, by the wall clock.
    seen: Timestamp,
}

/// When the ticker ticked last. Whoever feeds the watchdog looks at it.
#[derive(Debug, Clone)]
pub struct Pulse {
    began: Instant,
    /// Milliseconds since then.
    last: Arc<AtomicU64>,
}

impl Pulse {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            last: Arc::new(AtomicU64::new(0)),
        }
    }

    fn beat(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Whether the ticker is alive.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(last) < SILENCE
    }
}

impl Ticks {
    pub fn new(now: Timestamp) -> Self {
        let board = Board {
            jobs: BTreeMap::new(),
            seen: now,
        };
        Self {
            board: Arc::new(Mutex::new(board)),
            pulse: Pulse::new(),
        }
    }

    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    pub fn arm(&self, job: Uuid, until: Timestamp, now: Timestamp) {
        self.board().arm(job, until, now);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // Nothing panics while it is held, and then the times would still be good.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn arm(&mut self, job: Uuid, until: Timestamp, now: Timestamp) {
        if let Some((_, next)) = self.jobs.get_mut(&job) {
            *next = until.min(later(now, LOOK));
        }
    }

    /// After the clock was set back all times are in doubt.
    fn list(&mut self, now: Timestamp) -> Vec<JobAndNextTick> {
        if later(now, STEP) < self.seen {
            self.jobs.values_mut().for_each(|(_, next)| *next = AT_ONCE);
        }
        self.seen = now;
        let tick = |(data, next): &(JobStoredData, Timestamp)| JobAndNextTick {
            id: data.id,
            job_type: data.job_type,
            next_tick: whole_seconds(*next),
            last_tick: None,
        };
        self.jobs.values().map(tick).collect()
    }

    /// Unless it was armed anew already.
    fn ticked(&mut self, job: Uuid, now: Timestamp) {
        if let Some((_, next)) = self.jobs.get_mut(&job)
            && *next <= now
        {
            *next = later(now, AGAIN);
        }
    }
}

/// Not before its time; 0 would mean that the job is over.
fn whole_seconds(at: Timestamp) -> u64 {
    let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    u64::try_from(second).unwrap_or(0).max(1)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl InitStore for Ticks {
    fn init(&mut self) -> Reply<()> {
        reply(())
    }

    fn inited(&mut self) -> Reply<bool> {
        reply(true)
    }
}

impl DataStore<JobStoredData> for Ticks {
    fn get(&mut self, job: Uuid) -> Reply<Option<JobStoredData>> {
        let known = self.board().jobs.get(&job).map(|(data, _)| data.clone());
        reply(known)
    }

    /// A job is looked at first when it is new.
    fn add_or_update(&mut self, data: JobStoredData) -> Reply<()> {
        if let Some(job) = data.id.map(Uuid::from) {
            self.board().jobs.insert(job, (data, AT_ONCE));
        }
        reply(())
    }

    fn delete(&mut self, job: Uuid) -> Reply<()> {
        self.board().jobs.remove(&job);
        reply(())
    }
}

impl MetaDataStorage for Ticks {
    /// Asked with every tick.
    fn list_next_ticks(&mut self) -> Reply<Vec<JobAndNextTick>> {
        self.pulse.beat();
        let ticks = self.board().list(clock::now());
        reply(ticks)
    }

    fn set_next_and_last_tick(
        &mut self,
        job: Uuid,
        _next: Option<DateTime<Utc>>,
        _last: Option<DateTime<Utc>>,
    ) -> Reply<()> {
        self.board().ticked(job, clock::now());
        reply(())
    }

    fn time_till_next_job(&mut self) -> Reply<Option<Duration>> {
        reply(None)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    /// A board at second 1000 with a job that is due at 1300.
    fn board() -> (Board, Uuid) {
        let job = Uuid::from_u128(7);
        let data = JobStoredData {
            id: Some(job.into()),
            last_updated: None,
            last_tick: None,
            next_tick: 0,
            job_type: 0,
            count: 0,
            extra: Vec::new(),
            ran: false,
            stopped: false,
            job: None,
            time_offset_seconds: 0,
        };
        let board = Board {
            jobs: BTreeMap::from([(job, (data, at(1300)))]),
            seen: at(1000),
        };
        (board, job)
    }

    fn next(board: &mut Board, now: i64) -> u64 {
        board.list(at(now)).pop().expect("one").next_tick
    }

    #[test]
    fn a_job_is_armed_for_its_time_or_a_look_before_it() {
        let (mut board, job) = board();
        board.arm(job, at(1500), at(1000));
        assert_eq!(next(&mut board, 1000), 1500);
        board.arm(job, at(99_999), at(1000));
        assert_eq!(next(&mut board, 1000), 1600);
        board.arm(job, Timestamp::MIN, at(1000));
        assert_eq!(next(&mut board, 1000), 1);
    }

    #[test]
    fn no_job_comes_before_its_time() {
        let (mut board, job) = board();
        let soon = at(1500) + SignedDuration::from_millis(1);
        board.arm(job, soon, at(1000));
        assert_eq!(next(&mut board, 1000), 1501);
    }

    #[test]
    fn after_a_step_back_everything_is_looked_at() {
        let (mut board, _) = board();
        assert_eq!(next(&mut board, 999), 1300);
        assert_eq!(next(&mut board, 500), 1);
    }

    #[test]
    fn what_ticked_and_was_not_armed_ticks_again() {
        let (mut board, job) = board();
        board.ticked(job, at(1300));
        assert_eq!(next(&mut board, 1300), 1360);
        board.ticked(job, at(1301));
        assert_eq!(next(&mut board, 1301), 1360);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pulse_is_fresh_for_five_seconds() {
        let pulse = Pulse::new();
        advance(Duration::from_secs(4)).await;
        assert!(pulse.is_fresh());
        advance(Duration::from_secs(1)).await;
        assert!(!pulse.is_fresh());
        pulse.beat();
        assert!(pulse.is_fresh());
    }
}
