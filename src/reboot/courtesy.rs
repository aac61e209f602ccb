//! Who is asked before the machine goes down, and for how long. Pure.

use std::time::Duration;

use crate::os::systemd::{Inhibitor, Session};

/// How long those who are logged in have to leave.
pub(super) const GRACE: Duration = Duration::from_mins(10);

/// What is done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nobody is in the way, or they have had their time.
    Go,
    /// Somebody is, and has time left.
    Wait(String),
    /// Somebody is and stays; one sentence.
    PutOff(String),
}

/// Whoever forbids a shutdown is waited for as long as there is time, and then
/// keeps the machine up. Whoever is only logged in is asked to leave, and waited
/// for a while.
pub(super) fn next(
    inhibitors: &[Inhibitor],
    sessions: &[Session],
    waited: Duration,
    left: Duration,
) -> Next {
    let blocking = inhibitors.iter().find(|it| it.blocks_shutdown());
    if let Some(Inhibitor { who, why, .. }) = blocking {
        return if left.is_zero() {
            Next::PutOff(format!(
                "{who} forbids it ({why}); see `systemd-inhibit --list`"
            ))
        } else {
            Next::Wait(format!("{who}, which forbids a shutdown ({why})"))
        };
    }
    let mut people: Vec<&str> = sessions
        .iter()
        .filter(|it| it.is_person())
        .map(|it| it.user.as_str())
        .collect();
    people.sort_unstable();
    people.dedup();
    if people.is_empty() || waited >= GRACE || left.is_zero() {
        return Next::Go;
    }
    Next::Wait(format!("{}, who were asked to log out", people.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inhibitor(mode: &str) -> Inhibitor {
        Inhibitor {
            what: "shutdown".into(),
            who: "backup".into(),
            why: "at work".into(),
            mode: mode.into(),
        }
    }

    fn session(class: &str) -> Session {
        Session {
            id: "3".into(),
            user: "alice".into(),
            class: class.into(),
            state: "active".into(),
        }
    }

    const SOON: Duration = Duration::from_mins(1);
    const LONG: Duration = Duration::from_mins(30);
    const NONE: Duration = Duration::ZERO;

    #[test]
    fn an_empty_machine_goes_down_at_once() {
        for left in [LONG, NONE] {
            assert_eq!(next(&[], &[], NONE, left), Next::Go);
        }
        let delay = [inhibitor("delay")];
        assert_eq!(next(&delay, &[session("greeter")], NONE, LONG), Next::Go);
    }

    #[test]
    fn whoever_forbids_it_is_waited_for_to_the_end_and_then_wins() {
        let block = [inhibitor("block")];
        let alice = [session("user")];
        for (waited, left) in [(NONE, LONG), (LONG, SOON)] {
            assert!(matches!(next(&block, &[], waited, left), Next::Wait(_)));
            assert!(matches!(next(&block, &alice, waited, left), Next::Wait(_)));
        }
        assert!(matches!(next(&block, &[], LONG, NONE), Next::PutOff(_)));
    }

    #[test]
    fn whoever_is_logged_in_has_a_while() {
        let alice = [session("user")];
        assert!(matches!(next(&[], &alice, NONE, LONG), Next::Wait(_)));
        assert_eq!(next(&[], &alice, GRACE, LONG), Next::Go);
        assert_eq!(next(&[], &alice, SOON, NONE), Next::Go);
    }

    #[test]
    fn who_is_in_the_way_is_named() {
        let people = [session("user"), session("user")];
        let Next::Wait(who) = next(&[], &people, NONE, LONG) else {
            panic!("they are waited for");
        };
        assert_eq!(who, "alice, who were asked to log out");
        let Next::PutOff(why) = next(&[inhibitor("block")], &[], LONG, NONE) else {
            panic!("it forbids");
        };
        assert!(why.contains("backup") && why.contains("at work"), "{why}");
    }
}
