use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const EXPRESSIONS: [&str; 14] = [
    "0 3 * * *",
    "30 2 * * *",
    "0,30 1-3 * * *",
    "*/7 * * * *",
    "*/30 2 * * *",
    "15 0 * * *",
    "0 0 * * *",
    "0 23 L * *",
    "0 12 29 2 *",
    "59 59 23 * * SUN",
    "0 3 13 * FRI",
    "0 3 LW * *",
    "@hourly",
    "*/20 * * * * *",
];

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Chatham",
];

/// Any moment of some years, and often one near a change of a clock.
fn moment() -> impl Strategy<Value = (TimeZone, Timestamp)> {
    let zones = select(ZONES.to_vec()).prop_map(zone);
    (
        zones,
        1_735_689_600_i64..1_924_992_000,
        any::<bool>(),
        -10_800_i64..10_800,
    )
        .prop_map(|(zone, second, near, off)| {
            let at = Timestamp::from_second(second).expect("in range");
            let change = zone.following(at).next().filter(|_| near);
            let at = change.map_or(at, |change| change.timestamp());
            (zone, at + SignedDuration::from_secs(off))
        })
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let lengths = (1_i64..40 * 3600, 0.0..1.0).prop_map(|(window, share)| {
        let spread = SignedDuration::from_secs(window).mul_f64(share);
        (
            SignedDuration::from_secs(window),
            SignedDuration::from_secs(spread.as_secs()),
        )
    });
    (select(EXPRESSIONS.to_vec()), lengths).prop_map(|(expression, (window, spread))| Schedule {
        window,
        spread,
        ..schedule(expression)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn looking_back_finds_what_looking_ahead_has_found((zone, at) in moment(), expression in select(EXPRESSIONS.to_vec())) {
        let cron = cron(expression);
        let mut known = cron.next_after(&zone, at).expect("it comes");
        prop_assert!(known > at);
        for _ in 0..10 {
            let next = cron.next_after(&zone, known).expect("it comes");
            prop_assert!(next > known);
            prop_assert_eq!(cron.latest_at(&zone, known), Some(known));
            let just_before = next - SignedDuration::from_nanos(1);
            prop_assert_eq!(cron.latest_at(&zone, just_before), Some(known));
            let between = known + next.duration_since(known).mul_f64(0.5);
            prop_assert_eq!(cron.next_after(&zone, between), Some(next));
            known = next;
        }
    }

    #[test]
    fn windows_come_in_order_and_start_within_themselves((zone, at) in moment(), schedule in any_schedule(), machine in any::<u64>()) {
        let calendar = Calendar::new("nightly", &schedule, &host(&machine.to_string()), zone);
        let mut before = at - SignedDuration::from_nanos(1);
        for window in calendar.windows(at).take(8) {
            prop_assert!(window.opens > before);
            prop_assert!(window.opens <= window.starts && window.starts < window.closes);
            prop_assert_eq!(calendar.open_at(window.starts).map(|it| it.closes >= window.closes), Some(true));
            before = window.opens;
        }
    }

    /// Asked again and again over some days, whatever it says is done: each
    /// window is used or missed, none twice.
    #[test]
    fn every_window_is_used_or_missed_and_none_twice((zone, at) in moment(), schedule in any_schedule(), steps in prop::collection::vec(1_i64..50_000, 1..40)) {
        let calendar = Calendar::new("nightly", &schedule, &host("a"), zone);
        let (mut handled, mut now) = (at, at);
        for step in steps {
            now += SignedDuration::from_secs(step);
            loop {
                match calendar.due(handled, now) {
                    Due::Wait { until } => {
                        prop_assert!(until > now, "{until} {now}");
                        break;
                    }
                    Due::Start(window) => {
                        prop_assert!(window.opens > handled);
                        prop_assert!(window.starts <= now && now < window.closes);
                        handled = window.opens;
                    }
                    Due::Missed(missed) => {
                        prop_assert!(missed.latest.opens > handled && missed.latest.closes <= now);
                        prop_assert!(missed.count > 0);
                        handled = missed.latest.opens;
                    }
                }
            }
            let unused = calendar.windows(handled + SignedDuration::from_nanos(1)).next();
            prop_assert!(unused.is_none_or(|it| it.starts > now));
        }
    }

    #[test]
    fn no_clock_silences_a_schedule_for_longer_than_its_next_two_windows((zone, now) in moment(), schedule in any_schedule(), handled in 0_i64..4_000_000_000) {
        let calendar = Calendar::new("nightly", &schedule, &host("a"), zone);
        let handled = Timestamp::from_second(handled).expect("in range");
        if let Due::Wait { until } = calendar.due(handled, now) {
            let next_two = calendar.windows(now).nth(1).expect("it comes");
            prop_assert!(until <= next_two.starts);
        }
    }

    #[test]
    fn no_text_panics_and_what_is_accepted_comes(text in "[-0-9*/,#?LWA-Za-z@+ ]{0,40}|([-0-9*/,LW#?]{1,5} ){4,5}[-0-9*/,L#?]{1,3}|.{0,40}") {
        if let Ok(cron) = text.parse::<Cron>() {
            prop_assert!(cron.next_after(&TimeZone::UTC, at("2026-11-21T00:00:00Z")).is_some());
        }
    }
}
