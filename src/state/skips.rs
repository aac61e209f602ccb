//! What did not take place, and whether anything may.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::ledger::{Ledger, LedgerError};
use crate::model::SkipReason;

/// How many are kept, the newest; a schedule of every minute skips many.
const KEPT: u32 = 1000;

/// A scheduled run that did not take place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// When that was decided.
    pub at: Timestamp,
    /// The schedule's name.
    pub schedule: String,
    /// Why, in one word.
    pub reason: SkipReason,
    /// Why, in one sentence.
    pub sentence: String,
}

/// Nothing starts until somebody resumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Who wanted it.
    pub by: String,
    /// His words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Ledger {
    /// Keeps a skip and counts it.
    pub fn skip(&mut self, skip: &Skip) -> Result<(), LedgerError> {
        let write = |ledger: &mut Self| {
            let transaction = ledger.begin()?;
            let reason = skip.reason.as_str();
            transaction.execute(
                "INSERT INTO skip (at, schedule, reason, sentence) VALUES (?1, ?2, ?3, ?4)",
                params![skip.at.to_string(), skip.schedule, reason, skip.sentence],
            )?;
            transaction.execute(
                "DELETE FROM skip WHERE sequence <= (SELECT max(sequence) FROM skip) - ?1",
                [KEPT],
            )?;
            transaction.execute(
                "INSERT INTO skip_count (reason, count) VALUES (?1, 1)
                 ON CONFLICT DO UPDATE SET count = count + 1",
                [reason],
            )?;
            transaction.commit()
        };
        write(self).map_err(|cause| self.error(cause))
    }

    /// The latest skips, newest first.
    pub fn skips(&self, limit: u32) -> Result<Vec<Skip>, LedgerError> {
        let read = || {
            let query =
                "SELECT at, schedule, reason, sentence FROM skip ORDER BY sequence DESC LIMIT ?1";
            let mut statement = self.database.prepare(query)?;
            let rows = statement.query_map([limit], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<(String, _, String, _)>>>()
        };
        let rows = read().map_err(|cause| self.error(cause))?;
        let understood = rows.into_iter().map(|(at, schedule, reason, sentence)| {
            Ok(Skip {
                at: self.time(&at)?,
                schedule,
                reason: self.reason(reason)?,
                sentence,
            })
        });
        understood.collect()
    }

    /// How many there ever were, by reason.
    pub fn skip_counts(&self) -> Result<BTreeMap<SkipReason, u64>, LedgerError> {
        let read = || {
            let mut statement = self
                .database
                .prepare("SELECT reason, count FROM skip_count")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<(String, i64)>>>()
        };
        let rows = read().map_err(|cause| self.error(cause))?;
        let understood = rows
            .into_iter()
            .map(|(reason, count)| Ok((self.reason(reason)?, count.unsigned_abs())));
        understood.collect()
    }

    /// Nothing starts from now on. Whoever pauses again changes the words, and not
    /// since when.
    pub fn pause(&mut self, pause: &Pause) -> Result<(), LedgerError> {
        let write = self.database.execute(
            "INSERT INTO pause (one, since, by, reason) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET by = excluded.by, reason = excluded.reason",
            params![pause.since.to_string(), pause.by, pause.reason],
        );
        write.map(drop).map_err(|cause| self.error(cause))
    }

    /// Ends a pause; tells whether there was one.
    pub fn resume(&mut self) -> Result<bool, LedgerError> {
        let write = self.database.execute("DELETE FROM pause", []);
        let ended = write.map_err(|cause| self.error(cause))?;
        Ok(ended > 0)
    }

    /// The pause that holds.
    pub fn paused(&self) -> Result<Option<Pause>, LedgerError> {
        let read =
            |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
        let found = self
            .database
            .query_row("SELECT since, by, reason FROM pause", [], read)
            .optional()
            .map_err(|cause| self.error(cause))?;
        let understood = found.map(|(since, by, reason)| {
            let since = self.time(&since)?;
            Ok(Pause { since, by, reason })
        });
        understood.transpose()
    }

    fn reason(&self, text: String) -> Result<SkipReason, LedgerError> {
        serde_json::from_value(serde_json::Value::String(text))
            .map_err(|cause| self.content("a reason for a skip", &cause))
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

    fn skip(reason: SkipReason, second: i64) -> Skip {
        Skip {
            at: Timestamp::from_second(second).expect("in range"),
            schedule: "nightly".to_owned(),
            reason,
            sentence: format!("skip {second}"),
        }
    }

    #[test]
    fn every_skip_is_counted_and_the_newest_are_kept() {
        let (_folder, mut ledger) = ledger();
        // What a thousand skips take to write is not what is tested here.
        let fast = ledger.database.pragma_update(None, "synchronous", "OFF");
        fast.expect("set");
        for second in 0..1010 {
            let reason = if second < 20 {
                SkipReason::Missed
            } else {
                SkipReason::Paused
            };
            ledger.skip(&skip(reason, second)).expect("kept");
        }
        let kept = ledger.skips(u32::MAX).expect("read");
        assert_eq!(kept.len(), 1000);
        assert_eq!(kept.first(), Some(&skip(SkipReason::Paused, 1009)));
        assert_eq!(kept.last(), Some(&skip(SkipReason::Missed, 10)));
        assert_eq!(ledger.skips(2).expect("read").len(), 2);
        let counts = ledger.skip_counts().expect("read");
        let expected = [(SkipReason::Missed, 20), (SkipReason::Paused, 990)];
        assert_eq!(counts, BTreeMap::from(expected));
    }

    #[test]
    fn a_reason_is_read_as_it_was_written() {
        let (_folder, mut ledger) = ledger();
        let all = [
            SkipReason::Missed,
            SkipReason::Frozen,
            SkipReason::Paused,
            SkipReason::ConfigInvalid,
            SkipReason::Clock,
        ];
        for reason in all {
            ledger.skip(&skip(reason, 1)).expect("kept");
            assert_eq!(ledger.skips(1).expect("read"), [skip(reason, 1)]);
        }
    }

    #[test]
    fn a_pause_holds_since_it_began_until_it_is_ended() {
        let (_folder, mut ledger) = ledger();
        let pause = |second, reason: &str| Pause {
            since: Timestamp::from_second(second).expect("in range"),
            by: "alice".to_owned(),
            reason: Some(reason.to_owned()),
        };
        assert_eq!(ledger.paused().expect("read"), None);
        assert!(!ledger.resume().expect("written"));
        ledger.pause(&pause(1, "move")).expect("written");
        ledger.pause(&pause(2, "move to B")).expect("written");
        assert_eq!(ledger.paused().expect("read"), Some(pause(1, "move to B")));
        assert!(ledger.resume().expect("written"));
        assert_eq!(ledger.paused().expect("read"), None);
    }
}
