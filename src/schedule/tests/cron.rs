use super::*;

/// The first times after a moment, as the zone's clocks show them.
fn times(expression: &str, name: &str, after: &str, count: usize) -> Vec<String> {
    let (cron, zone) = (cron(expression), zone(name));
    let next = |at: &Timestamp| cron.next_after(&zone, *at);
    let each = std::iter::successors(next(&at(after)), next);
    each.take(count).map(|at| local(&zone, at)).collect()
}

#[test]
fn a_time_that_the_clock_jumps_over_comes_right_after_the_gap() {
    let found = times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2);
    assert_eq!(
        found,
        ["2026-03-29 03:00:00+02:00", "2026-03-30 02:30:00+02:00"]
    );
}

#[test]
fn several_fixed_times_in_the_gap_come_once_after_it() {
    let found = times(
        "0,30 2,14 * * *",
        "Europe/Berlin",
        "2026-03-28T14:00:00Z",
        4,
    );
    let expected = [
        "2026-03-29 03:00:00+02:00",
        "2026-03-29 14:00:00+02:00",
        "2026-03-29 14:30:00+02:00",
        "2026-03-30 02:00:00+02:00",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_interval_has_no_times_in_the_gap() {
    let found = times("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3);
    let expected = [
        "2026-03-29 01:30:00+01:00",
        "2026-03-29 03:00:00+02:00",
        "2026-03-29 03:30:00+02:00",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_time_that_the_clock_shows_twice_comes_once_and_first() {
    let found = times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
    assert_eq!(
        found,
        ["2026-10-25 02:30:00+02:00", "2026-10-26 02:30:00+01:00"]
    );
}

#[test]
fn several_fixed_times_that_the_clock_shows_twice_come_once_each() {
    let found = times("0 1-3 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 4);
    let expected = [
        "2026-10-25 01:00:00+02:00",
        "2026-10-25 02:00:00+02:00",
        "2026-10-25 03:00:00+01:00",
        "2026-10-26 01:00:00+01:00",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_interval_goes_on_through_the_hour_that_comes_twice() {
    let found = times("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:59:59Z", 5);
    let expected = [
        "2026-10-25 02:00:00+02:00",
        "2026-10-25 02:30:00+02:00",
        "2026-10-25 02:00:00+01:00",
        "2026-10-25 02:30:00+01:00",
        "2026-10-25 03:00:00+01:00",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_day_whose_clock_jumps_has_one_midnight() {
    let found = times("0 0 * * *", "Europe/London", "2026-03-28T12:00:00Z", 2);
    assert_eq!(
        found,
        ["2026-03-29 00:00:00+00:00", "2026-03-30 00:00:00+01:00"]
    );
}

#[test]
fn the_days_after_a_change_keep_the_local_time() {
    let found = times("3 0 18 * * *", "Europe/London", "2026-03-28T17:00:00Z", 3);
    let expected = [
        "2026-03-28 18:00:03+00:00",
        "2026-03-29 18:00:03+01:00",
        "2026-03-30 18:00:03+01:00",
    ];
    assert_eq!(found, expected);
}

#[test]
fn half_hours_and_midnights_can_be_jumped_over_too() {
    let found = times(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T10:00:00Z",
        1,
    );
    assert_eq!(found, ["2026-10-04 02:30:00+11:00"]);
    let found = times("0 0 * * *", "America/Havana", "2026-03-07T12:00:00Z", 1);
    assert_eq!(found, ["2026-03-08 01:00:00-04:00"]);
}

#[test]
fn leap_days_month_ends_and_named_days_come_when_they_are() {
    let table = [
        (
            "0 3 29 2 *",
            "2026-01-01T00:00:00Z",
            "2028-02-29 03:00:00+00:00",
        ),
        (
            "0 3 L * *",
            "2028-02-10T00:00:00Z",
            "2028-02-29 03:00:00+00:00",
        ),
        (
            "0 3 31 * *",
            "2026-04-01T00:00:00Z",
            "2026-05-31 03:00:00+00:00",
        ),
        (
            "0 3 15W * *",
            "2026-08-01T00:00:00Z",
            "2026-08-14 03:00:00+00:00",
        ),
        (
            "0 3 LW * *",
            "2026-05-01T00:00:00Z",
            "2026-05-29 03:00:00+00:00",
        ),
        (
            "0 3 * * TUE#2",
            "2026-11-01T00:00:00Z",
            "2026-11-10 03:00:00+00:00",
        ),
        (
            "0 3 * * friL",
            "2026-11-01T00:00:00Z",
            "2026-11-27 03:00:00+00:00",
        ),
        (
            "0 3 * JAN-MAR 7",
            "2026-11-01T00:00:00Z",
            "2027-01-03 03:00:00+00:00",
        ),
        (
            "@midnight",
            "2026-12-31T12:00:00Z",
            "2027-01-01 00:00:00+00:00",
        ),
        (
            "@Weekly",
            "2026-11-01T00:00:00Z",
            "2026-11-08 00:00:00+00:00",
        ),
    ];
    for (expression, after, expected) in table {
        assert_eq!(
            times(expression, "UTC", after, 1),
            [expected],
            "{expression}"
        );
    }
}

#[test]
fn of_two_days_either_is_enough_unless_one_has_a_star() {
    let days = |expression| -> Vec<String> {
        let found = times(expression, "UTC", "2026-11-01T12:00:00Z", 3);
        found.iter().map(|text| text[8..10].to_owned()).collect()
    };
    assert_eq!(days("0 3 13 * FRI"), ["06", "13", "20"]);
    assert_eq!(days("0 3 */2 * FRI"), ["13", "27", "11"]);
    assert_eq!(days("0 3 13 * */1"), ["13", "13", "13"]);
}

#[test]
fn what_is_no_expression_is_refused_with_the_field_that_is_wrong() {
    let told = |text: &str| text.parse::<Cron>().expect_err(text).to_string();
    insta::assert_snapshot!(told("0 25 * * *"), @r#""25" is no hour in "0 25 * * *"; write 0 to 23, ranges, steps and lists of them"#);
    insta::assert_snapshot!(told("0 MON * * *"), @r#""MON" is no hour in "0 MON * * *"; write 0 to 23, ranges, steps and lists of them"#);
    insta::assert_snapshot!(told("0 3 * * MONDAY"), @r#""MONDAY" is no day of week in "0 3 * * MONDAY"; write 0 to 7 or SUN to SAT, ranges, steps and lists of them, TUE#2 for the second Tuesday, FRIL for the last Friday of the month"#);
    insta::assert_snapshot!(told("0 3 32 * *"), @r#""32" is no day of month in "0 3 32 * *"; write 1 to 31, ranges, steps and lists of them, L for the last day, 15W for the weekday nearest to the 15th"#);
    insta::assert_snapshot!(told("0 3 * TUE *"), @r#""TUE" is no month in "0 3 * TUE *"; write 1 to 12 or JAN to DEC, ranges, steps and lists of them"#);
    insta::assert_snapshot!(told("0 3 * *"), @r#""0 3 * *" has 4 fields; write minute, hour, day of month, month and day of week such as "0 3 * * *", in front of them the second if need be"#);
    insta::assert_snapshot!(told("@reboot"), @r#""@reboot" is no time; write one of @hourly, @daily, @weekly, @monthly and @yearly"#);
    insta::assert_snapshot!(told("0 3 30 2 *"), @r#""0 3 30 2 *" never comes; no year has such a day, so change the day or the month"#);
    insta::assert_snapshot!(told("60 0 3 * * *"), @r#""60" is no second in "60 0 3 * * *"; write 0 to 59, ranges, steps and lists of them"#);
    for faulty in [
        "",
        "   ",
        "* * * * * * 2027",
        "3/5 * * * *",
        "22-4 * * * *",
        "0 3 * * 1#6",
        "0 3 31 4,6 *",
    ] {
        assert!(faulty.parse::<Cron>().is_err(), "{faulty:?}");
    }
    assert_eq!("1,".repeat(200).parse::<Cron>(), Err(InvalidCron::Long));
}

#[test]
fn an_expression_is_shown_as_it_was_written() {
    assert_eq!(cron(" 0 3  * * mon ").to_string(), "0 3  * * mon");
}
