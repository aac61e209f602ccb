//! We find what debsecan finds, by the same records on the same machine, but for
//! what is counted here. `PATCHD_FEEDS` names at build time a folder with a whole
//! machine (`debian12-dpkg-status-min.gz`) and its records to be compared as well.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;

use patchd::model::{
    Advised, CveId, CveVerdict, FixPlan, PackageName, Provenance, RunningKernel, Severity, Status,
    Version, Word,
};
use patchd::os::command::{Command, Runner, System};
use patchd::package_manager::apt::inventory::inventory;
use patchd::package_manager::apt::parse::dpkg_status;
use patchd::vulnerability::{Advice, Feed, FeedState, Machine, judge};
use serde_json::Value;

const DEBSECAN: &str = "/usr/bin/debsecan";

/// Not the distribution's own.
const THIRD_PARTY: [&str; 1] = ["nginx"];

/// Built again here. debsecan's server lists versions with a fix one by one, so a
/// version that it does not know has none.
const REBUILT: [&str; 1] = ["zip"];

/// Pairs of a vulnerability and a package.
type Findings = BTreeSet<(String, String)>;

/// A record of the tracker, as far as both sides know it.
struct Record<'a> {
    source: &'a str,
    id: &'a str,
    status: &'a str,
    fixed: Option<&'a str>,
    urgency: &'a str,
    reason: Option<&'a str>,
}

/// Both sides' findings that the other one has not.
struct Difference {
    alike: usize,
    ours: Findings,
    theirs: Findings,
}

fn records(tracker: &Value) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    for (source, ids) in tracker.as_object().expect("sources") {
        for (id, record) in ids.as_object().expect("ids") {
            let release = record.pointer("/releases/bookworm").expect("a release");
            let text = |key: &str| release.get(key).and_then(Value::as_str);
            records.push(Record {
                source,
                id,
                status: text("status").expect("a status"),
                fixed: text("fixed_version"),
                urgency: text("urgency").unwrap_or_default(),
                reason: text("nodsa_reason"),
            });
        }
    }
    records
}

/// What our reader of the tracker makes of them.
fn advice(records: &[Record<'_>]) -> Advice {
    let mut advice: BTreeMap<PackageName, BTreeMap<String, Advised>> = BTreeMap::new();
    for record in records {
        let open = |plan| Status::Open { plan };
        let status = match (record.status, record.fixed, record.urgency, record.reason) {
            ("resolved", Some("0"), ..) => Status::NotAffected,
            ("resolved", Some(version), ..) => Status::Fixed {
                version: Version::try_from(version.to_owned()).expect("a version"),
            },
            ("undetermined", ..) => Status::Undetermined,
            (_, _, "end-of-life", _) => open(FixPlan::EndOfLife),
            (.., Some("ignored")) => open(FixPlan::Ignored),
            (.., Some("postponed")) => open(FixPlan::Postponed),
            (.., Some(_)) => open(FixPlan::Minor),
            (.., None) => open(FixPlan::Undecided),
        };
        let severity = (record.urgency == "unimportant").then_some(Severity::None);
        let word = Word {
            status,
            severity,
            channel: None,
            label: None,
            published: None,
        };
        let source = PackageName::try_from(record.source.to_owned()).expect("a name");
        let groups = advice.entry(source).or_default();
        let group = groups.entry(format!("{word:?}")).or_insert(Advised {
            word,
            cves: Vec::new(),
        });
        let id = CveId::try_from(record.id.to_owned()).expect("an id");
        group.cves.push(id);
    }
    let groups = |(source, groups): (_, BTreeMap<_, Advised>)| {
        let groups = groups.into_values().map(|mut group| {
            group.cves.sort_unstable();
            group
        });
        (source, groups.collect())
    };
    advice.into_iter().map(groups).collect()
}

fn ours(status: &str, records: &[Record<'_>]) -> Findings {
    let status = dpkg_status::parse(status).expect("dpkg's");
    let mut installed = inventory(&status, &BTreeMap::new());
    for package in &mut installed {
        package.provenance = if THIRD_PARTY.contains(&package.id.name.as_str()) {
            Provenance::ThirdParty
        } else {
            Provenance::Distribution
        };
    }
    let kernel = RunningKernel {
        release: "6.1.0-50-amd64".to_owned(),
        version: None,
        newest: Some("6.1.0-56-amd64".to_owned()),
        owned: true,
    };
    let machine = Machine {
        installed: &installed,
        kernel: &kernel,
        updates: &[],
    };
    let advice = advice(records);
    let feed = Feed {
        advice: &advice,
        state: FeedState::Current,
    };
    let judgement = judge(&machine, &feed);
    let mut findings = Findings::new();
    for judged in &judgement.judged {
        let open = |group: &&_| is_finding(group);
        for id in judged
            .groups
            .iter()
            .filter(open)
            .flat_map(|it| it.cves.iter())
        {
            let packages = judged.subject.packages.iter();
            findings.extend(packages.map(|it| (id.to_string(), it.id.name.to_string())));
        }
    }
    findings
}

/// debsecan has nothing about what is of no importance or no longer looked after.
fn is_finding(group: &patchd::vulnerability::Group<'_>) -> bool {
    group.verdict == CveVerdict::Affected && !group.is_hidden() && !group.is_end_of_life()
}

/// The records as debsecan's server would serve them.
fn served(records: &[Record<'_>]) -> Vec<u8> {
    let (mut bugs, mut entries) = (Vec::new(), Vec::new());
    for (index, record) in records.iter().enumerate() {
        bugs.push(format!("{},,\n", record.id));
        let fixed = record.fixed.unwrap_or_default();
        if fixed == "0" || ["unimportant", "end-of-life"].contains(&record.urgency) {
            continue;
        }
        let (fix, others) = if REBUILT.contains(&record.source) {
            ("", fixed)
        } else {
            (fixed, "")
        };
        entries.push(format!("{},{index},S ? ,{fix},{others}\n", record.source));
    }
    let text = format!("VERSION 1\n{}\n{}\n\n", bugs.concat(), entries.concat());
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).expect("packed");
    packed.finish().expect("packed")
}

async fn theirs(status: &str, records: &[Record<'_>]) -> Findings {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        patchd::os::files::replace(&path, content, 0o644).expect("written");
        path.display().to_string()
    };
    put("GENERIC", &served(records));
    let source = format!("file://{}/", folder.path().display());
    let status = put("status", status.as_bytes());
    let question = Command::new(DEBSECAN)
        .args(["--config", "/dev/null", "--format", "simple"])
        .args(["--source", &source, "--status", &status]);
    let output = System.ask(&question).await.expect("debsecan runs");
    assert_eq!(output.status, 0, "{}", output.last_words());
    let text = output.text();
    let pair = |line: &str| {
        let (id, package) = line.split_once(' ').expect("two words");
        (id.to_owned(), package.to_owned())
    };
    text.lines().map(pair).collect()
}

async fn compare(status: &str, tracker: &str) -> Difference {
    let tracker: Value = serde_json::from_str(tracker).expect("JSON");
    let records = records(&tracker);
    let (ours, theirs) = (ours(status, &records), theirs(status, &records).await);
    Difference {
        alike: ours.intersection(&theirs).count(),
        ours: ours.difference(&theirs).cloned().collect(),
        theirs: theirs.difference(&ours).cloned().collect(),
    }
}

/// Says so loudly: an oracle that is not there proves nothing.
fn is_absent() -> bool {
    let absent = !Path::new(DEBSECAN).exists();
    if absent {
        eprintln!("SKIPPED: {DEBSECAN} is not installed, so nothing was compared with it");
    }
    absent
}

#[tokio::test]
async fn we_find_what_debsecan_finds_but_for_what_is_counted() {
    if is_absent() {
        return;
    }
    let status = include_str!("fixtures/vulnerability/status");
    let tracker = include_str!("fixtures/vulnerability/tracker.json");
    let Difference {
        alike,
        ours,
        theirs,
    } = compare(status, tracker).await;
    let of = |package: &str| theirs.iter().filter(|(_, it)| it == package).count();
    let images = ours
        .iter()
        .filter(|(_, it)| it == "linux-image-6.1.0-50-amd64");
    let images = images.count();
    let undetermined = theirs
        .iter()
        .filter(|(id, _)| id == "CVE-2026-0001")
        .count();
    // debsecan does not see kernel images, knows packages by name alone, and takes
    // what is not determined for open.
    let counted = [images, of("nginx"), of("zip"), undetermined];
    assert_eq!(counted, [8, 1, 1, 1], "{ours:?} {theirs:?}");
    assert_eq!(ours.len(), images, "{ours:?}");
    assert_eq!(theirs.len(), 3, "{theirs:?}");
    assert_eq!(alike, 52);
}

#[tokio::test]
async fn on_a_whole_machine_all_findings_are_alike() {
    let Some(folder) = option_env!("PATCHD_FEEDS") else {
        return;
    };
    if is_absent() {
        return;
    }
    let read = |name: &str| {
        let file = std::fs::File::open(Path::new(folder).join(name)).expect("there");
        let mut text = String::new();
        flate2::read::GzDecoder::new(file)
            .read_to_string(&mut text)
            .expect("unpacked");
        text
    };
    let status = read("debian12-dpkg-status-min.gz");
    let tracker = read("DERIVED-debian-bookworm-from-changelogs-20261120.tracker.json.gz");
    let Difference {
        alike,
        ours,
        theirs,
    } = compare(&status, &tracker).await;
    println!(
        "{alike} findings alike, {} ours, {} theirs",
        ours.len(),
        theirs.len()
    );
    assert!(
        alike > 0 && ours.is_empty() && theirs.is_empty(),
        "{ours:?} {theirs:?}"
    );
}
