//! Drives one run: asks the machine what comes next, writes it down, has it
//! done, and hands back what happened.

mod opening;
mod stop;

use std::path::PathBuf;
use std::time::Duration;

use crate::cycle::{Effect, Event, Stage, State, Step, step};
use crate::daemon::assemble::{Assembled, Limits, assemble};
use crate::daemon::hands::{End, Hands, Lost, Work};
use crate::daemon::notice::{Notice, Notify, log};
use crate::daemon::parts::Parts;
use crate::daemon::survey::{Survey, SurveyError, survey};
use crate::daemon::translate;
use crate::model::{
    Decided, Decision, Order, Outcome, PackageName, Phase, Plan, RunId, WorkerEvent,
};
use crate::os::clock;
use crate::package_manager::PackageManager;
use crate::policy::{Asked, Judge};
use crate::state::{Ledger, LedgerError};

use stop::Stop;

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
    ledger: &'a mut Ledger,
    notify: Notify<'a>,
    run: RunId,
    state: State,
    policy: String,
    asked: Asked,
    decisions: Vec<Decided>,
}

/// What policy and solver agree on.
struct Planned {
    survey: Survey,
    plan: Plan,
    left_out: Vec<String>,
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
    let _lock = opening::lock(&parts.paths.state).await?;
    let mut ledger = Ledger::open(&parts.paths.ledger())?;
    let mut stop = Stop::new(stop);
    let mut opening = opening::resume(parts, &mut ledger)?;
    loop {
        let resumed = opening.is_some();
        let (opened, state) = match opening.take() {
            Some((row, state)) => (row.opened, state),
            None => opening::open(parts, &mut ledger, request)?,
        };
        // What was asked for now may be another matter than what was cut short.
        let serves = opened.policy == request.policy && opened.asked == request.asked.0;
        let mut driver = Driver {
            parts,
            hands: &mut *hands,
            ledger: &mut ledger,
            notify: &mut *notify,
            run: opened.id,
            state,
            policy: opened.policy,
            asked: Asked(opened.asked),
            decisions: Vec::new(),
        };
        driver.tell(&Notice::Opened {
            run: opened.id,
            resumed,
        });
        driver.drive(&mut stop).await?;
        let report = driver.close()?;
        if serves || stop.was_asked {
            return Ok(report);
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
                Effect::Order(phase, plan) => self.order(phase, plan, stop).await?,
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
    async fn order(
        &mut self,
        phase: Phase,
        plan: Plan,
        stop: &mut Stop<'_>,
    ) -> Result<Event, RunError> {
        let order = Order::new(self.run, phase, plan.clone());
        let mut work = match self.hands.order(&order).await {
            Ok(work) => work,
            Err(lost) => return Ok(self.lost(&lost)),
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
                Err(lost) => return Ok(self.lost(&lost)),
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
            WorkerEvent::Accepted { .. }
            | WorkerEvent::Started { .. }
            | WorkerEvent::Note { .. } => None,
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

    /// Lists, decides, plans. Only questions are asked, so it may end at once.
    async fn check(&mut self, stop: &mut Stop<'_>) -> Result<Event, RunError> {
        let remaining = self.remaining();
        let planned = tokio::select! {
            biased;
            () = stop.asked() => return Ok(Event::Cancelled),
            planned = tokio::time::timeout(remaining, self.plan()) => planned,
        };
        match planned {
            Err(_elapsed) => Ok(Event::DeadlinePassed),
            Ok(Ok(Planned {
                survey,
                plan,
                left_out,
            })) => {
                self.ledger.save_decisions(self.run, &survey.decisions)?;
                self.decisions = survey.decisions;
                let decisions = self.decisions.clone();
                self.tell(&Notice::Planned {
                    plan: plan.clone(),
                    decisions,
                });
                Ok(Event::Planned { plan, left_out })
            }
            Ok(Err(SurveyError::Ledger(fault))) => Err(fault.into()),
            Ok(Err(fault)) => Ok(Event::Unclear {
                reason: fault.to_string(),
            }),
        }
    }

    async fn plan(&mut self) -> Result<Planned, SurveyError> {
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
        let limits = Limits {
            survey: &survey,
            judge,
        };
        let Assembled {
            plan,
            left_out: blocked,
        } = assemble(package_manager, &limits).await?;
        let mut left_out = survey.stuck();
        left_out.extend(survey.pending.gaps.iter().cloned());
        for (id, reason) in blocked {
            survey.block(&id, &reason);
            left_out.push(format!("{id} was left out: {reason}"));
        }
        survey.include(&plan);
        left_out.extend(unmet(package_manager, &survey, &self.asked).await?);
        Ok(Planned {
            survey,
            plan,
            left_out,
        })
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
        if self.state.course.verified {
            self.ledger
                .owe_reboot(&self.state.course.reboot_reasons, now)?;
        }
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

/// What somebody asked for by name and does not get, a sentence each.
async fn unmet<P: PackageManager>(
    package_manager: &P,
    survey: &Survey,
    asked: &Asked,
) -> Result<Vec<String>, SurveyError> {
    let mut unmet = Vec::new();
    for name in &asked.0 {
        let mut decided = survey
            .decisions
            .iter()
            .filter(|it| it.id.name == *name)
            .peekable();
        if decided.peek().is_none() && package_manager.versions_of(name).await?.is_empty() {
            unmet.push(format!(
                "{name} was asked for and is not installed here; check its name"
            ));
        }
        let refused = decided.filter(|it| it.decision != Decision::Install);
        unmet.extend(refused.map(|it| format!("{} was asked for and stays: {}", it.id, it.reason)));
    }
    Ok(unmet)
}

#[cfg(test)]
mod tests;
