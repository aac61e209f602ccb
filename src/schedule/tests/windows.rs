use super::*;
use jiff::civil::date;

/// Opens and closes, as the zone's clocks show them.
fn shown(calendar: &Calendar<'_>, from: &str, count: usize) -> Vec<String> {
    let zone = calendar.zone();
    let each = calendar.windows(at(from)).take(count);
    each.map(|it| format!("{} to {}", local(zone, it.opens), local(zone, it.closes)))
        .collect()
}

#[test]
fn a_window_is_as_long_on_the_nights_when_the_clock_jumps() {
    let nightly = schedule("0 1 * * *");
    let berlin = calendar(&nightly, "Europe/Berlin");
    let spring = shown(&berlin, "2026-03-28T23:30:00Z", 1);
    assert_eq!(
        spring,
        ["2026-03-29 01:00:00+01:00 to 2026-03-29 04:00:00+02:00"]
    );
    let autumn = shown(&berlin, "2026-10-24T22:30:00Z", 1);
    assert_eq!(
        autumn,
        ["2026-10-25 01:00:00+02:00 to 2026-10-25 02:00:00+01:00"]
    );
}

#[test]
fn a_window_goes_on_over_midnight_and_the_year() {
    let late = schedule("0 23 31 12 *");
    let berlin = calendar(&late, "Europe/Berlin");
    let found = shown(&berlin, "2026-06-01T00:00:00Z", 1);
    assert_eq!(
        found,
        ["2026-12-31 23:00:00+01:00 to 2027-01-01 01:00:00+01:00"]
    );
    assert!(berlin.open_at(at("2026-12-31T23:30:00Z")).is_some());
    assert!(berlin.open_at(at("2027-01-01T00:00:00Z")).is_none());
}

#[test]
fn the_windows_of_a_moment_begin_with_the_one_that_opens_then() {
    let nightly = schedule("0 3 * * *");
    let utc = calendar(&nightly, "UTC");
    let opens = |from: &str| utc.windows(at(from)).next().expect("one").opens;
    assert_eq!(opens("2026-11-21T03:00:00Z"), at("2026-11-21T03:00:00Z"));
    assert_eq!(opens("2026-11-21T03:00:00.1Z"), at("2026-11-22T03:00:00Z"));
}

#[test]
fn of_windows_that_overlap_the_last_one_is_open() {
    let hourly = schedule("0 * * * *");
    let utc = calendar(&hourly, "UTC");
    let open = utc.open_at(at("2026-11-21T05:10:00Z")).expect("open");
    assert_eq!(open.opens, at("2026-11-21T05:00:00Z"));
}

#[test]
fn a_place_is_the_hosts_own_and_lies_within_the_spread() {
    let nightly = Schedule::default();
    let place = |name: &str, host: &Host| {
        let calendar = Calendar::new(name, &nightly, host, zone("UTC"));
        let window = calendar
            .windows(at("2026-11-21T00:00:00Z"))
            .next()
            .expect("one");
        window.starts - window.opens
    };
    let own = place("nightly", &host("a"));
    assert_eq!(
        own.compare(place("nightly", &host("a"))).expect("lengths"),
        std::cmp::Ordering::Equal
    );
    let others: std::collections::BTreeSet<i64> = (0..100)
        .map(|machine| place("nightly", &host(&machine.to_string())).get_seconds())
        .collect();
    assert!(others.len() > 80, "{others:?}");
    assert!(others.iter().all(|seconds| (0..1800).contains(seconds)));
    assert_ne!(place("weekly", &host("a")).get_seconds(), own.get_seconds());
}

#[test]
fn a_host_without_a_machine_id_has_the_place_of_its_name() {
    let nightly = Schedule::default();
    let place = |name: &str| {
        let nameless = Host {
            name: name.to_owned(),
            machine_id: None,
            ..host("a")
        };
        let calendar = Calendar::new("nightly", &nightly, &nameless, zone("UTC"));
        calendar
            .windows(at("2026-11-21T00:00:00Z"))
            .next()
            .expect("one")
            .starts
    };
    assert_eq!(place("web1"), place("web1"));
    assert_ne!(place("web1"), place("web2"));
}

#[test]
fn a_freeze_that_begins_in_a_window_closes_it() {
    let late = schedule("0 23 * * *");
    let berlin = calendar(&late, "Europe/Berlin");
    let freezes = [Freeze {
        from: date(2026, 12, 18),
        to: date(2027, 1, 4),
        reason: "year's end".to_owned(),
    }];
    let window = |from: &str| berlin.windows(at(from)).next().expect("one");
    let before = berlin.clipped(window("2026-12-17T12:00:00Z"), &freezes);
    assert_eq!(
        local(berlin.zone(), before.closes),
        "2026-12-18 00:00:00+01:00"
    );
    let far = window("2026-12-10T12:00:00Z");
    assert_eq!(berlin.clipped(far, &freezes), far);
    // Its end is no reason to close one that begins in it: that one is frozen.
    let inside = window("2027-01-04T12:00:00Z");
    assert_eq!(berlin.clipped(inside, &freezes), inside);
    assert!(berlin.frozen(&freezes, inside.starts).is_some());
    assert!(berlin.frozen(&freezes, before.starts).is_none());
}

#[test]
fn a_rule_changes_with_the_times_and_the_zone_alone() {
    let (nightly, early) = (schedule("0 3 * * *"), schedule("0 2 * * *"));
    let longer = Schedule {
        window: hours(5),
        ..nightly.clone()
    };
    assert_eq!(
        calendar(&nightly, "Europe/Berlin").rule(),
        "0 3 * * * Europe/Berlin"
    );
    assert_eq!(
        calendar(&longer, "UTC").rule(),
        calendar(&nightly, "UTC").rule()
    );
    assert_ne!(
        calendar(&early, "UTC").rule(),
        calendar(&nightly, "UTC").rule()
    );
}
