//! Who is to be told what, and what was told: the same kind about the same
//! subject goes to the same receiver once, for as long as it lasts.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Transaction, params, params_from_iter};

use super::ledger::{Ledger, LedgerError};
use crate::model::{Notification, NotificationKind, Queued};

/// Of one receiver so many wait; beyond them the oldest is given up.
const WAITING: u32 = 100;

/// So many that were told are remembered, the latest…
const REMEMBERED: u32 = 10_000;

/// … and none that nobody wanted told for so long.
const MEMORY: SignedDuration = SignedDuration::from_hours(180 * 24);

impl Ledger {
    /// Queues it for each receiver that was not told yet. Returns who has so much
    /// waiting that something older was given up for it.
    pub fn queue(
        &mut self,
        receivers: &[&str],
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Vec<String>, LedgerError> {
        let body = serde_json::to_string(notification)
            .map_err(|cause| self.content("a notification", &cause))?;
        let write = |ledger: &mut Self| {
            let transaction = ledger.begin()?;
            let mut full = Vec::new();
            for receiver in receivers {
                insert(&transaction, receiver, notification, &body, now)?;
                if give_up_oldest(&transaction, receiver)? {
                    full.push((*receiver).to_owned());
                }
            }
            forget_old(&transaction, now)?;
            transaction.commit()?;
            Ok(full)
        };
        write(self).map_err(|cause| self.error(cause))
    }

    /// All that waits, in the order in which it was queued.
    pub fn queued(&self) -> Result<Vec<Queued>, LedgerError> {
        let read = || {
            let query = "SELECT sequence, receiver, body, attempts, tried FROM notification
                         WHERE waits = 1 ORDER BY sequence";
            let mut statement = self.database.prepare(query)?;
            let rows = statement.query_map([], |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            })?;
            rows.collect::<rusqlite::Result<Vec<(i64, String, String, u32, String)>>>()
        };
        let rows = read().map_err(|cause| self.error(cause))?.into_iter();
        let understood = rows.map(|(sequence, to, body, attempts, tried)| {
            let notification = serde_json::from_str(&body)
                .map_err(|cause| self.content("a notification", &cause))?;
            Ok(Queued {
                sequence,
                to,
                notification,
                attempts,
                tried: self.time(&tried)?,
            })
        });
        understood.collect()
    }

    /// It has arrived, or nobody tries any more; either way it is remembered.
    pub fn settle_notification(&mut self, sequence: i64) -> Result<(), LedgerError> {
        let query = "UPDATE notification SET waits = 0 WHERE sequence = ?1";
        let write = self.database.execute(query, [sequence]);
        write.map(drop).map_err(|cause| self.error(cause))
    }

    /// It has not arrived, and waits for its next attempt.
    pub fn put_off_notification(
        &mut self,
        sequence: i64,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let query =
            "UPDATE notification SET attempts = attempts + 1, tried = ?2 WHERE sequence = ?1";
        let write = self
            .database
            .execute(query, params![sequence, now.to_string()]);
        write.map(drop).map_err(|cause| self.error(cause))
    }

    /// What of this kind does not last any more is forgotten once it was told: when
    /// it begins again, it is told again.
    pub fn end_notifications(
        &mut self,
        kind: NotificationKind,
        lasting: &[&str],
    ) -> Result<(), LedgerError> {
        let write = |ledger: &mut Self| {
            let transaction = ledger.begin()?;
            let query = "SELECT DISTINCT subject FROM notification WHERE kind = ?1 AND waits = 0";
            let told: Vec<String> = transaction
                .prepare(query)?
                .query_map([kind.as_str()], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for subject in told.iter().filter(|it| !lasting.contains(&it.as_str())) {
                transaction.execute(
                    "DELETE FROM notification WHERE kind = ?1 AND subject = ?2 AND waits = 0",
                    [kind.as_str(), subject],
                )?;
            }
            transaction.commit()
        };
        write(self).map_err(|cause| self.error(cause))
    }

    /// Receivers that are no more are told nothing.
    pub fn keep_receivers(&mut self, names: &[&str]) -> Result<(), LedgerError> {
        let marks = vec!["?"; names.len()].join(", ");
        let query = format!("DELETE FROM notification WHERE receiver NOT IN ({marks})");
        let write = self.database.execute(&query, params_from_iter(names));
        write.map(drop).map_err(|cause| self.error(cause))
    }
}

fn insert(
    transaction: &Transaction<'_>,
    receiver: &str,
    notification: &Notification,
    body: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let (kind, now) = (notification.kind.as_str(), now.to_string());
    transaction.execute(
        "INSERT INTO notification (receiver, kind, subject, body, waits, attempts, tried, wanted)
         VALUES (?1, ?2, ?3, ?4, 1, 0, ?5, ?5)
         ON CONFLICT DO UPDATE SET wanted = excluded.wanted",
        params![receiver, kind, notification.subject, body, now],
    )?;
    Ok(())
}

fn give_up_oldest(transaction: &Transaction<'_>, receiver: &str) -> rusqlite::Result<bool> {
    let given_up = transaction.execute(
        "UPDATE notification SET waits = 0 WHERE sequence IN (
             SELECT sequence FROM notification WHERE receiver = ?1 AND waits = 1
             ORDER BY sequence DESC LIMIT -1 OFFSET ?2)",
        params![receiver, WAITING],
    )?;
    Ok(given_up > 0)
}

fn forget_old(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let oldest = now.saturating_sub(MEMORY).unwrap_or(Timestamp::MIN);
    transaction.execute(
        "DELETE FROM notification WHERE waits = 0 AND wanted < ?1",
        [oldest.to_string()],
    )?;
    transaction.execute(
        "DELETE FROM notification WHERE sequence IN (
             SELECT sequence FROM notification WHERE waits = 0
             ORDER BY wanted DESC, sequence DESC LIMIT -1 OFFSET ?1)",
        [REMEMBERED],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn failed(subject: &str) -> Notification {
        Notification::new(NotificationKind::Failed, subject, at(0), "it failed")
    }

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(&folder.path().join("ledger.db")).expect("opened");
        // What many writes take is not what is tested here.
        let fast = ledger.database.pragma_update(None, "synchronous", "OFF");
        fast.expect("set");
        (folder, ledger)
    }

    fn queue(ledger: &mut Ledger, subject: &str, second: i64) -> Vec<String> {
        let full = ledger.queue(&["ops"], &failed(subject), at(second));
        full.expect("queued")
    }

    fn waiting(ledger: &Ledger) -> Vec<(String, String)> {
        let queued = ledger.queued().expect("read").into_iter();
        queued.map(|it| (it.to, it.notification.subject)).collect()
    }

    fn pair(to: &str, subject: &str) -> (String, String) {
        (to.to_owned(), subject.to_owned())
    }

    #[test]
    fn nothing_is_told_twice_to_the_same_receiver() {
        let (_folder, mut ledger) = ledger();
        for receivers in [&["ops"][..], &["ops", "mail"]] {
            ledger
                .queue(receivers, &failed("a"), at(0))
                .expect("queued");
        }
        assert_eq!(waiting(&ledger), [pair("ops", "a"), pair("mail", "a")]);
        for queued in ledger.queued().expect("read") {
            ledger.settle_notification(queued.sequence).expect("told");
        }
        ledger
            .queue(&["ops", "mail"], &failed("a"), at(DAY))
            .expect("queued");
        assert_eq!(waiting(&ledger), []);
        queue(&mut ledger, "b", DAY);
        assert_eq!(waiting(&ledger), [pair("ops", "b")]);
    }

    #[test]
    fn a_queue_is_as_it_was_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        let mut ledger = Ledger::open(&path).expect("opened");
        queue(&mut ledger, "a", 5);
        let sequence = ledger.queued().expect("read")[0].sequence;
        ledger.put_off_notification(sequence, at(9)).expect("kept");
        drop(ledger);
        let expected = Queued {
            sequence,
            to: "ops".to_owned(),
            notification: failed("a"),
            attempts: 1,
            tried: at(9),
        };
        let ledger = Ledger::open(&path).expect("opened");
        assert_eq!(ledger.queued().expect("read"), [expected]);
    }

    #[test]
    fn what_ended_and_begins_again_is_told_again() {
        let (_folder, mut ledger) = ledger();
        for subject in ["a", "b", "c"] {
            queue(&mut ledger, subject, 0);
        }
        for queued in ledger.queued().expect("read").iter().take(2) {
            ledger.settle_notification(queued.sequence).expect("told");
        }
        let kind = NotificationKind::Failed;
        ledger.end_notifications(kind, &["b"]).expect("ended");
        for subject in ["a", "b", "c"] {
            queue(&mut ledger, subject, 1);
        }
        assert_eq!(waiting(&ledger), [pair("ops", "c"), pair("ops", "a")]);
    }

    #[test]
    fn a_queue_has_an_end_and_so_has_the_memory() {
        let (_folder, mut ledger) = ledger();
        for number in 0..WAITING {
            assert_eq!(queue(&mut ledger, &number.to_string(), 0), [""; 0]);
        }
        assert_eq!(queue(&mut ledger, "more", 0), ["ops"]);
        let kept = waiting(&ledger);
        assert_eq!(kept.len(), WAITING as usize);
        assert_eq!(kept.first(), Some(&pair("ops", "1")));
        // The one that was given up is remembered, and forgotten in the end.
        queue(&mut ledger, "0", 180 * DAY);
        assert_eq!(waiting(&ledger).len(), WAITING as usize);
        queue(&mut ledger, "other", 361 * DAY);
        queue(&mut ledger, "0", 361 * DAY);
        assert_eq!(waiting(&ledger).last(), Some(&pair("ops", "0")));
    }

    #[test]
    fn a_receiver_that_is_no_more_is_told_nothing() {
        let (_folder, mut ledger) = ledger();
        let both = ["ops", "mail"];
        ledger.queue(&both, &failed("a"), at(0)).expect("queued");
        ledger.keep_receivers(&["mail"]).expect("kept");
        assert_eq!(waiting(&ledger), [pair("mail", "a")]);
        ledger.keep_receivers(&[]).expect("kept");
        assert_eq!(waiting(&ledger), []);
    }
}
