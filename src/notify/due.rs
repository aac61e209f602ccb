//! Which of the notifications that wait are tried now: pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::Queued;

/// Between two attempts at one receiver, and after the first failure of a
/// notification; each further one waits twice as long.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// The longest wait.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// A notification is given up after so many attempts…
const ATTEMPTS: u32 = 40;

/// … or when what it tells of is so long ago.
const AGE: SignedDuration = SignedDuration::from_hours(48);

/// What is to be done about a queue now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due<'a> {
    /// What is tried now, one for each receiver; when it has arrived, the next is due.
    pub send: Vec<&'a Queued>,
    /// Never tried again.
    pub given_up: Vec<&'a Queued>,
    /// When to look again; `None` when nothing waits.
    pub next: Option<Timestamp>,
}

/// Looks through all that waits. One that never arrives does not hold up those
/// behind it, and a receiver that is away is asked seldom, however many wait.
#[must_use]
pub fn due(queue: &[Queued], now: Timestamp) -> Due<'_> {
    let mut due = Due::default();
    let mut waiting: BTreeMap<&str, Vec<&Queued>> = BTreeMap::new();
    for queued in queue {
        if is_given_up(queued, now) {
            due.given_up.push(queued);
        } else {
            waiting.entry(&queued.to).or_default().push(queued);
        }
    }
    for queued in waiting.into_values() {
        let failed = queued.iter().filter(|it| it.attempts > 0);
        let free = failed.map(|it| after(it.tried, PAUSE, now)).max();
        let at = |it: &Queued| own_time(it, now).max(free.unwrap_or(Timestamp::MIN));
        let first = queued.iter().map(|it| at(it)).min();
        due.next = due.next.into_iter().chain(first).min();
        let ready = queued.iter().filter(|it| at(it) <= now);
        due.send
            .extend(ready.min_by_key(|it| (it.attempts, it.sequence)));
    }
    due
}

fn is_given_up(queued: &Queued, now: Timestamp) -> bool {
    queued.attempts >= ATTEMPTS || now.duration_since(queued.notification.at) > AGE
}

fn own_time(queued: &Queued, now: Timestamp) -> Timestamp {
    match queued.attempts {
        0 => Timestamp::MIN,
        failures => {
            let doublings = (failures - 1).min(7);
            after(queued.tried, (PAUSE * (1 << doublings)).min(LONGEST), now)
        }
    }
}

/// A moment in the future was written before somebody set the clock back: it does
/// not count.
fn after(tried: Timestamp, pause: SignedDuration, now: Timestamp) -> Timestamp {
    if tried > now {
        return Timestamp::MIN;
    }
    tried.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Notification, NotificationKind};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn queued(sequence: i64, to: &str, attempts: u32, tried: i64) -> Queued {
        let kind = NotificationKind::Failed;
        Queued {
            sequence,
            to: to.to_owned(),
            notification: Notification::new(kind, "run", at(0), "it failed"),
            attempts,
            tried: at(tried),
        }
    }

    fn sent(queue: &[Queued], now: i64) -> Vec<(&str, i64)> {
        let due = due(queue, at(now));
        let sent = due.send.into_iter();
        sent.map(|it| (it.to.as_str(), it.sequence)).collect()
    }

    #[test]
    fn the_pauses_grow_to_an_hour() {
        let table = [
            (0, 0),
            (1, 30),
            (2, 60),
            (3, 120),
            (7, 1920),
            (8, 3600),
            (39, 3600),
        ];
        for (attempts, pause) in table {
            let queue = [queued(1, "ops", attempts, 1000)];
            let now = 1000 + pause;
            assert_eq!(sent(&queue, now), [("ops", 1)], "{attempts}");
            if pause > 0 {
                assert_eq!(sent(&queue, now - 1), [], "{attempts}");
                assert_eq!(due(&queue, at(now - 1)).next, Some(at(now)));
            }
        }
    }

    #[test]
    fn what_never_arrives_is_given_up_and_nothing_else() {
        let day = 24 * 3600;
        let table = [
            (39, 0, false),
            (40, 0, true),
            (0, 2 * day, false),
            (0, 2 * day + 1, true),
        ];
        for (attempts, now, expected) in table {
            let queue = [queued(1, "ops", attempts, 0)];
            let given_up = !due(&queue, at(now)).given_up.is_empty();
            assert_eq!(given_up, expected, "{attempts} {now}");
        }
    }

    #[test]
    fn one_that_never_arrives_does_not_hold_up_the_next() {
        let queue = [queued(1, "ops", 9, 0), queued(2, "ops", 0, 100)];
        assert_eq!(sent(&queue, 100), [("ops", 2)]);
        assert_eq!(sent(&queue[..1], 3600), [("ops", 1)]);
    }

    #[test]
    fn a_receiver_that_is_away_is_asked_once_in_a_while_and_disturbs_nobody_else() {
        let mut queue: Vec<Queued> = (0..50).map(|it| queued(it, "away", 0, 0)).collect();
        queue.push(queued(50, "here", 0, 0));
        assert_eq!(sent(&queue, 0), [("away", 0), ("here", 50)]);
        queue[0].attempts = 1;
        assert_eq!(sent(&queue, 29), [("here", 50)]);
        assert_eq!(sent(&queue, 30), [("away", 1), ("here", 50)]);
    }

    #[test]
    fn a_clock_that_was_set_back_holds_up_nothing() {
        let queue = [queued(1, "ops", 3, 1_000_000)];
        assert_eq!(sent(&queue, 10), [("ops", 1)]);
    }

    #[test]
    fn where_nothing_waits_nothing_is_due() {
        assert_eq!(due(&[], at(0)), Due::default());
    }
}
