//! When something starts: what can be written, and what operators are told.

use jiff::SignedDuration;
use jiff::civil::date;

use super::super::*;
use super::{MAIN, Machine, sound, told};
use crate::model::Action;
use crate::schedule::{CatchUp, Freeze, Schedule};

#[test]
fn every_key_of_a_schedule_arrives_where_it_belongs() {
    let settings = sound(
        r#"
        [schedule.weekly]
        cron = "30 0 22 * * FRIL"
        timezone = "Europe/Berlin"
        action = "check"
        policy = "web"
        window = "6h"
        spread = "0s"
        catch_up = "now"
        [policy.web]
        [[freeze]]
        from = "2026-12-18"
        to = 2027-01-04
        reason = "year's end"
        "#,
    );
    let weekly = &settings.schedules.schedules["weekly"];
    assert_eq!(weekly.cron.to_string(), "30 0 22 * * FRIL");
    let zone = weekly.timezone.as_ref().and_then(|zone| zone.iana_name());
    assert_eq!(zone, Some("Europe/Berlin"));
    assert_eq!(
        (weekly.action, weekly.catch_up),
        (Action::Check, CatchUp::Now)
    );
    assert_eq!(weekly.policy, "web");
    assert_eq!(weekly.window, SignedDuration::from_hours(6));
    assert_eq!(weekly.spread, SignedDuration::ZERO);
    let freeze = Freeze {
        from: date(2026, 12, 18),
        to: date(2027, 1, 4),
        reason: "year's end".to_owned(),
    };
    assert_eq!(settings.schedules.freezes, [freeze]);
}

#[test]
fn a_schedule_takes_the_place_of_the_built_in_one_and_has_its_values() {
    let machine = Machine::new(&[
        (MAIN, "schedule.weekly.cron = \"@weekly\"\n"),
        (
            "/etc/patchd/conf.d/1.toml",
            "schedule.weekly.window = \"1h\"\n",
        ),
    ]);
    let schedules = machine.sound().settings.schedules.schedules;
    let expected = Schedule {
        cron: "@weekly".parse().expect("an expression"),
        window: SignedDuration::from_hours(1),
        ..Schedule::default()
    };
    assert_eq!(
        schedules.into_iter().collect::<Vec<_>>(),
        [("weekly".to_owned(), expected)]
    );
}

#[test]
fn the_built_in_schedule_is_changed_key_by_key() {
    let schedules = sound("[schedule.nightly]\nspread = \"10m\"\n")
        .schedules
        .schedules;
    let expected = Schedule {
        spread: SignedDuration::from_mins(10),
        ..Schedule::default()
    };
    assert_eq!(schedules["nightly"], expected);
    assert_eq!(sound("[schedule]\n"), Settings::default());
}

#[test]
fn a_time_that_cannot_be_is_told_with_what_to_write() {
    insta::assert_snapshot!(told("[schedule.a]\ncron = \"0 25 * * *\"\ntimezone = \"Europe/Berln\"\n[schedule.b]\ncron = \"0 3 30 2 *\"\ntimezone = \"Mars\"\n"), @r#"
    error: "25" is no hour in "0 25 * * *"
     --> /etc/patchd/patchd.toml:2:8
      |
    2 | cron = "0 25 * * *"
      |        ^^^^^^^^^^^^
      |
      = help: write 0 to 23, ranges, steps and lists of them

    error: "Europe/Berln" is not a time zone of this machine
     --> /etc/patchd/patchd.toml:3:12
      |
    3 | timezone = "Europe/Berln"
      |            ^^^^^^^^^^^^^^
      |
      = help: did you mean "Europe/Berlin"?

    error: "0 3 30 2 *" never comes
     --> /etc/patchd/patchd.toml:5:8
      |
    5 | cron = "0 3 30 2 *"
      |        ^^^^^^^^^^^^
      |
      = help: no year has such a day, so change the day or the month

    error: "Mars" is not a time zone of this machine
     --> /etc/patchd/patchd.toml:6:12
      |
    6 | timezone = "Mars"
      |            ^^^^^^
      |
      = help: write a zone such as "Europe/Berlin" or "UTC"; `timedatectl list-timezones` lists them

    the configuration is invalid: 4 faults
    "#);
    insta::assert_snapshot!(told("[schedule.a]\ncron = 3\naction = \"pach\"\npolicy = \"a b\"\nwindow = \"0s\"\n"), @r#"
    error: "cron" cannot be a whole number
     --> /etc/patchd/patchd.toml:2:8
      |
    2 | cron = 3
      |        ^
      |
      = help: write a cron expression such as "0 3 * * *" or "0 3 * * TUE#2"

    error: "action" cannot be "pach"
     --> /etc/patchd/patchd.toml:3:10
      |
    3 | action = "pach"
      |          ^^^^^^
      |
      = help: did you mean "patch"? it is one of "check", "patch"

    error: "a b" cannot be a name
     --> /etc/patchd/patchd.toml:4:10
      |
    4 | policy = "a b"
      |          ^^^^^
      |
      = help: write 1 to 64 letters, digits, dashes and underscores

    error: "0s" is out of bounds
     --> /etc/patchd/patchd.toml:5:10
      |
    5 | window = "0s"
      |          ^^^^
      |
      = help: write a duration such as "90s", "1h30m" or "3d", from 1m to 7d

    the configuration is invalid: 4 faults
    "#);
}

#[test]
fn a_freeze_that_cannot_be_is_told_with_what_to_write() {
    insta::assert_snapshot!(told("[[freeze]]\nfrom = \"2027-12-18\"\nto = \"2027-01-04\"\nreason = \"x\"\n[[freeze]]\nfrom = \"18.12.2026\"\nto = 2027-01-04T00:00:00\n"), @r#"
    error: the freeze ends on 2027-01-04, before it begins on 2027-12-18
     --> /etc/patchd/patchd.toml:3:6
      |
    3 | to = "2027-01-04"
      |      ^^^^^^^^^^^^
      |
      = help: exchange the two, or mend the year

    error: "reason" is missing in this freeze
     --> /etc/patchd/patchd.toml:5:1
      |
    5 | [[freeze]]
      | ^^^^^^^^^^
      |
      = help: add "reason": text in quotes

    error: "18.12.2026" is not a day
     --> /etc/patchd/patchd.toml:6:8
      |
    6 | from = "18.12.2026"
      |        ^^^^^^^^^^^^
      |
      = help: write a day such as "2026-12-18"

    error: "2027-01-04T00:00:00" is not a day
     --> /etc/patchd/patchd.toml:7:6
      |
    7 | to = 2027-01-04T00:00:00
      |      ^^^^^^^^^^^^^^^^^^^
      |
      = help: write a day such as "2026-12-18"

    the configuration is invalid: 4 faults
    "#);
}

#[test]
fn hosts_are_spread_over_less_than_the_window_whoever_says_which() {
    insta::assert_snapshot!(told("[schedule.nightly]\nwindow = \"20m\"\n"), @r#"
    error: hosts are spread over 30m, and the window closes after 20m
     --> /etc/patchd/patchd.toml:2:10
      |
    2 | window = "20m"
      |          ^^^^^
      |
      = help: make "spread" shorter ("0s" for none), or "window" longer

    the configuration is invalid: 1 fault
    "#);
    let machine = Machine::new(&[(
        MAIN,
        "[schedule.a]\ncron = \"@daily\"\nspread = \"2h\"\n[schedule.b]\nspread = \"3h\"\nwindow = \"1h\"\n",
    )]);
    insta::assert_snapshot!(machine.told(), @r#"
    error: hosts are spread over 2h, and the window closes after 2h
     --> /etc/patchd/patchd.toml:3:10
      |
    3 | spread = "2h"
      |          ^^^^
      |
      = help: make "spread" shorter ("0s" for none), or "window" longer

    error: "cron" is missing in the schedule "b"
     --> /etc/patchd/patchd.toml:4:1
      |
    4 | [schedule.b]
      | ^^^^^^^^^^^^
      |
      = help: add "cron": a cron expression such as "0 3 * * *" or "0 3 * * TUE#2"

    error: hosts are spread over 3h, and the window closes after 1h
     --> /etc/patchd/patchd.toml:5:10
      |
    5 | spread = "3h"
      |          ^^^^
      |
      = help: make "spread" shorter ("0s" for none), or "window" longer

    the configuration is invalid: 3 faults
    "#);
}

#[test]
fn a_hundred_schedules_are_enough() {
    let all = |count: u8| -> String {
        let each = (0..count).map(|n| format!("schedule.s{n}.cron = \"@daily\"\n"));
        each.collect::<Vec<_>>().concat()
    };
    assert_eq!(sound(&all(100)).schedules.schedules.len(), 100);
    assert!(told(&all(101)).contains("there are 101 schedules, more than 100"));
}

#[test]
fn a_policy_that_is_nowhere_is_told_unless_a_file_could_not_be_read() {
    let schedule = "[schedule.nightly]\npolicy = \"wbe\"\nwindw = \"1h\"\n[policy.web]\n";
    let machine = Machine::new(&[(MAIN, schedule)]);
    insta::assert_snapshot!(machine.told(), @r#"
    error: there is no policy "wbe"
     --> /etc/patchd/patchd.toml:2:10
      |
    2 | policy = "wbe"
      |          ^^^^^
      |
      = help: add [policy.wbe], or write one of default, web

    error: unknown key "windw" in schedule.NAME
     --> /etc/patchd/patchd.toml:3:1
      |
    3 | windw = "1h"
      | ^^^^^
      |
      = help: did you mean "window"? known keys: cron, timezone, action, policy, window, spread, catch_up

    the configuration is invalid: 2 faults
    "#);
    machine.write("/etc/patchd/conf.d/1.toml", b"[policy.wbe\n");
    assert!(!machine.told().contains("no policy"), "{}", machine.told());
    machine.write("/etc/patchd/conf.d/1.toml", b"[policy.wbe]\n");
    assert!(!machine.told().contains("no policy"), "{}", machine.told());
}
