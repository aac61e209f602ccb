//! Drives one run: asks the machine what comes next, writes it down, has it
//! done, and hands back what happened.

pub(in crate::daemon) mod opening;
mod planning;
mod stop;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::cycle::{Effect, Event, Mandate, Stage, State, Step, step};
use crate::daemon::deeds;
use crate::daemon::events::event;
use crate::daemon::handover::close_record;
use crate::daemon::hands::{End, Hands, Lost, Work};
use crate::daemon::notice::{Notice, Notify, log};
use crate::daemon::parts::Parts;
use crate::daemon::survey::Survey;
use crate::daemon::translate;
use crate::model::{ExitCode, Order, Outcome, Plan, Report, RunId, Task, WorkerEvent};
use crate::os::clock;
use crate::package_manager::PackageManager;
use crate::policy::Asked;
use crate::state::{Ledger, LedgerError};
use crate::worker::open_run;

use stop::Stop;

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What sets it off: [`Self::BY_HAND`], or `schedule NAME`.
    pub origin: String,
    /// What it is for, and until when.
    pub mandate: Mandate,
    /// Under which policy.
    pub policy: String,
    /// Which packages; empty for all.
    pub asked: Asked,
    /// Who wants it.
    pub asked_by: String,
}

impl Request {
    /// What sets off a run that somebody asks for.
    pub const BY_HAND: &'static str = "now";
}

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// Which.
    pub run: RunId,
    /// How.
    pub outcome: Outcome,
    /// One sentence.
    pub summary: String,
    /// Its last state.
    pub state: State,
    /// The last look at what is pending, without what was installed since.
    pub survey: Option<Survey>,
}

/// Why there was no run, or why it could not be told on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another process drives one.
    #[error(
        "another patchd is at work on this machine; wait for it, or look at it with `patchd status`"
    )]
    Busy,
    /// No such policy.
    #[error("there is no policy {name:?}; there is {}", .known.join(", "))]
    NoPolicy {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The ledger. What was begun is in the worker's record, and the next run finds it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The run lock.
    #[error("cannot use {path}: {cause}; check its owner and mode")]
    Lock {
        /// Its file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
}

impl RunError {
    /// What the program exits with because of it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Ledger(fault) => fault.exit_code(),
            Self::Busy => ExitCode::Deferred,
            Self::NoPolicy { .. } => ExitCode::Usage,
            Self::Lock { .. } => ExitCode::Failed,
        }
    }
}

struct Driver<'a, P, H> {
    parts: &'a Parts<P>,
    hands: &'a mut H,
    ledger: &'a mut Ledger,
    notify: Notify<'a>,
    run: RunId,
    state: State,
    policy: String,
    asked: Asked,
    survey: Option<Survey>,
    /// Whether the worker has a record of this run, from this driver.
    ordered: bool,
}

/// Drives a run to its end; one that was cut short comes first. When `stop` is
/// ready, the run ends before its next phase.
pub async fn run<P: PackageManager, H: Hands>(
    parts: &Parts<P>,
    hands: &mut H,
    request: &Request,
    notify: Notify<'_>,
    stop: impl Future<Output = ()>,
) -> Result<RunReport, RunError> {
    opening::known_policy(parts, &request.policy)?;
    let report = drive_all(parts, hands, Some(request), notify, stop).await?;
    // Whoever asks for a run gets one.
    report.ok_or(RunError::Busy)
}

/// Drives a run that was cut short to its end; `None` when there is none.
pub async fn resume<P: PackageManager, H: Hands>(
    parts: &Parts<P>,
    hands: &mut H,
    notify: Notify<'_>,
    stop: impl Future<Output = ()>,
) -> Result<Option<RunReport>, RunError> {
    drive_all(parts, hands, None, notify, stop).await
}

/// A run that is over in the ledger may be open in the worker's record, when the
/// power failed between the two: nothing of another run is taken until it is closed.
async fn close_leftover<P, H: Hands>(parts: &Parts<P>, hands: &mut H) {
    if let Ok(Some(run)) = open_run(&parts.paths.worker) {
        close_record(hands, run).await;
    }
}

/// First what was cut short, then what is asked for.
async fn drive_all<P: PackageManager, H: Hands>(
    parts: &Parts<P>,
    hands: &mut H,
    request: Option<&Request>,
    notify: Notify<'_>,
    stop: impl Future<Output = ()>,
) -> Result<Option<RunReport>, RunError> {
    let _lock = opening::run_lock(&parts.paths.state).await?;
    let mut ledger = Ledger::open(&parts.paths.ledger())?;
    let mut stop = Stop::new(stop);
    let mut opening = opening::resume(parts, &mut ledger)?;
    loop {
        let resumed = opening.is_some();
        let (opened, state) = match (opening.take(), request) {
            (Some((row, state)), _) => (row.opened, state),
            (None, Some(request)) => opening::open(parts, &mut ledger, request)?,
            (None, None) => {
                close_leftover(parts, hands).await;
                return Ok(None);
            }
        };
        // What was asked for now may be another matter than what was cut short.
        let serves = request.is_none_or(|request| {
            opened.policy == request.policy
                && opened.asked == request.asked.0
                && state.course.mandate.action == request.mandate.action
        });
        let mut driver = Driver {
            parts,
            hands: &mut *hands,
            ledger: &mut ledger,
            notify: &mut *notify,
            run: opened.id,
            state,
            policy: opened.policy,
            asked: Asked(opened.asked),
            survey: None,
            ordered: resumed,
        };
        driver.tell(&Notice::Opened {
            run: opened.id,
            resumed,
        });
        driver.drive(&mut stop).await?;
        driver.clean_up().await;
        let report = driver.close()?;
        if serves || stop.was_asked {
            return Ok(Some(report));
        }
    }
}

impl<P: PackageManager, H: Hands> Driver<'_, P, H> {
    async fn drive(&mut self, stop: &mut Stop<'_>) -> Result<(), RunError> {
        let mut effect = self.state.effect();
        loop {
            if stop.is_asked().await
                && let Some(next) = self.advance(Event::Cancelled)?
            {
                effect = next;
            }
            if effect == Effect::Report {
                return Ok(());
            }
            self.tell(&Notice::Stage(self.state.stage.clone()));
            let event = match effect {
                Effect::Order(task) => {
                    let plan = task.plan.clone();
                    match self.order(task, stop).await? {
                        End::Done(report) => self.done(report, &plan),
                        End::Refused(refusal) => Event::Refused(refusal),
                        End::Lost(lost) => self.lost(&lost),
                    }
                }
                Effect::Check => self.check(stop).await?,
                // Asked for only while an order is waited for.
                Effect::ReportStalled | Effect::Report => Event::Lost,
            };
            effect = self.advance(event)?.unwrap_or_else(|| self.state.effect());
        }
    }

    /// Steps and writes down, then tells what to do; `None` when the machine
    /// refuses the event here.
    fn advance(&mut self, event: Event) -> Result<Option<Effect>, RunError> {
        let now = clock::now();
        let name = event.name();
        let Ok(Step { to, effect }) = step(&self.state, event, now) else {
            return Ok(None);
        };
        self.ledger.record(self.run, name, &to, now)?;
        self.state = to;
        Ok(Some(effect))
    }

    /// Gives an order and listens until it is done, however long that takes.
    async fn order(&mut self, task: Task, stop: &mut Stop<'_>) -> Result<End, RunError> {
        self.ordered = true;
        let order = Order::new(self.run, task);
        let mut work = match self.hands.order(&order).await {
            Ok(work) => work,
            Err(lost) => return Ok(End::Lost(lost)),
        };
        loop {
            let heard = tokio::select! {
                biased;
                heard = work.next() => heard,
                () = stop.asked(), if !stop.was_asked => {
                    self.tell(&Notice::Stopping);
                    continue;
                }
                () = tokio::time::sleep(self.remaining()) => {
                    if self.advance(Event::DeadlinePassed)? == Some(Effect::ReportStalled) {
                        self.tell(&Notice::Stalled(self.state.stage.clone()));
                    }
                    continue;
                }
            };
            let event = match heard {
                Ok(event) => event,
                Err(lost) => return Ok(End::Lost(lost)),
            };
            if let Some(end) = self.hear(event) {
                return Ok(end);
            }
        }
    }

    /// Until the deadline of this state.
    fn remaining(&self) -> Duration {
        Duration::try_from(self.state.deadline.duration_since(clock::now())).unwrap_or_default()
    }

    fn hear(&mut self, event: WorkerEvent) -> Option<End> {
        match event {
            WorkerEvent::Accepted { .. } | WorkerEvent::Started { .. } => None,
            WorkerEvent::Note { sentence } => {
                event!(NOTED, PATCHD_RUN = %self.run, "run {}: {sentence}", self.run);
                None
            }
            WorkerEvent::Progress { percent, doing } => {
                self.tell(&Notice::Progress { percent, doing });
                None
            }
            WorkerEvent::Waiting { holder } => {
                self.tell(&Notice::Waiting { holder });
                None
            }
            WorkerEvent::Done { report } => Some(End::Done(report)),
            WorkerEvent::Refused { refusal } => Some(End::Refused(refusal)),
        }
    }

    fn done(&self, report: Report, plan: &Plan) -> Event {
        let event = translate::event(report, plan);
        deeds::tell(self.run, &event);
        event
    }

    fn lost(&mut self, lost: &Lost) -> Event {
        event!(WORKER_LOST, PATCHD_RUN = %self.run, "run {}: {lost}", self.run);
        Event::Lost
    }

    /// Nothing is begun by that.
    async fn clean_up(&mut self) {
        if self.ordered {
            close_record(self.hands, self.run).await;
        }
    }

    fn close(mut self) -> Result<RunReport, RunError> {
        let Stage::Finished { outcome, summary } = self.state.stage.clone() else {
            // `drive` returns only when finished, or with an error.
            return Err(RunError::Busy);
        };
        for finding in self.state.course.findings.clone() {
            self.tell(&Notice::Found(finding));
        }
        if let Some(survey) = &mut self.survey {
            survey.settle(&self.state.course.changed);
        }
        let now = clock::now();
        if self.state.course.verified {
            self.owe_reboot(now)?;
        }
        self.ledger.close_run(self.run, (outcome, &summary), now)?;
        self.tell_own_upgrade();
        self.tell(&Notice::Finished {
            outcome,
            summary: summary.clone(),
        });
        Ok(RunReport {
            run: self.run,
            outcome,
            summary,
            state: self.state,
            survey: self.survey,
        })
    }

    /// Keeps since when a reboot is owed; tells it when that begins.
    fn owe_reboot(&mut self, now: Timestamp) -> Result<(), RunError> {
        let reasons = &self.state.course.reboot_reasons;
        let before = self.ledger.reboot_owed_since()?;
        let since = self.ledger.owe_reboot(reasons, now)?;
        if before.is_none() && since.is_some() {
            event!(REBOOT_OWED, PATCHD_RUN = %self.run, "a reboot is owed: {}", reasons.join(", "));
        }
        Ok(())
    }

    /// A new version of ours that did not become ready is not among the changes.
    fn tell_own_upgrade(&self) {
        let mut changed = self.state.course.changed.iter();
        let own = changed.find(|change| change.id.name.as_str() == env!("CARGO_PKG_NAME"));
        if let Some(to) = own.and_then(|change| change.to.as_ref()) {
            event!(OWN_UPGRADE_KEPT, PATCHD_RUN = %self.run, PATCHD_VERSION = %to, "patchd was upgraded to {to}");
        }
    }

    fn tell(&mut self, notice: &Notice) {
        log(self.run, notice);
        (self.notify)(notice);
    }
}

#[cfg(test)]
mod tests;
