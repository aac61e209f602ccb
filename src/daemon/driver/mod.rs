//! Drives one run: asks the machine what comes next, writes it down, has it
//! done, and hands back what happened.

mod opening;

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use crate::cycle::{Effect, Event, Stage, State, step};
use crate::daemon::assemble::{Assembled, Limits, assemble};
use crate::daemon::hands::{End, Hands, Lost, Work};
use crate::daemon::notice::{Notice, Notify, log};
use crate::daemon::parts::Parts;
use crate::daemon::survey::{Survey, SurveyError, survey};
use crate::daemon::translate;
use crate::model::{Decided, Order, Outcome, PackageName, Phase, Plan, RunId, WorkerEvent};
use crate::os::clock;
use crate::package_manager::PackageManager;
use crate::policy::{Asked, Judge};
use crate::state::{Ledger, LedgerError, NewRun};

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Under which policy.
    pub policy: String,
    /// Which packages; empty for all.
    pub asked: Asked,
    /// Who wants it.
    pub asked_by: String,
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
    /// The last decisions.
    pub decisions: Vec<Decided>,
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

struct Driver<'a, P, H> {
    parts: &'a Parts<P>,
    hands: &'a mut H,
    ledger: Ledger,
    notify: Notify<'a>,
    run: RunId,
    state: State,
    policy: String,
    asked: Asked,
    decisions: Vec<Decided>,
}

/// Opens a run, or goes on with one that was cut short, and drives it to its
/// end. When `stop` is ready, the run ends before its next phase.
pub async fn run<P: PackageManager, H: Hands>(
    parts: &Parts<P>,
    hands: &mut H,
    request: &Request,
    notify: Notify<'_>,
    stop: impl Future<Output = ()>,
) -> Result<RunReport, RunError> {
    opening::known_policy(parts, &request.policy)?;
    let mut ledger = Ledger::open(&parts.paths.ledger())?;
    let _lock = opening::lock(&parts.paths.state.join("run.lock"))?;
    let resumed = opening::resume(parts, &mut ledger)?;
    let was_resumed = resumed.is_some();
    let (opened, state) = match resumed {
        Some((row, state)) => (row.opened, state),
        None => opening::open(parts, &mut ledger, request)?,
    };
    let NewRun {
        id: run,
        policy,
        asked,
        ..
    } = opened;
    let mut driver = Driver {
        parts,
        hands,
        ledger,
        notify,
        run,
        state,
        policy,
        asked: Asked(asked),
        decisions: Vec::new(),
    };
    driver.tell(&Notice::Opened {
        run,
        resumed: was_resumed,
    });
    driver.drive(Box::pin(stop)).await?;
    driver.close()
}

impl<P: PackageManager, H: Hands> Driver<'_, P, H> {
    async fn drive(
        &mut self,
        mut stop: Pin<Box<impl Future<Output = ()>>>,
    ) -> Result<(), RunError> {
        let mut stopping = false;
        while !matches!(self.state.stage, Stage::Finished { .. }) {
            stopping = stopping || is_ready(stop.as_mut()).await;
            if stopping && self.advance(Event::Cancelled)? {
                continue;
            }
            self.tell(&Notice::Stage(self.state.stage.clone()));
            let event = match self.state.effect() {
                Effect::Order(phase, plan) => self.order(phase, plan).await?,
                Effect::Check => self.check().await?,
                // No unfinished state asks for these.
                Effect::ReportStalled | Effect::Report => break,
            };
            self.advance(event)?;
        }
        Ok(())
    }

    /// Steps and writes down; false when the machine refuses the event here.
    fn advance(&mut self, event: Event) -> Result<bool, RunError> {
        let now = clock::now();
        let name = event.name();
        let Ok(next) = step(&self.state, event, now) else {
            return Ok(false);
        };
        self.ledger.record(self.run, name, &next.to, now)?;
        self.state = next.to;
        Ok(true)
    }

    /// Gives an order and listens until it is done, however long that takes.
    async fn order(&mut self, phase: Phase, plan: Plan) -> Result<Event, RunError> {
        let order = Order::new(self.run, phase, plan.clone());
        let mut work = match self.hands.order(&order).await {
            Ok(work) => work,
            Err(lost) => return Ok(self.lost(&lost)),
        };
        loop {
            let event = match tokio::time::timeout(self.remaining(), work.next()).await {
                Err(_elapsed) => {
                    self.tell(&Notice::Stalled(self.state.stage.clone()));
                    self.advance(Event::DeadlinePassed)?;
                    continue;
                }
                Ok(Err(lost)) => return Ok(self.lost(&lost)),
                Ok(Ok(event)) => event,
            };
            if let Some(end) = self.hear(event) {
                return Ok(match end {
                    End::Done(report) => translate::event(report, &plan),
                    End::Refused(refusal) => Event::Refused(refusal),
                });
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

    fn lost(&mut self, lost: &Lost) -> Event {
        tracing::warn!(PATCHD_RUN = %self.run, PATCHD_EVENT = "worker-lost", "run {}: {lost}", self.run);
        Event::Lost
    }

    /// Lists, decides, plans.
    async fn check(&mut self) -> Result<Event, RunError> {
        let Ok(planned) = tokio::time::timeout(self.remaining(), self.plan()).await else {
            return Ok(Event::DeadlinePassed);
        };
        match planned {
            Ok((survey, plan)) => {
                self.ledger.save_decisions(self.run, &survey.decisions)?;
                self.decisions = survey.decisions;
                let decisions = self.decisions.clone();
                self.tell(&Notice::Planned {
                    plan: plan.clone(),
                    decisions,
                });
                Ok(if plan.is_empty() {
                    Event::NothingToDo
                } else {
                    Event::Planned(plan)
                })
            }
            Err(SurveyError::Ledger(fault)) => Err(fault.into()),
            Err(fault) => Ok(Event::Unclear {
                reason: fault.to_string(),
            }),
        }
    }

    async fn plan(&mut self) -> Result<(Survey, Plan), SurveyError> {
        // A resumed run goes on under today's rules of its policy.
        let gone = || SurveyError::Policy(self.policy.clone());
        let policy = self
            .parts
            .settings
            .policies
            .get(&self.policy)
            .ok_or_else(gone)?;
        let aside = self.state.course.set_aside.iter();
        let set_aside: Vec<(PackageName, String)> = aside
            .map(|it| (it.package.clone(), it.reason.clone()))
            .collect();
        let judge = Judge {
            name: &self.policy,
            policy,
            asked: &self.asked,
            set_aside: &set_aside,
            now: clock::now(),
        };
        let package_manager = &self.parts.package_manager;
        let mut survey = survey(package_manager, Some(&mut self.ledger), judge).await?;
        if !survey.pending.complete {
            return Err(SurveyError::Incomplete(survey.pending.gaps));
        }
        let may_remove = &|packages: &[PackageName]| judge.may_remove(packages);
        let limits = Limits {
            survey: &survey,
            may_remove,
        };
        let Assembled { plan, left_out } = assemble(package_manager, &limits).await?;
        for (id, reason) in left_out {
            survey.block(&id, &reason);
        }
        Ok((survey, plan))
    }

    fn close(mut self) -> Result<RunReport, RunError> {
        let Stage::Finished { outcome, summary } = self.state.stage.clone() else {
            // `drive` returns only when finished, or with an error.
            return Err(RunError::Busy);
        };
        for finding in self.state.course.findings.clone() {
            self.tell(&Notice::Found(finding));
        }
        let now = clock::now();
        self.ledger
            .owe_reboot(&self.state.course.reboot_reasons, now)?;
        self.ledger.close_run(self.run, (outcome, &summary), now)?;
        self.tell(&Notice::Finished {
            outcome,
            summary: summary.clone(),
        });
        Ok(RunReport {
            run: self.run,
            outcome,
            summary,
            state: self.state,
            decisions: self.decisions,
        })
    }

    fn tell(&mut self, notice: &Notice) {
        log(self.run, notice);
        (self.notify)(notice);
    }
}

async fn is_ready(future: Pin<&mut impl Future<Output = ()>>) -> bool {
    tokio::select! {
        biased;
        () = future => true,
        () = std::future::ready(()) => false,
    }
}

#[cfg(test)]
mod tests;
