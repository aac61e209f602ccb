//! Real records, and what becomes of odd ones.

use super::*;
use crate::feeds::{Format, PROTOCOL};

macro_rules! record {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/feeds/osv/", $name))
    };
}

fn read(distribution: &str, version: &str, records: &[&str]) -> (Vec<String>, String) {
    let request = Request {
        protocol: PROTOCOL,
        format: Format::Osv,
        distribution: distribution.to_owned(),
        version: version.to_owned(),
        codename: String::new(),
        channels: vec!["esm-apps".to_owned(), "esm-infra".to_owned()],
        architectures: vec![],
    };
    let mut tally = Tally::default();
    let mut reading = Reading {
        ecosystem: Ecosystem::of(&request).expect("known"),
        gathering: Gathering::default(),
        tally: &mut tally,
    };
    for record in records {
        reading.take(record.as_bytes());
    }
    let sorted = reading.gathering.sorted(&mut tally).expect("room");
    let shown = sorted.iter().map(|it| {
        let word = it.word;
        let status = match word.status {
            Status::Fixed { version } => version.to_string(),
            Status::Open { plan } => format!("{plan:?}"),
            other => format!("{other:?}"),
        };
        let severity = word.severity.map(|it| format!("{it:?}"));
        let published = word.published.map(|it| it.to_string());
        let more = [severity, word.channel, word.label, published];
        let more: Vec<String> = more.into_iter().flatten().collect();
        format!("{} {} {status} {}", it.package, it.cve, more.join(" "))
    });
    (shown.collect(), tally.words())
}

/// A record of Debian 12 with these fields besides its id.
fn debian(fields: &str) -> (Vec<String>, String) {
    read(
        "debian",
        "12",
        &[&format!(r#"{{"id":"DEBIAN-CVE-2026-0001",{fields}}}"#)],
    )
}

/// One that says this of bash.
fn bash(fields: &str) -> String {
    format!(r#""affected":[{{"package":{{"ecosystem":"Debian:12","name":"bash"}},{fields}}}]"#)
}

#[test]
fn ubuntus_release_and_channels_are_kept_with_the_label_of_the_notice() {
    let records = [
        record!("ubuntu/USN-5614-1.json"),
        record!("ubuntu/UBUNTU-CVE-2021-3782.json"),
        record!("ubuntu/UBUNTU-CVE-2014-2901.json"),
        record!("ubuntu/UBUNTU-CVE-2022-24823.json"),
    ];
    let (kept, left_out) = read("ubuntu", "18.04", &records);
    assert_eq!(
        kept,
        [
            "netty CVE-2022-24823 1:4.1.7-4ubuntu0.1+esm3 Low esm-apps",
            "wayland CVE-2021-3782 1.16.0-1ubuntu1.1~18.04.4 Medium USN-5614-1 2022-09-15",
        ]
    );
    assert_eq!(left_out, "1 withdrawn");
    let (kept, left_out) = read("ubuntu", "14.04", &records);
    assert_eq!(kept, [] as [&str; 0]);
    assert_eq!(left_out, "2 elsewhere, 1 other-channel, 1 withdrawn");
}

#[test]
fn an_unfixed_vulnerability_is_open() {
    let (kept, _) = read(
        "ubuntu",
        "25.10",
        &[record!("ubuntu/UBUNTU-CVE-2022-24823.json")],
    );
    assert_eq!(kept, ["netty CVE-2022-24823 Undecided Low"]);
}

#[test]
fn almalinux_rates_in_its_summary() {
    let record = record!("almalinux/ALSA-2025_11335.json");
    let (kept, left_out) = read("almalinux", "9.4", &[record]);
    assert!(kept.len() + left_out.len() > 0);
    let (kept, left_out) = read("debian", "12", &[record]);
    assert_eq!((kept.len(), left_out.as_str()), (0, "1 elsewhere"));
}

#[test]
fn suses_binary_packages_are_named_once_each() {
    let junk = "<html><h1>403 Forbidden</h1></html>";
    let records = [record!("suse/SUSE-SU-403_Forbidden-1.json"), junk];
    let (kept, left_out) = read("sles", "12", &records);
    let one = kept.iter().filter(|it| it.starts_with("libqt4 ")).count();
    assert!(
        one > 0 && left_out.contains("1 malformed"),
        "{kept:?} {left_out}"
    );
    let mut unique = kept.clone();
    unique.dedup();
    assert_eq!(kept, unique);
}

#[test]
fn debians_own_advisories_lend_their_label() {
    let cve = format!(
        r#"{{"id":"DEBIAN-CVE-2026-0001","published":"2026-01-01T00:00:00Z",{}}}"#,
        bash(
            r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"5.2-1"}]}],"ecosystem_specific":{"urgency":"high"},"versions":["5.1"]"#
        )
    );
    let advisory = format!(
        r#"{{"id":"DSA-6001-1","published":"2026-02-03T00:00:00Z","related":["CVE-2026-0001","CVE-2026-0002"],{}}}"#,
        bash(r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"5.2-1"}]}]"#)
    );
    let (kept, left_out) = read("debian", "12", &[&cve, &advisory]);
    assert_eq!(
        kept,
        ["bash CVE-2026-0001 5.2-1 High DSA-6001-1 2026-02-03"]
    );
    assert_eq!(left_out, "nothing");
}

#[test]
fn the_last_event_decides() {
    let table = [
        (r#"{"introduced":"0"}"#, "Undecided"),
        (r#"{"introduced":"0"},{"fixed":"2"}"#, "2"),
        (r#"{"introduced":"0"},{"fixed":"0"}"#, "NotAffected"),
        (
            r#"{"introduced":"0"},{"fixed":"2"},{"introduced":"3"}"#,
            "Undecided",
        ),
        (
            r#"{"introduced":"0"},{"fixed":"2"},{"introduced":"3"},{"fixed":"4"}"#,
            "4",
        ),
        (r#"{"introduced":"0"},{"last_affected":"2"}"#, "Undecided"),
    ];
    for (events, expected) in table {
        let range = format!(r#""ranges":[{{"type":"ECOSYSTEM","events":[{events}]}}]"#);
        let (kept, left_out) = debian(&bash(&range));
        assert_eq!(
            kept,
            [format!("bash CVE-2026-0001 {expected} ")],
            "{left_out}"
        );
    }
    let git = bash(
        r#""ranges":[{"type":"GIT","events":[{"fixed":"abc"}]}],"ecosystem_specific":{"urgency":"end-of-life"}"#,
    );
    assert_eq!(debian(&git).0, ["bash CVE-2026-0001 EndOfLife "]);
}

#[test]
fn what_is_odd_is_counted_by_its_reason() {
    let table = [
        (String::from(r#""affected":[]"#), "1 elsewhere"),
        (String::from(r#""affected":null"#), "1 elsewhere"),
        (String::from(r#""affected":{}"#), "1 malformed"),
        (String::from(r#""affected":[{}]"#), "1 malformed"),
        (
            String::from(r#""withdrawn":"2026-01-01T00:00:00Z""#),
            "1 withdrawn",
        ),
        (bash(r#""ranges":5"#), "1 malformed"),
        (
            bash(r#""ranges":[{"type":"ECOSYSTEM","events":[{"fixed":"1 2"}]}]"#),
            "1 bad-version",
        ),
        (bash("\"x\":0").replace("bash", "-o"), "1 bad-name"),
        (bash("\"x\":0").replace(":12", ":11"), "1 elsewhere"),
    ];
    for (fields, expected) in table {
        let (kept, left_out) = debian(&fields);
        assert_eq!((kept.len(), left_out.as_str()), (0, expected), "{fields}");
    }
    let affected = bash("\"x\":0");
    for (id, expected) in [
        ("GHSA-xxxx-yyyy", "1 no-cve"),
        ("DSA-5001-1", "1 no-cve"),
        ("LSN-0108-1", "1 elsewhere"),
    ] {
        let record = format!(r#"{{"id":"{id}",{affected}}}"#);
        assert_eq!(read("debian", "12", &[&record]).1, expected, "{id}");
    }
    let alias = format!(r#"{{"id":"GHSA-1","aliases":["CVE-2026-0009"],{affected}}}"#);
    let (kept, _) = read("debian", "12", &[&alias]);
    assert_eq!(kept, ["bash CVE-2026-0009 Undecided GHSA-1"]);
}

#[test]
fn another_distribution_is_refused_with_a_sentence() {
    let request = Request {
        protocol: PROTOCOL,
        format: Format::Osv,
        distribution: "plan9".to_owned(),
        version: "4".to_owned(),
        codename: String::new(),
        channels: vec![],
        architectures: vec![],
    };
    assert!(matches!(
        Ecosystem::of(&request),
        Err(Unreadable::Request(_))
    ));
}
