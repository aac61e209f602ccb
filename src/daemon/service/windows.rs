//! A schedule's time has come: begin, wait, or skip and say why.

use std::rc::Rc;

use jiff::Timestamp;

use super::keeper::Keeper;
use crate::cycle::Mandate;
use crate::daemon::driver::Request;
use crate::daemon::events::event;
use crate::daemon::hands::Hands;
use crate::model::{Action, SkipReason};
use crate::os::clock;
use crate::package_manager::PackageManager;
use crate::policy::Asked;
use crate::schedule::{Calendar, Due, Freeze, Missed, Schedule, Window};
use crate::state::{LedgerError, Scheduled, Skip};

/// A clock that shows less is wrong: 2026-01-01.
const NO_EARLIER: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Why a window is not used.
pub(super) struct Obstacle {
    pub reason: SkipReason,
    pub sentence: String,
}

impl<P: PackageManager + 'static, H: Hands + Clone + 'static> Keeper<P, H> {
    /// Looks at every schedule: after a start, a run, a reload.
    pub fn consider_all(&mut self) {
        let names: Vec<String> = self.schedules().keys().cloned().collect();
        for name in &names {
            self.consider(name);
        }
        self.show_status();
    }

    /// Looks at one schedule. While a run is at work nothing begins; its end
    /// brings us here again.
    pub fn consider(&mut self, name: &str) {
        if self.at_work.is_some() {
            return;
        }
        let Some(schedule) = self.schedules().get(name).cloned() else {
            return;
        };
        if let Err(fault) = self.act_on(name, &schedule) {
            event!(
                SKIPPED as Error,
                PATCHD_SCHEDULE = name,
                PATCHD_REASON = "ledger",
                "schedule {name} starts nothing: {fault}"
            );
        }
    }

    fn act_on(&mut self, name: &str, schedule: &Schedule) -> Result<(), LedgerError> {
        let now = clock::now();
        if now < NO_EARLIER {
            let sentence = "the clock shows a time before 2026; it is looked at again within minutes, and goes on when it was set";
            let reason = SkipReason::Clock;
            return self.skip(
                name,
                Obstacle {
                    reason,
                    sentence: sentence.to_owned(),
                },
            );
        }
        let parts = Rc::clone(&self.parts);
        let calendar = parts.calendar(name, schedule);
        let Some(handled) = self.handled(name, &calendar)? else {
            // New here: nothing before this moment was missed.
            self.set_handled(name, &calendar, now)?;
            return self.act_on(name, schedule);
        };
        match calendar.due(handled, now) {
            Due::Wait { until } => {
                self.triggers.arm(name, until);
                Ok(())
            }
            Due::Start(window) => self.open(name, schedule, window),
            Due::Missed(Missed {
                count,
                latest,
                make_up,
            }) => {
                self.set_handled(name, &calendar, latest.opens)?;
                let sentence = format!(
                    "{count} windows of schedule {name} passed unused, the last one opened at {:.0}",
                    latest.opens
                );
                self.skip(
                    name,
                    Obstacle {
                        reason: SkipReason::Missed,
                        sentence,
                    },
                )?;
                match make_up {
                    Some(window) => self.open(name, schedule, window),
                    // The window that is open now may still be of use.
                    None => self.act_on(name, schedule),
                }
            }
        }
    }

    /// Uses a window, or says why not; either way it is handled, and that is
    /// written down first.
    fn open(&mut self, name: &str, schedule: &Schedule, window: Window) -> Result<(), LedgerError> {
        let parts = Rc::clone(&self.parts);
        let calendar = parts.calendar(name, schedule);
        let window = calendar.clipped(window, &parts.settings.schedules.freezes);
        self.set_handled(name, &calendar, window.opens)?;
        let frozen = calendar.frozen(&parts.settings.schedules.freezes, clock::now());
        if let Some(obstacle) = self.obstacle(schedule.action, frozen)? {
            self.skip(name, obstacle)?;
            return self.act_on(name, schedule);
        }
        event!(
            WINDOW_OPENED,
            PATCHD_SCHEDULE = name,
            "the window of schedule {name} is open until {:.0}",
            window.closes
        );
        self.begin(Some(Request {
            origin: format!("schedule {name}"),
            mandate: Mandate {
                action: schedule.action,
                closes: Some(window.closes),
                ..Mandate::default()
            },
            policy: schedule.policy.clone(),
            asked: Asked::default(),
            asked_by: format!("schedule {name}"),
        }));
        Ok(())
    }

    /// What stands against starting now. A look changes nothing and may always be taken.
    pub fn obstacle(
        &self,
        action: Action,
        frozen: Option<&Freeze>,
    ) -> Result<Option<Obstacle>, LedgerError> {
        let obstacle = |reason, sentence| Ok(Some(Obstacle { reason, sentence }));
        if action == Action::Check {
            return Ok(None);
        }
        if let Some(faults) = self.standing.without_configuration() {
            let sentence =
                format!("the configuration is invalid and there is no last good one: {faults}");
            return obstacle(SkipReason::ConfigInvalid, sentence);
        }
        // A rehearsal changes nothing either, but it is the worker that decides
        // by the configuration. And who rolls back does not patch.
        if matches!(action, Action::Rehearse | Action::RollBack) {
            return Ok(None);
        }
        if let Some(pause) = self.ledger.paused()? {
            let sentence = format!(
                "{} has paused patching since {:.0} ({}); `patchd resume` ends that",
                pause.by,
                pause.since,
                pause.reason.as_deref().unwrap_or("no reason given")
            );
            return obstacle(SkipReason::Paused, sentence);
        }
        match frozen {
            Some(freeze) => obstacle(
                SkipReason::Frozen,
                format!(
                    "nothing starts from {} to {}: {}",
                    freeze.from, freeze.to, freeze.reason
                ),
            ),
            None => Ok(None),
        }
    }

    fn skip(&mut self, name: &str, obstacle: Obstacle) -> Result<(), LedgerError> {
        let Obstacle { reason, sentence } = obstacle;
        event!(SKIPPED, PATCHD_SCHEDULE = name, PATCHD_REASON = %reason, "{sentence}");
        self.ledger.skip(&Skip {
            at: clock::now(),
            schedule: name.to_owned(),
            reason,
            sentence,
        })?;
        self.measure();
        Ok(())
    }

    fn handled(
        &self,
        name: &str,
        calendar: &Calendar<'_>,
    ) -> Result<Option<Timestamp>, LedgerError> {
        let rule = calendar.rule();
        self.ledger.handled(&self.scheduled(name, &rule))
    }

    fn set_handled(
        &mut self,
        name: &str,
        calendar: &Calendar<'_>,
        opens: Timestamp,
    ) -> Result<(), LedgerError> {
        let (rule, parts) = (calendar.rule(), Rc::clone(&self.parts));
        let scheduled = Scheduled {
            name,
            rule: &rule,
            machine_id: parts.host.machine_id.as_ref(),
        };
        self.ledger.set_handled(&scheduled, opens)
    }

    fn scheduled<'a>(&'a self, name: &'a str, rule: &'a str) -> Scheduled<'a> {
        Scheduled {
            name,
            rule,
            machine_id: self.parts.host.machine_id.as_ref(),
        }
    }
}
