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
    fn an_empty_machine_goes_down_at_once_and_others_have_their_time() {
        let (block, delay) = (inhibitor("block"), inhibitor("delay"));
        let (alice, screen) = (session("user"), session("greeter"));
        let waits = |it: &Next| matches!(it, Next::Wait(_));
        let goes = |it: &Next| *it == Next::Go;
        let stays = |it: &Next| matches!(it, Next::PutOff(_));
        type Case<'a> = (
            &'a [Inhibitor],
            &'a [Session],
            Duration,
            Duration,
            &'a dyn Fn(&Next) -> bool,
        );
        let table: [Case<'_>; 10] = [
            (&[], &[], NONE, LONG, &goes),
            (&[], &[], NONE, NONE, &goes),
            (
                std::slice::from_ref(&delay),
                std::slice::from_ref(&screen),
                NONE,
                LONG,
                &goes,
            ),
            (std::slice::from_ref(&block), &[], NONE, LONG, &waits),
            (std::slice::from_ref(&block), &[], LONG, SOON, &waits),
            (std::slice::from_ref(&block), &[], LONG, NONE, &stays),
            (&[], std::slice::from_ref(&alice), NONE, LONG, &waits),
            (&[], std::slice::from_ref(&alice), GRACE, LONG, &goes),
            (&[], std::slice::from_ref(&alice), SOON, NONE, &goes),
            (
                std::slice::from_ref(&block),
                std::slice::from_ref(&alice),
                GRACE,
                LONG,
                &waits,
            ),
        ];
        for (number, (inhibitors, sessions, waited, left, expected)) in
            table.into_iter().enumerate()
        {
            let next = next(inhibitors, sessions, waited, left);
            assert!(expected(&next), "{number}: {next:?}");
        }
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
