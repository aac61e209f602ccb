//! A row of `run`, as texts and understood.

use jiff::Timestamp;
use rusqlite::Row;

use super::{NewRun, RunRow};
use crate::model::{BootId, MachineId, PackageName, RunId};
use crate::state::ledger::{Ledger, LedgerError};

/// As [`Texts::read`] wants them.
pub(super) const COLUMNS: &str = "id, opened_at, origin, asked_by, policy, asked, machine_id, boot_id, closed_at, outcome, summary, state, closes_at";

/// A row of `run` before it is understood.
pub(super) struct Texts {
    id: String,
    opened_at: String,
    origin: String,
    asked_by: String,
    policy: String,
    asked: String,
    machine_id: Option<String>,
    boot_id: String,
    closed_at: Option<String>,
    outcome: Option<String>,
    summary: Option<String>,
    state: String,
    closes_at: Option<String>,
}

impl Texts {
    pub fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            opened_at: row.get(1)?,
            origin: row.get(2)?,
            asked_by: row.get(3)?,
            policy: row.get(4)?,
            asked: row.get(5)?,
            machine_id: row.get(6)?,
            boot_id: row.get(7)?,
            closed_at: row.get(8)?,
            outcome: row.get(9)?,
            summary: row.get(10)?,
            state: row.get(11)?,
            closes_at: row.get(12)?,
        })
    }
}

impl Ledger {
    pub(in crate::state) fn time(&self, text: &str) -> Result<Timestamp, LedgerError> {
        text.parse()
            .map_err(|cause: jiff::Error| self.content("a time", &cause))
    }

    fn time_or_none(&self, text: Option<&str>) -> Result<Option<Timestamp>, LedgerError> {
        text.map(|text| self.time(text)).transpose()
    }

    pub(super) fn row(&self, texts: Texts) -> Result<RunRow, LedgerError> {
        let id = RunId::try_from(texts.id).map_err(|cause| self.content("a run id", &cause))?;
        let names = texts
            .asked
            .split_whitespace()
            .map(|name| PackageName::try_from(name.to_owned()));
        let asked: Result<Vec<_>, _> = names.collect();
        let outcome = |text: String| serde_json::from_value(serde_json::Value::String(text));
        Ok(RunRow {
            opened: NewRun {
                id,
                opened_at: self.time(&texts.opened_at)?,
                origin: texts.origin,
                closes_at: self.time_or_none(texts.closes_at.as_deref())?,
                asked_by: texts.asked_by,
                policy: texts.policy,
                asked: asked.map_err(|cause| self.content("a package name", &cause))?,
                machine_id: texts.machine_id.map(MachineId),
                boot_id: BootId(texts.boot_id),
            },
            closed_at: self.time_or_none(texts.closed_at.as_deref())?,
            outcome: texts
                .outcome
                .map(outcome)
                .transpose()
                .map_err(|cause| self.content("an outcome", &cause))?,
            summary: texts.summary,
            state: serde_json::from_str(&texts.state)
                .map_err(|cause| self.content("a state", &cause))?,
        })
    }
}
