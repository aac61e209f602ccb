//! Runs: opened, stepped, closed, and told again later.

mod row;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use self::row::{COLUMNS, Texts};
use super::ledger::{Ledger, LedgerError};
use crate::cycle::State;
use crate::model::{BootId, Decided, MachineId, Outcome, PackageName, RunId};

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// When.
    pub opened_at: Timestamp,
    /// What set it off: `now` for a run by hand, else `schedule NAME`.
    pub origin: String,
    /// When its window closes: nothing starts that cannot end before. A run that
    /// was cut short goes on under the same bound.
    pub closes_at: Option<Timestamp>,
    /// Who asked for it.
    pub asked_by: String,
    /// Under which policy.
    pub policy: String,
    /// Which packages were asked for by name; empty for all.
    pub asked: Vec<PackageName>,
    /// On which machine.
    pub machine_id: Option<MachineId>,
    /// In which boot.
    pub boot_id: BootId,
}

/// A run as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// How it began.
    pub opened: NewRun,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// One sentence.
    pub summary: Option<String>,
    /// Where it is, or was at its end.
    pub state: State,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: String,
    /// The stage that began.
    pub stage: String,
}

/// Everything about one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDetail {
    /// The run.
    pub row: RunRow,
    /// Its steps, in order.
    pub transitions: Vec<Transition>,
    /// What policy decided in it, the last word for each package.
    pub decisions: Vec<Decided>,
}

impl Ledger {
    /// Writes down a run and its first state.
    pub fn open_run(&mut self, run: &NewRun, state: &State) -> Result<(), LedgerError> {
        let body = self.body(state)?;
        let id = run.id.to_string();
        let names: Vec<&str> = run.asked.iter().map(PackageName::as_str).collect();
        let write = |ledger: &mut Self| {
            let transaction = ledger.begin()?;
            transaction.execute(
                "INSERT INTO run (id, opened_at, origin, asked_by, policy, asked, machine_id, boot_id, state, closes_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    id,
                    run.opened_at.to_string(),
                    run.origin,
                    run.asked_by,
                    run.policy,
                    names.join(" "),
                    run.machine_id.as_ref().map(|machine| &machine.0),
                    run.boot_id.0,
                    body,
                    run.closes_at.map(|at| at.to_string())
                ],
            )?;
            insert_transition(
                &transaction,
                &id,
                run.opened_at,
                ("opened", state.stage.name()),
            )?;
            transaction.commit()
        };
        write(self).map_err(|cause| self.error(cause))
    }

    /// Writes down a step: before its effects start.
    pub fn record(
        &mut self,
        run: RunId,
        event: &str,
        state: &State,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let body = self.body(state)?;
        let id = run.to_string();
        let write = |ledger: &mut Self| {
            let transaction = ledger.begin()?;
            transaction.execute("UPDATE run SET state = ?2 WHERE id = ?1", params![id, body])?;
            insert_transition(&transaction, &id, at, (event, state.stage.name()))?;
            transaction.commit()
        };
        write(self).map_err(|cause| self.error(cause))
    }

    /// Writes down the end of a run.
    pub fn close_run(
        &mut self,
        run: RunId,
        end: (Outcome, &str),
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let write = self.database.execute(
            "UPDATE run SET closed_at = ?2, outcome = ?3, summary = ?4 WHERE id = ?1",
            params![run.to_string(), at.to_string(), end.0.to_string(), end.1],
        );
        write.map(drop).map_err(|cause| self.error(cause))
    }

    /// Keeps what policy decided in this run.
    pub fn save_decisions(&mut self, run: RunId, decisions: &[Decided]) -> Result<(), LedgerError> {
        let rows: Vec<(String, String, String)> = decisions
            .iter()
            .map(|decided| {
                let body = serde_json::to_string(decided)
                    .map_err(|cause| self.content("a decision", &cause))?;
                Ok((
                    decided.id.name.to_string(),
                    decided.id.architecture.to_string(),
                    body,
                ))
            })
            .collect::<Result<_, LedgerError>>()?;
        let write = |ledger: &mut Self| {
            let transaction = ledger.begin()?;
            {
                let mut insert = transaction.prepare(
                    "INSERT OR REPLACE INTO decision (run, package, architecture, body) VALUES (?1, ?2, ?3, ?4)",
                )?;
                for (package, architecture, body) in &rows {
                    insert.execute(params![run.to_string(), package, architecture, body])?;
                }
            }
            transaction.commit()
        };
        write(self).map_err(|cause| self.error(cause))
    }

    /// The run that was opened and never closed, if any.
    pub fn unfinished(&self) -> Result<Option<RunRow>, LedgerError> {
        let query =
            format!("SELECT {COLUMNS} FROM run WHERE closed_at IS NULL ORDER BY id DESC LIMIT 1");
        let texts = self.database.query_row(&query, [], Texts::read).optional();
        texts
            .map_err(|cause| self.error(cause))?
            .map(|texts| self.row(texts))
            .transpose()
    }

    /// The newest run's id.
    pub fn latest(&self) -> Result<Option<RunId>, LedgerError> {
        Ok(self.runs(1)?.pop().map(|row| row.opened.id))
    }

    /// The latest runs, newest first.
    pub fn runs(&self, limit: u32) -> Result<Vec<RunRow>, LedgerError> {
        let query = format!("SELECT {COLUMNS} FROM run ORDER BY id DESC LIMIT ?1");
        let read = || {
            let mut statement = self.database.prepare(&query)?;
            statement
                .query_map([limit], Texts::read)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows = read().map_err(|cause| self.error(cause))?;
        rows.into_iter().map(|texts| self.row(texts)).collect()
    }

    /// One run with everything known of it.
    pub fn run(&self, id: RunId) -> Result<Option<RunDetail>, LedgerError> {
        let id = id.to_string();
        let query = format!("SELECT {COLUMNS} FROM run WHERE id = ?1");
        let texts = self
            .database
            .query_row(&query, [&id], Texts::read)
            .optional();
        let Some(texts) = texts.map_err(|cause| self.error(cause))? else {
            return Ok(None);
        };
        let row = self.row(texts)?;
        let transitions = self.transitions(&id)?;
        let query =
            "SELECT body, '', '' FROM decision WHERE run = ?1 ORDER BY package, architecture";
        let decisions = self
            .strings(query, &id)?
            .into_iter()
            .map(|[body, ..]| {
                serde_json::from_str(&body).map_err(|cause| self.content("a decision", &cause))
            })
            .collect::<Result<_, LedgerError>>()?;
        Ok(Some(RunDetail {
            row,
            transitions,
            decisions,
        }))
    }

    pub(super) fn transitions(&self, id: &str) -> Result<Vec<Transition>, LedgerError> {
        let steps = self.strings(
            "SELECT at, event, stage FROM transition WHERE run = ?1 ORDER BY sequence",
            id,
        )?;
        let understood = steps.into_iter().map(|[at, event, stage]| {
            Ok(Transition {
                at: self.time(&at)?,
                event,
                stage,
            })
        });
        understood.collect()
    }

    fn strings(&self, query: &str, id: &str) -> Result<Vec<[String; 3]>, LedgerError> {
        let read = || {
            let mut statement = self.database.prepare(query)?;
            let rows =
                statement.query_map([id], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|cause| self.error(cause))
    }

    fn body(&self, state: &State) -> Result<String, LedgerError> {
        serde_json::to_string(state).map_err(|cause| self.content("a state", &cause))
    }
}

fn insert_transition(
    transaction: &rusqlite::Transaction<'_>,
    run: &str,
    at: Timestamp,
    (event, stage): (&str, &str),
) -> rusqlite::Result<usize> {
    transaction.execute(
        "INSERT INTO transition (run, sequence, at, event, stage)
         SELECT ?1, coalesce(max(sequence), 0) + 1, ?2, ?3, ?4 FROM transition WHERE run = ?1",
        params![run, at.to_string(), event, stage],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycle::{Event, Mandate, Repaired, step};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn run() -> NewRun {
        NewRun {
            id: RunId::new(1, 1),
            opened_at: NOW,
            origin: "schedule nightly".into(),
            closes_at: Some(Timestamp::MAX),
            asked_by: "root".into(),
            policy: "default".into(),
            asked: vec![PackageName::try_from("nginx".to_owned()).expect("valid")],
            machine_id: None,
            boot_id: BootId("boot".into()),
        }
    }

    #[test]
    fn a_run_that_was_cut_short_is_found_again_where_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        let mut ledger = Ledger::open(&path).expect("opened");
        let first = State::opened(Mandate::default(), NOW);
        ledger.open_run(&run(), &first).expect("written");
        let event = Event::Repaired(Repaired::default());
        let next = step(&first, event.clone(), NOW).expect("accepted").to;
        ledger
            .record(run().id, event.name(), &next, NOW)
            .expect("written");
        drop(ledger);

        let mut ledger = Ledger::open(&path).expect("opened");
        let found = ledger.unfinished().expect("read").expect("there");
        assert_eq!((found.opened, found.state), (run(), next));
        ledger
            .close_run(run().id, (Outcome::Partial, "enough"), NOW)
            .expect("written");
        assert!(ledger.unfinished().expect("read").is_none());
        let told = ledger.run(run().id).expect("read").expect("there");
        assert_eq!(told.row.outcome, Some(Outcome::Partial));
        let stages: Vec<&str> = told
            .transitions
            .iter()
            .map(|step| step.stage.as_str())
            .collect();
        assert_eq!(stages, ["repairing", "refreshing"]);
    }
}
