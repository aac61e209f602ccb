//! Which window of each schedule was handled last.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::ledger::{Ledger, LedgerError};
use crate::model::MachineId;

/// A schedule with what its times follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduled<'a> {
    /// Its name.
    pub name: &'a str,
    /// Expression and zone.
    pub rule: &'a str,
    /// On which machine.
    pub machine_id: Option<&'a MachineId>,
}

impl Ledger {
    /// When the window opened that was handled last. `None` for a schedule that is
    /// new here: never seen, of another rule, or come with a cloned image.
    pub fn handled(&self, schedule: &Scheduled<'_>) -> Result<Option<Timestamp>, LedgerError> {
        let query = "SELECT handled FROM schedule
             WHERE name = ?1 AND rule = ?2 AND (machine_id = ?3 OR machine_id IS NULL OR ?3 IS NULL)";
        let machine = schedule.machine_id.map(|id| &id.0);
        let found = self
            .database
            .query_row(
                query,
                params![schedule.name, schedule.rule, machine],
                |row| row.get::<_, String>(0),
            )
            .optional()
            .map_err(|cause| self.error(cause))?;
        found.map(|text| self.time(&text)).transpose()
    }

    /// Keeps it: that a window is handled, or since when the schedule is known.
    pub fn set_handled(
        &mut self,
        schedule: &Scheduled<'_>,
        opens: Timestamp,
    ) -> Result<(), LedgerError> {
        let machine = schedule.machine_id.map(|id| &id.0);
        let write = self.database.execute(
            "INSERT OR REPLACE INTO schedule (name, rule, machine_id, handled) VALUES (?1, ?2, ?3, ?4)",
            params![schedule.name, schedule.rule, machine, opens.to_string()],
        );
        write.map(drop).map_err(|cause| self.error(cause))
    }

    /// Forgets the schedules that are there no more: one that comes back has
    /// missed nothing.
    pub fn keep_schedules(&mut self, names: &[&str]) -> Result<(), LedgerError> {
        let write = |ledger: &mut Self| {
            let transaction = ledger.begin()?;
            let known: Vec<String> = transaction
                .prepare("SELECT name FROM schedule")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for gone in known.iter().filter(|name| !names.contains(&name.as_str())) {
                transaction.execute("DELETE FROM schedule WHERE name = ?1", [gone])?;
            }
            transaction.commit()
        };
        write(self).map_err(|cause| self.error(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(&folder.path().join("ledger.db")).expect("opened");
        (folder, ledger)
    }

    fn nightly<'a>(rule: &'a str, machine_id: Option<&'a MachineId>) -> Scheduled<'a> {
        Scheduled {
            name: "nightly",
            rule,
            machine_id,
        }
    }

    #[test]
    fn what_was_handled_counts_for_the_same_rule_on_the_same_machine() {
        let (_folder, mut ledger) = ledger();
        let (here, there) = (MachineId("a".to_owned()), MachineId("b".to_owned()));
        let at = Timestamp::UNIX_EPOCH;
        let schedule = nightly("0 3 * * * UTC", Some(&here));
        assert_eq!(ledger.handled(&schedule).expect("read"), None);
        ledger.set_handled(&schedule, at).expect("kept");
        let handled = |rule, machine| ledger.handled(&nightly(rule, machine)).expect("read");
        assert_eq!(handled("0 3 * * * UTC", Some(&here)), Some(at));
        // Early in a boot the machine id may not be known.
        assert_eq!(handled("0 3 * * * UTC", None), Some(at));
        assert_eq!(handled("0 3 * * * UTC", Some(&there)), None);
        assert_eq!(handled("0 4 * * * UTC", Some(&here)), None);
    }

    #[test]
    fn a_later_window_takes_the_place_of_an_earlier_one() {
        let (_folder, mut ledger) = ledger();
        let schedule = nightly("r", None);
        for second in [10, 20, 5] {
            let at = Timestamp::from_second(second).expect("in range");
            ledger.set_handled(&schedule, at).expect("kept");
            assert_eq!(ledger.handled(&schedule).expect("read"), Some(at));
        }
    }

    #[test]
    fn a_schedule_that_is_gone_is_forgotten() {
        let (_folder, mut ledger) = ledger();
        let schedule = nightly("r", None);
        ledger
            .set_handled(&schedule, Timestamp::UNIX_EPOCH)
            .expect("kept");
        ledger.keep_schedules(&["nightly", "weekly"]).expect("kept");
        assert!(ledger.handled(&schedule).expect("read").is_some());
        ledger.keep_schedules(&["weekly"]).expect("forgotten");
        assert!(ledger.handled(&schedule).expect("read").is_none());
    }
}
