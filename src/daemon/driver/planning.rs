//! From what is pending to what this run does about it: policy's word, a plan
//! that the solver accepts, and no more than fits into the window.

use jiff::SignedDuration;

use super::stop::Stop;
use super::{Driver, RunError};
use crate::cycle::Event;
use crate::daemon::assemble::{Assembled, Limits, assemble};
use crate::daemon::events::event;
use crate::daemon::hands::Hands;
use crate::daemon::notice::Notice;
use crate::daemon::quarantine::kept_away;
use crate::daemon::survey::{Survey, SurveyError, survey};
use crate::daemon::vulnerabilities::Lookup;
use crate::model::{Action, Decision, PackageId, PackageName, Plan};
use crate::os::clock;
use crate::package_manager::PackageManager;
use crate::policy::{Asked, Judge};
use crate::schedule::plan_needs;
use crate::worker::put_back;

/// What policy and solver agree on.
struct Planned {
    survey: Survey,
    plan: Plan,
    left_out: Vec<String>,
    /// What would not end inside the window.
    later: Vec<PackageId>,
    needs: SignedDuration,
}

/// The largest part of what is wanted that ends inside the window.
struct Fitting {
    assembled: Assembled,
    later: Vec<PackageId>,
    needs: SignedDuration,
}

impl<P: PackageManager, H: Hands> Driver<'_, P, H> {
    /// Lists, decides, plans. Only questions are asked, so it may end at once.
    pub(super) async fn check(&mut self, stop: &mut Stop<'_>) -> Result<Event, RunError> {
        let remaining = self.remaining();
        let planned = tokio::select! {
            biased;
            () = stop.asked() => return Ok(Event::Cancelled),
            planned = tokio::time::timeout(remaining, self.plan()) => planned,
        };
        match planned {
            Err(_elapsed) => Ok(Event::DeadlinePassed),
            Ok(Ok(planned)) => {
                let decisions = planned.survey.decisions.clone();
                self.ledger.save_decisions(self.run, &decisions)?;
                self.survey = Some(planned.survey.clone());
                for sentence in postponed(&planned.later) {
                    event!(LEFT_FOR_NEXT_WINDOW, PATCHD_RUN = %self.run, "run {}: {sentence}", self.run);
                }
                let plan = planned.plan.clone();
                self.tell(&Notice::Planned { plan, decisions });
                Ok(self.decided(planned))
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
        let kept_away = kept_away(self.parts).await?;
        let judge = Judge {
            name: &self.policy,
            policy,
            asked: &self.asked,
            set_aside: &set_aside,
            kept_away: &kept_away,
            now: clock::now(),
        };
        let package_manager = &self.parts.package_manager;
        let lookup = Lookup::of(self.parts);
        let ledger = Some(&mut *self.ledger);
        let mut survey = survey(package_manager, ledger, judge, lookup.as_ref()).await?;
        if !survey.pending.complete {
            return Err(SurveyError::Incomplete(survey.pending.gaps));
        }
        let mut left_out = survey.stuck();
        if let Ok(Some(back)) = put_back(&self.parts.paths.worker) {
            left_out.extend(survey.withhold(&back));
        }
        let limits = Limits {
            survey: &survey,
            judge,
        };
        let Fitting {
            assembled:
                Assembled {
                    plan,
                    left_out: blocked,
                },
            later,
            needs,
        } = self.fit(&limits).await?;
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
            later,
            needs,
        })
    }

    /// What was planned, as this run's mandate takes it.
    fn decided(&self, planned: Planned) -> Event {
        let Planned {
            survey,
            plan,
            left_out,
            later,
            needs,
        } = planned;
        match self.state.course.mandate.action {
            Action::Patch | Action::Rehearse => Event::Planned {
                plan,
                left_out,
                postponed: postponed(&later),
                needs,
            },
            // A rollback plans nothing.
            Action::Check | Action::RollBack => Event::Surveyed {
                sentence: format!(
                    "{} updates are pending, and a patch run would change {} packages",
                    survey.pending.updates.len(),
                    plan.changes().len()
                ),
                left_out,
            },
        }
    }

    /// Takes from the end of the queue until the rest ends inside the window.
    async fn fit(&self, limits: &Limits<'_>) -> Result<Fitting, SurveyError> {
        let queue = limits.survey.most_urgent_first();
        let history = self.ledger.apply_samples()?;
        let mut take = queue.len();
        loop {
            let (now, later) = queue.split_at(take);
            let assembled = assemble(&self.parts.package_manager, limits, now).await?;
            let needs = plan_needs(&assembled.plan, &history);
            let left = self.time_left();
            if take == 0 || left.is_none_or(|left| needs <= left) {
                return Ok(Fitting {
                    assembled,
                    later: later.iter().map(|wanted| wanted.id.clone()).collect(),
                    needs,
                });
            }
            take = shorter(take, needs, left.unwrap_or_default());
        }
    }

    /// Until the window closes; none where the run has no window, or only looks.
    fn time_left(&self) -> Option<SignedDuration> {
        let mandate = &self.state.course.mandate;
        let closes = mandate.closes.filter(|_| mandate.action == Action::Patch)?;
        Some(closes.duration_since(clock::now()))
    }
}

/// How much of a queue to try next: as much as the time allows in proportion,
/// and always less than before.
fn shorter(take: usize, needs: SignedDuration, left: SignedDuration) -> usize {
    let (needs, left) = (needs.as_secs().max(1), left.as_secs().max(0));
    let count = i64::try_from(take).unwrap_or(i64::MAX);
    let proportional = count.saturating_mul(left) / needs;
    usize::try_from(proportional).unwrap_or(0).min(take - 1)
}

fn postponed(later: &[PackageId]) -> Vec<String> {
    let names: Vec<String> = later.iter().map(ToString::to_string).collect();
    let updates = match names.len() {
        0 => return Vec::new(),
        1 => "1 update".to_owned(),
        count => format!("{count} updates"),
    };
    let names = names.join(", ");
    vec![format!(
        "{updates} would not end inside the window and wait for the next one: {names}"
    )]
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
