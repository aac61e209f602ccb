//! The pass itself: asks, restarts one after the other, looks again.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::judge::{Terms, Verdict, judge, left};
use crate::model::{Owner, Restarted, StaleUnit};
use crate::os::command::Runner;
use crate::os::systemd::{self, ActiveState, SystemdError};
use crate::running::stale::{Look, Stale};

/// How long one service may take: systemd gives it 90 s to stop and 90 s to
/// start unless its owner says otherwise.
const RESTART: Duration = Duration::from_mins(4);

/// How long all may take; what has not begun by then is left.
const PASS: Duration = Duration::from_mins(10);

/// A restart pass that was decided. Each unit is restarted at most once.
pub struct Pass<'a> {
    runner: &'a dyn Runner,
    due: VecDeque<Stale>,
    outcome: Restarted,
    until: Instant,
}

impl<'a> Pass<'a> {
    /// Decides about the units that were seen.
    pub async fn plan(
        runner: &'a dyn Runner,
        look: Look,
        terms: &Terms<'_>,
    ) -> Result<Self, SystemdError> {
        let services: Vec<&str> = look
            .stale
            .iter()
            .filter(|stale| stale.code.owner == Owner::Service)
            .map(|stale| stale.code.unit.as_str())
            .collect();
        let standings = systemd::standings(runner, &services).await?;
        let Verdict { due, left } = judge(look.stale, terms, &standings);
        let again = |unit: &&String| due.iter().any(|it| it.code.unit == **unit);
        let before = terms.restarted.keys().filter(|unit| !again(unit));
        let outcome = Restarted {
            restarted: before.cloned().collect(),
            stale: left,
            ..Restarted::default()
        };
        Ok(Self {
            runner,
            due: due.into(),
            outcome,
            until: Instant::now() + PASS,
        })
    }

    /// The units that are still to be restarted.
    pub fn due(&self) -> impl Iterator<Item = &str> {
        self.due.iter().map(|stale| stale.code.unit.as_str())
    }

    /// The next one that still runs replaced code; another restart may have
    /// taken it along.
    pub fn next_due(&mut self) -> Option<Stale> {
        while let Some(stale) = self.due.pop_front() {
            if Instant::now() >= self.until {
                let late = format!(
                    "the pass had taken {} minutes by then; restart it",
                    PASS.as_secs() / 60
                );
                self.outcome.stale.push(left(&stale.code, &late));
            } else if stale.stands() {
                return Some(stale);
            } else {
                self.outcome.restarted.push(stale.code.unit);
            }
        }
        None
    }

    /// Restarts this one, and remembers what came of it.
    pub async fn restart(&mut self, stale: &Stale) {
        let unit = stale.code.unit.clone();
        let done = match stale.code.owner {
            Owner::Manager => systemd::reexecute(self.runner).await,
            _ => systemd::restart(self.runner, &unit, RESTART).await,
        };
        match done {
            Ok(()) => self.outcome.restarted.push(unit),
            Err(fault) => self.outcome.failed.push(StaleUnit {
                unit,
                why: why(fault),
            }),
        }
    }

    /// Looks whether they stayed up, and, with a look that was taken after, who
    /// still runs replaced code.
    pub async fn finish(mut self, after: &Look) -> Result<Restarted, SystemdError> {
        let services = self.outcome.restarted.iter().map(String::as_str);
        let services: Vec<&str> = services.filter(|unit| unit.ends_with(".service")).collect();
        let standings = systemd::standings(self.runner, &services).await?;
        let fallen: BTreeMap<&str, String> = standings
            .iter()
            .filter(|(_, it)| it.active == ActiveState::Failed || it.sub == "auto-restart")
            .map(|(unit, it)| {
                (
                    unit.as_str(),
                    format!("it is {} ({})", it.active, it.result),
                )
            })
            .collect();
        self.outcome.restarted.retain(|unit| {
            let Some(words) = fallen.get(unit.as_str()) else {
                return true;
            };
            self.outcome.failed.push(StaleUnit {
                unit: unit.clone(),
                why: words.clone(),
            });
            false
        });
        let told = |unit: &str| self.outcome.stale.iter().any(|it| it.unit == unit);
        let outlived = after
            .stale
            .iter()
            .filter(|it| self.outcome.restarted.contains(&it.code.unit) && !told(&it.code.unit));
        let why = "it was restarted, and processes of it outlived that; end them by hand";
        let outlived: Vec<StaleUnit> = outlived.map(|stale| left(&stale.code, why)).collect();
        self.outcome.stale.extend(outlived);
        if after.unread > 0 {
            self.outcome.stale.push(StaleUnit {
                unit: format!("{} processes", after.unread),
                why: "they could not be looked at; nobody knows what they run".to_owned(),
            });
        }
        Ok(self.outcome)
    }
}

fn why(fault: SystemdError) -> String {
    match fault {
        SystemdError::Refused { words } => words,
        fault => fault.to_string(),
    }
}
