use super::*;

/// A night at three in UTC, two hours long, this host's turn 20 minutes in.
struct Night {
    schedule: Schedule,
}

impl Night {
    fn new(expression: &str, catch_up: CatchUp) -> Self {
        let schedule = Schedule {
            catch_up,
            ..schedule(expression)
        };
        Self { schedule }
    }

    fn due(&self, handled: &str, now: &str) -> Due {
        let mut calendar = calendar(&self.schedule, "UTC");
        calendar.place = minutes(20);
        calendar.due(at(handled), at(now))
    }
}

fn nightly() -> Night {
    Night::new("0 3 * * *", CatchUp::NextWindow)
}

fn wait(until: &str) -> Due {
    Due::Wait { until: at(until) }
}

fn window(opens: &str) -> Window {
    let opens = at(opens);
    Window {
        opens,
        starts: opens + minutes(20),
        closes: opens + hours(2),
    }
}

fn start(opens: &str) -> Due {
    Due::Start(window(opens))
}

fn missed(count: usize, latest: &str) -> Due {
    Due::Missed(Missed {
        count,
        latest: window(latest),
        make_up: None,
    })
}

#[test]
fn a_window_is_waited_for_started_in_once_and_then_over() {
    let night = nightly();
    let table = [
        (
            "2026-11-20T03:00:00Z",
            "2026-11-20T12:00:00Z",
            wait("2026-11-21T03:20:00Z"),
        ),
        (
            "2026-11-20T03:00:00Z",
            "2026-11-21T03:19:59Z",
            wait("2026-11-21T03:20:00Z"),
        ),
        (
            "2026-11-20T03:00:00Z",
            "2026-11-21T03:20:00Z",
            start("2026-11-21T03:00:00Z"),
        ),
        (
            "2026-11-20T03:00:00Z",
            "2026-11-21T04:59:59Z",
            start("2026-11-21T03:00:00Z"),
        ),
        (
            "2026-11-21T03:00:00Z",
            "2026-11-21T03:21:00Z",
            wait("2026-11-22T03:20:00Z"),
        ),
    ];
    for (handled, now, expected) in table {
        assert_eq!(night.due(handled, now), expected, "{handled} {now}");
    }
}

#[test]
fn what_closed_unused_was_missed_and_the_window_that_is_open_does_the_work() {
    let night = nightly();
    let due = night.due("2026-11-18T03:00:00Z", "2026-11-21T04:00:00Z");
    assert_eq!(due, missed(2, "2026-11-20T03:00:00Z"));
    let due = night.due("2026-11-20T03:00:00Z", "2026-11-21T04:00:00Z");
    assert_eq!(due, start("2026-11-21T03:00:00Z"));
    let due = night.due("2026-11-20T03:00:00Z", "2026-11-21T05:00:00Z");
    assert_eq!(due, missed(1, "2026-11-21T03:00:00Z"));
}

#[test]
fn nothing_is_missed_before_a_schedule_was_known() {
    // First seen at noon: the baseline, no window.
    let due = nightly().due("2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z");
    assert_eq!(due, wait("2026-11-21T03:20:00Z"));
    // First seen within a window: that one is not for us.
    let due = nightly().due("2026-11-20T03:30:00Z", "2026-11-20T03:31:00Z");
    assert_eq!(due, wait("2026-11-21T03:20:00Z"));
}

#[test]
fn a_window_is_opened_at_once_only_where_that_is_wanted_and_none_is_open() {
    let made_up =
        |catch_up, now| match Night::new("0 3 * * *", catch_up).due("2026-11-18T03:00:00Z", now) {
            Due::Missed(missed) => missed.make_up,
            other => panic!("{other:?}"),
        };
    let (day, night) = ("2026-11-21T12:00:00Z", "2026-11-21T03:05:00Z");
    let expected = Window {
        opens: at(day),
        starts: at(day),
        closes: at("2026-11-21T14:00:00Z"),
    };
    assert_eq!(made_up(CatchUp::Now, day), Some(expected));
    assert_eq!(made_up(CatchUp::Now, night), None);
    assert_eq!(made_up(CatchUp::NextWindow, day), None);
    assert_eq!(made_up(CatchUp::Skip, day), None);
}

#[test]
fn years_of_absence_are_not_counted_one_by_one() {
    let every_second = Night::new("* * * * * *", CatchUp::NextWindow);
    let due = every_second.due("2016-01-01T00:00:00Z", "2026-11-21T12:00:00Z");
    assert_eq!(due, missed(100, "2026-11-21T10:00:00Z"));
    let due = every_second.due("2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z");
    assert_eq!(due, start("2026-11-21T11:40:00Z"));
}

#[test]
fn a_clock_that_steps_back_does_not_use_a_window_twice() {
    let night = nightly();
    for now in [
        "2026-11-21T03:10:00Z",
        "2026-11-21T02:00:00Z",
        "2026-11-20T04:00:00Z",
    ] {
        let due = night.due("2026-11-21T03:00:00Z", now);
        assert_eq!(due, wait("2026-11-22T03:20:00Z"), "{now}");
    }
    let yearly = Night::new("0 3 1 1 *", CatchUp::NextWindow);
    let due = yearly.due("2027-01-01T03:00:00Z", "2026-12-01T00:00:00Z");
    assert_eq!(due, wait("2028-01-01T03:20:00Z"));
}

#[test]
fn a_clock_that_had_been_far_ahead_does_not_silence_a_schedule() {
    let night = nightly();
    let due = night.due("2031-05-01T03:00:00Z", "2026-11-21T12:00:00Z");
    assert_eq!(due, wait("2026-11-22T03:20:00Z"));
    let due = night.due("2031-05-01T03:00:00Z", "2026-11-21T04:00:00Z");
    assert_eq!(due, start("2026-11-21T03:00:00Z"));
    let often = Night::new("*/10 * * * *", CatchUp::NextWindow);
    let due = often.due("2026-11-21T12:00:00Z", "2026-11-21T10:05:00Z");
    assert!(matches!(due, Due::Start(_)), "{due:?}");
}

#[test]
fn a_clock_that_jumps_ahead_misses_what_it_jumped_over() {
    let due = nightly().due("2026-11-21T03:00:00Z", "2026-11-25T12:00:00Z");
    assert_eq!(due, missed(4, "2026-11-25T03:00:00Z"));
    // From 1970, where the battery of the clock was empty.
    let due = nightly().due("1970-01-01T00:10:00Z", "2026-11-25T12:00:00Z");
    assert_eq!(due, missed(100, "2026-11-25T03:00:00Z"));
}

#[test]
fn a_window_of_a_night_when_the_clock_jumps_is_used_once() {
    let half_past_two = schedule("30 2 * * *");
    let berlin = calendar(&half_past_two, "Europe/Berlin");
    let spring = berlin.due(at("2026-03-28T01:30:00Z"), at("2026-03-29T01:00:00Z"));
    let Due::Start(window) = spring else {
        panic!("{spring:?}")
    };
    assert_eq!(
        local(berlin.zone(), window.opens),
        "2026-03-29 03:00:00+02:00"
    );
    // The first half past two of the night has been used when the second comes.
    let autumn = berlin.due(at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"));
    assert_eq!(autumn, wait("2026-10-26T01:30:00Z"));
}
