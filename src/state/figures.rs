//! Counts and times over all runs, for those who watch from outside.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ledger::{Ledger, LedgerError};

impl Ledger {
    /// How many runs have ended in each way, by the outcome's word.
    pub fn outcome_counts(&self) -> Result<BTreeMap<String, u64>, LedgerError> {
        let query = "SELECT outcome, count(*) FROM run WHERE outcome IS NOT NULL GROUP BY outcome";
        let read = || {
            let mut statement = self.database.prepare(query)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<BTreeMap<String, i64>>>()
        };
        let counts = read().map_err(|cause| self.error(cause))?;
        let counts = counts.into_iter();
        Ok(counts
            .map(|(outcome, count)| (outcome, u64::try_from(count).unwrap_or(0)))
            .collect())
    }

    /// When the latest run of each origin began.
    pub fn last_starts(&self) -> Result<BTreeMap<String, Timestamp>, LedgerError> {
        self.times(
            "SELECT origin, opened_at FROM run WHERE id IN (SELECT max(id) FROM run GROUP BY origin)",
        )
    }

    /// When the latest run of each origin ended that left nothing undone.
    pub fn last_successes(&self) -> Result<BTreeMap<String, Timestamp>, LedgerError> {
        self.times(
            "SELECT origin, closed_at FROM run WHERE id IN
             (SELECT max(id) FROM run WHERE outcome IN ('succeeded', 'reboot-owed') GROUP BY origin)",
        )
    }

    /// Since when a reboot is owed, as it was last looked at.
    pub fn reboot_owed_since(&self) -> Result<Option<Timestamp>, LedgerError> {
        let read = self
            .database
            .query_row("SELECT min(since) FROM reboot", [], |row| row.get(0));
        let since: Option<String> = read.map_err(|cause| self.error(cause))?;
        since.map(|text| self.time(&text)).transpose()
    }

    fn times(&self, query: &str) -> Result<BTreeMap<String, Timestamp>, LedgerError> {
        let read = || {
            let mut statement = self.database.prepare(query)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<(String, String)>>>()
        };
        let rows = read().map_err(|cause| self.error(cause))?;
        rows.into_iter()
            .map(|(origin, at)| Ok((origin, self.time(&at)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycle::{Mandate, State};
    use crate::model::{BootId, Outcome, RunId};
    use crate::state::NewRun;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn open(ledger: &mut Ledger, number: i64, origin: &str) -> RunId {
        let run = NewRun {
            id: RunId::new(number.unsigned_abs(), 0),
            opened_at: at(number),
            origin: origin.to_owned(),
            asked_by: "root".to_owned(),
            policy: "default".to_owned(),
            asked: Vec::new(),
            machine_id: None,
            boot_id: BootId("boot".to_owned()),
            closes_at: None,
        };
        let state = State::opened(Mandate::default(), run.opened_at);
        ledger.open_run(&run, &state).expect("written");
        run.id
    }

    #[test]
    fn runs_are_counted_and_the_latest_of_each_origin_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ledger = Ledger::open(&folder.path().join("ledger.db")).expect("opened");
        let runs = [
            (10, "nightly", Some(Outcome::Succeeded)),
            (20, "nightly", Some(Outcome::RebootOwed)),
            (30, "nightly", Some(Outcome::Failed)),
            (40, "now", Some(Outcome::Failed)),
            (50, "nightly", None),
        ];
        for (number, origin, outcome) in runs {
            let run = open(&mut ledger, number, origin);
            if let Some(outcome) = outcome {
                let closed = ledger.close_run(run, (outcome, ""), at(number + 5));
                closed.expect("written");
            }
        }
        let text = |pairs: &[(&str, u64)]| {
            let owned = pairs
                .iter()
                .map(|(word, count)| ((*word).to_owned(), *count));
            owned.collect::<BTreeMap<_, _>>()
        };
        assert_eq!(
            ledger.outcome_counts().expect("read"),
            text(&[("failed", 2), ("reboot-owed", 1), ("succeeded", 1)])
        );
        assert_eq!(
            ledger.last_starts().expect("read"),
            [("nightly".to_owned(), at(50)), ("now".to_owned(), at(40))].into()
        );
        assert_eq!(
            ledger.last_successes().expect("read"),
            [("nightly".to_owned(), at(25))].into()
        );
    }

    #[test]
    fn a_reboot_is_owed_until_its_reasons_are_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ledger = Ledger::open(&folder.path().join("ledger.db")).expect("opened");
        assert_eq!(ledger.reboot_owed_since().expect("read"), None);
        let reasons = ["kernel: new".to_owned()];
        ledger.owe_reboot(&reasons, at(7)).expect("written");
        assert_eq!(ledger.reboot_owed_since().expect("read"), Some(at(7)));
        ledger.owe_reboot(&[], at(8)).expect("written");
        assert_eq!(ledger.reboot_owed_since().expect("read"), None);
    }
}
