//! Built from records as they are kept, then asked, damaged, and timed.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Index, IndexError, build};
use crate::feeds::line::Format;
use crate::feeds::shelf::Shelf;
use crate::feeds::state::{Content, State};
use crate::model::{CveId, Distribution, FixPlan, PackageName, Severity, Status, Threat};
use crate::os::files;

fn debian(version: &str) -> Distribution {
    Distribution {
        id: "debian".to_owned(),
        version: Some(version.to_owned()),
        codename: None,
    }
}

fn name(text: &str) -> PackageName {
    PackageName::try_from(text.to_owned()).expect("valid")
}

fn cve(number: u32) -> CveId {
    CveId::try_from(format!("CVE-2026-{number:04}")).expect("valid")
}

fn advisory(package: &str, number: u32, word: Value) -> Value {
    let mut record = word;
    record["package"] = json!(package);
    record["cve"] = json!(cve(number).to_string());
    json!({ "advisory": record })
}

fn fixed(version: &str) -> Value {
    json!({"status": {"is": "fixed", "version": version}, "severity": "high"})
}

/// A folder with a shelf, and a place for an index in it.
struct Place {
    folder: tempfile::TempDir,
    shelf: Shelf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::new(folder.path());
        Self { folder, shelf }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("index.db")
    }

    fn keep(&self, format: Format, records: &[Value]) {
        let draft = self.shelf.draft(format).expect("a draft");
        let mut file = draft.writer().expect("open");
        for record in records {
            writeln!(file, "{record}").expect("written");
        }
        draft.keep().expect("kept");
        let content = Content {
            url: None,
            release: format.is_of_release().then(|| debian("12")),
            etag: None,
            last_modified: None,
            taken_at: Timestamp::UNIX_EPOCH,
            current_at: Timestamp::UNIX_EPOCH,
            records: records.len() as u64,
            skipped: [].into(),
        };
        let state = State {
            content: Some(content),
            ..State::default()
        };
        self.shelf.set_state(format, &state).expect("kept");
    }

    fn build(&self) {
        build(
            &self.shelf,
            &debian("12"),
            Timestamp::UNIX_EPOCH,
            &self.path(),
        )
        .expect("built");
    }

    fn open(&self) -> Result<Index, IndexError> {
        Index::open(&self.path(), &debian("12"))
    }
}

fn small() -> Place {
    let place = Place::new();
    place.keep(
        Format::DebianTracker,
        &[
            advisory("linux", 1, fixed("6.1.1-1")),
            advisory("linux", 2, json!({"status": {"is": "open", "plan": "minor"}})),
            advisory("linux", 3, fixed("6.1.1-1")),
            advisory("openssl", 3, json!({"status": {"is": "not-affected"}, "label": "DSA-1-1", "published": "2026-01-02", "channel": "esm-infra"})),
        ],
    );
    place.keep(
        Format::Kev,
        &[
            json!({"threat": {"cve": "CVE-2026-0002", "exploited": {"added": "2026-01-01", "due": "2026-01-04", "ransomware": true}}}),
            json!({"threat": {"cve": "CVE-2026-0009", "exploited": {"added": "2026-01-01", "due": "2026-01-04", "ransomware": false}}}),
        ],
    );
    place.keep(
        Format::Epss,
        &[2, 3, 4, 9].map(|it| json!({"threat": {"cve": cve(it).to_string(), "epss": it}})),
    );
    place.build();
    place
}

#[test]
fn vulnerabilities_of_which_the_same_is_said_are_one() {
    let index = small().open().expect("open");
    let advised = index.advised(&name("linux")).expect("asked");
    assert_eq!(advised.len(), 2);
    assert_eq!(advised[0].cves, [cve(1), cve(3)]);
    assert_eq!(advised[0].word.severity, Some(Severity::High));
    let open = Status::Open {
        plan: FixPlan::Minor,
    };
    assert_eq!(
        (&advised[1].word.status, &advised[1].cves[..]),
        (&open, &[cve(2)][..])
    );
    let ssl = &index.advised(&name("openssl")).expect("asked")[0].word;
    assert_eq!(ssl.label.as_deref(), Some("DSA-1-1"));
    assert_eq!(ssl.channel.as_deref(), Some("esm-infra"));
    assert_eq!(
        ssl.published.map(|it| it.to_string()).as_deref(),
        Some("2026-01-02")
    );
    assert!(index.knows(&name("linux")).expect("asked"));
    assert!(!index.knows(&name("nginx")).expect("asked"));
    assert_eq!(index.advised(&name("nginx")).expect("asked"), []);
}

#[test]
fn threats_are_those_of_the_release_and_those_that_are_exploited() {
    let index = small().open().expect("open");
    let threat = |number| index.threat(cve(number)).expect("asked");
    assert_eq!(threat(2).epss, Some(2));
    assert!(threat(2).exploited.is_some_and(|it| it.ransomware));
    assert_eq!(threat(3).epss, Some(3));
    assert_eq!(threat(4), Threat::default(), "nobody here has it");
    assert_eq!(threat(9).epss, Some(9));
    let many = index.threats([2, 3, 4].map(cve)).expect("asked");
    assert_eq!(many.into_keys().collect::<Vec<_>>(), [2, 3].map(cve));
    assert_eq!(index.header().feeds["epss"], 4);
}

#[test]
fn a_vulnerability_is_found_in_every_package() {
    let index = small().open().expect("open");
    let about = index.about(cve(3)).expect("asked");
    let names: Vec<&str> = about.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["linux", "openssl"]);
    assert!(about.iter().all(|(_, it)| it.cves == [cve(3)]));
    assert!(index.about(cve(8)).expect("asked").is_empty());
}

#[test]
fn an_index_that_is_not_for_us_is_refused_with_a_sentence() {
    let place = small();
    let refused = |place: &Place| place.open().expect_err("refused").to_string();
    assert!(refused(&Place::new()).contains("no vulnerability index yet"));
    let other = Index::open(&place.path(), &debian("13"))
        .expect_err("refused")
        .to_string();
    assert!(
        other.contains("is about debian 12, and this is debian 13"),
        "{other}"
    );
    let database = Connection::open(place.path()).expect("open");
    let change = |sql: &str| database.execute_batch(sql).expect("changed");
    change("UPDATE header SET format = 9");
    assert!(refused(&place).contains("format 9"), "{}", refused(&place));
    change("UPDATE header SET format = 1, feeds = '['");
    assert!(refused(&place).contains("damaged"));
    change("DROP TABLE header");
    assert!(refused(&place).contains("damaged"));
}

#[test]
fn rows_that_nobody_wrote_are_damage() {
    let place = small();
    let database = Connection::open(place.path()).expect("open");
    let index = place.open().expect("open");
    for sql in [
        "UPDATE advised SET cves = x'0102'",
        "UPDATE advised SET cves = x'', status = 77",
        "UPDATE advised SET status = 1, version = 'no version'",
        "UPDATE advised SET status = 0, severity = 9",
        "UPDATE advised SET severity = NULL, published = 'soon'",
        "UPDATE threat SET body = '7'",
        "DROP TABLE advised",
    ] {
        database.execute_batch(sql).expect("changed");
        let asked = index.advised(&name("linux")).map(drop);
        let threat = index.threat(cve(2)).map(drop);
        let faults = [asked, threat].map(Result::err);
        let told = faults
            .iter()
            .flatten()
            .all(|it| it.to_string().contains("is damaged"));
        assert!(told && faults.iter().any(Option::is_some), "{sql}");
        let _either_way = index.about(cve(2));
    }
}

#[test]
fn whoever_was_killed_while_building_has_changed_nothing() {
    let place = small();
    files::replace(&place.path().with_extension("db.new"), b"half of it", 0o600).expect("written");
    assert_eq!(
        place
            .open()
            .expect("open")
            .advised(&name("linux"))
            .expect("asked")
            .len(),
        2
    );
    place.build();
    assert!(!place.path().with_extension("db.new").exists());
    place.open().expect("open");
}

#[test]
fn records_of_another_release_are_not_built_in() {
    let place = small();
    let path = place.path();
    build(&place.shelf, &debian("13"), Timestamp::UNIX_EPOCH, &path).expect("built");
    let index = Index::open(&path, &debian("13")).expect("open");
    assert!(!index.knows(&name("linux")).expect("asked"));
    assert!(index.threat(cve(9)).expect("asked").exploited.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_damage_is_a_reason_to_stop(at in any::<prop::sample::Index>(), with: [u8; 8], keep in 0_usize..40) {
        let place = small();
        let mut bytes = std::fs::read(place.path()).expect("there");
        let at = at.index(bytes.len() - 8);
        bytes[at..at + 8].copy_from_slice(&with);
        bytes.truncate(bytes.len() - bytes.len() * keep / 40 / 2);
        files::replace(&place.path(), &bytes, 0o600).expect("written");
        if let Ok(index) = place.open() {
            let _any = index.advised(&name("linux"));
            let _any = index.knows(&name("linux"));
            let _any = index.threat(cve(2));
            let _any = index.about(cve(3));
        }
    }
}

/// Of this thread: a machine that is busy with others is not slower by that.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("positive")
}

/// The size of a whole release. Bounds are those of a build without optimisation.
#[test]
fn a_whole_release_is_asked_in_no_time() {
    let place = Place::new();
    let mut records = Vec::new();
    for source in 0..3_200 {
        // Like the kernel's, some have hundreds.
        let count = if source % 400 == 0 { 1_500 } else { 15 };
        for number in 0..count {
            let version = format!("{}.{}-1", number % 12, source);
            records.push(advisory(
                &format!("source{source:04}"),
                number,
                fixed(&version),
            ));
        }
    }
    assert!(records.len() > 59_000, "{}", records.len());
    place.keep(Format::DebianTracker, &records);
    place.build();
    let begun = processor_time();
    let index = place.open().expect("open");
    let mut found = 0;
    for source in (0..3_200).step_by(4) {
        let advised = index
            .advised(&name(&format!("source{source:04}")))
            .expect("asked");
        found += advised.iter().map(|it| it.cves.len()).sum::<usize>();
    }
    let took = processor_time().saturating_sub(begun);
    assert!(found > 20_000, "{found}");
    println!("800 of 3,200 sources, {found} records: {took:?}");
    assert!(took < Duration::from_millis(300), "{took:?}");
}
