//! The process that reads feeds, as whoever keeps them meets it: real records of
//! every feed, and what would be its end if it were not bounded.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use patchd::feeds::{End, Line};

/// Peak memory of a reader of anything, KiB. The program alone has some 20,000
/// with its debug information.
const PEAK: u64 = 96 << 10;

fn fixtures(folder: &str) -> PathBuf {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/feeds");
    all.join(folder)
}

fn request(format: &str, distribution: &str, version: &str, codename: &str) -> String {
    format!(
        r#"{{"protocol":1,"format":"{format}","distribution":"{distribution}","version":"{version}","codename":"{codename}","channels":["esm-infra","esm-apps"]}}"#
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test drives the program from outside, as systemd would"
)]
fn start(input: impl Into<Stdio>, output: impl Into<Stdio>) -> Child {
    Command::new(env!("CARGO_BIN_EXE_patchd"))
        .arg("feed")
        .env_clear()
        .stdin(input)
        .stdout(output)
        .spawn()
        .expect("started")
}

/// All lines of the answer.
fn answer(request: &str, feed: &[u8]) -> Vec<Line> {
    let mut reader = start(Stdio::piped(), Stdio::piped());
    let mut input = reader.stdin.take().expect("piped");
    writeln!(input, "{request}").expect("heard");
    input.write_all(feed).expect("heard");
    drop(input);
    let mut text = String::new();
    let mut output = reader.stdout.take().expect("piped");
    output.read_to_string(&mut text).expect("text");
    assert!(reader.wait().expect("ended").success());
    lines(&text)
}

fn lines(text: &str) -> Vec<Line> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault}: {line}"));
    text.lines().map(line).collect()
}

/// Records and how they ended.
fn records(mut lines: Vec<Line>) -> (Vec<Line>, End) {
    match lines.pop() {
        Some(Line::End(end)) => {
            assert_eq!(lines.len() as u64, end.records);
            (lines, end)
        }
        other => panic!("{other:?}"),
    }
}

fn fault(lines: &[Line]) -> &str {
    match lines {
        [Line::Error(sentence)] => sentence,
        other => panic!("{:?}", other.last()),
    }
}

fn file(path: &str) -> Vec<u8> {
    std::fs::read(fixtures(path)).expect("there")
}

/// The files of a folder in a zip, under names that nobody should use as paths.
fn zipped(folder: &str) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for entry in std::fs::read_dir(fixtures(folder)).expect("there") {
        let path = entry.expect("readable").path();
        let name = format!(
            "../../{}",
            path.file_name().expect("named").to_string_lossy()
        );
        writer
            .start_file(name, zip::write::SimpleFileOptions::default())
            .expect("started");
        writer
            .write_all(&std::fs::read(path).expect("read"))
            .expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

#[test]
fn the_real_records_of_every_feed_are_read() {
    let table = [
        (
            "debian-tracker",
            "debian",
            "12",
            "bookworm",
            file("debian-tracker/from-changelogs.json"),
            151,
        ),
        (
            "debian-tracker",
            "debian",
            "12",
            "bookworm",
            file("debian-tracker/odd.json"),
            2,
        ),
        ("osv", "debian", "12", "", zipped("osv/debian"), 12),
        ("osv", "ubuntu", "18.04", "", zipped("osv/ubuntu"), 2),
        ("osv", "sles", "12", "", zipped("osv/suse"), 1),
        ("osv", "almalinux", "9.4", "", zipped("osv/almalinux"), 100),
        ("kev", "debian", "12", "", file("kev/catalogue.json"), 32),
        ("epss", "debian", "12", "", file("epss/2026.csv.gz"), 90),
        ("ssvc", "debian", "12", "", file("ssvc/lines.jsonl"), 75),
        ("ssvc", "debian", "12", "", zipped("ssvc/records"), 12),
        (
            "updateinfo",
            "amzn",
            "2023",
            "",
            file("updateinfo/amazon-2023.xml"),
            2,
        ),
    ];
    for (format, distribution, version, codename, feed, at_least) in table {
        let request = request(format, distribution, version, codename);
        let (records, end) = records(answer(&request, &feed));
        assert!(
            records.len() >= at_least,
            "{format} {distribution}: {end:?}"
        );
        assert_eq!(
            end.skipped.get(&patchd::feeds::Reason::Malformed),
            None,
            "{format}"
        );
        assert!(records.is_sorted_by_key(key), "{format} {distribution}");
    }
}

fn key(
    line: &Line,
) -> (
    Option<patchd::model::PackageName>,
    Option<patchd::model::CveId>,
) {
    match line {
        Line::Advisory(it) => (Some(it.package.clone()), Some(it.cve)),
        Line::Threat { cve, .. } => (None, Some(*cve)),
        Line::End(_) | Line::Error(_) => (None, None),
    }
}

#[test]
fn one_socket_is_input_and_output() {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let again = theirs.try_clone().expect("cloned");
    let mut reader = start(OwnedFd::from(theirs), OwnedFd::from(again));
    let mut input = &ours;
    writeln!(input, "{}", request("kev", "debian", "12", "")).expect("heard");
    input.write_all(&file("kev/catalogue.json")).expect("heard");
    ours.shutdown(std::net::Shutdown::Write).expect("shut");
    let mut text = String::new();
    (&ours).read_to_string(&mut text).expect("text");
    assert_eq!(records(lines(&text)).0.len(), 32);
    assert!(reader.wait().expect("ended").success());
}

#[test]
fn a_release_that_the_feed_does_not_have_is_a_fault() {
    let request = request("debian-tracker", "debian", "14", "forky");
    let answer = answer(&request, &file("debian-tracker/trimmed.json"));
    assert_eq!(
        fault(&answer),
        "the feed has no record of debian forky (left out: 3 elsewhere, 1 no-cve); look whether it is the right one"
    );
}

#[test]
fn a_container_that_is_broken_is_a_fault() {
    let packed = zipped("osv/debian");
    let cut = packed.get(..packed.len() / 2).expect("shorter");
    let table: [(&str, &[u8], &str); 5] = [
        ("osv", cut, "cut short"),
        (
            "updateinfo",
            &file("updateinfo/odd-corruptcrc.xml.gz"),
            "is damaged",
        ),
        ("kev", b"<html>Access denied</html>", "is damaged"),
        ("epss", b"<html>Access denied</html>", "has no record"),
        ("osv", b"<html>Access denied</html>", "has no record"),
    ];
    for (format, feed, words) in table {
        let answer = answer(&request(format, "debian", "12", "bookworm"), feed);
        assert!(fault(&answer).contains(words), "{format}: {answer:?}");
    }
}

/// What is sent on and on until a gigabyte has gone: the answer comes long before,
/// and memory stays where it is.
#[test]
fn a_gigabyte_of_one_thing_is_refused_in_little_memory() {
    let table = [
        ("debian-tracker", "{\"", "a"),
        (
            "debian-tracker",
            "{\"bash\":{\"CVE-2026-0001\":{\"description\":\"",
            "a",
        ),
        ("debian-tracker", "{\"bash\":{\"CVE-2026-0001\":", "["),
        ("debian-tracker", "{\"bash\":", "["),
        ("kev", "{\"vulnerabilities\":[", "0,"),
        ("kev", "{\"vulnerabilities\":[\"", "a"),
        ("osv", "{\"id\":\"", "a"),
        ("osv", "{\"affected\":[", "{},"),
        ("epss", "cve,epss\n", "a"),
        ("ssvc", "{\"containers\":{\"adp\":[", "{},"),
        ("updateinfo", "<updates>", "<a>"),
        ("updateinfo", "<updates><update id='", "a"),
        ("updateinfo", "<updates><!--", "<"),
    ];
    for (format, head, body) in table {
        let (sentence, peak) = flooded(&request(format, "debian", "12", "bookworm"), head, body);
        assert!(
            !sentence.is_empty() && peak < PEAK,
            "{head}{body}…: {peak} KiB, {sentence}"
        );
    }
}

/// The sentence about a gigabyte, and the reader's peak by then, KiB.
fn flooded(request: &str, head: &str, body: &str) -> (String, u64) {
    let mut reader = start(Stdio::piped(), Stdio::piped());
    let mut input = reader.stdin.take().expect("piped");
    write!(input, "{request}\n{head}").expect("heard");
    let much = body.repeat((1 << 20) / body.len());
    for _ in 0..1024 {
        input.write_all(much.as_bytes()).expect("heard to the end");
    }
    let mut line = String::new();
    let mut output = BufReader::new(reader.stdout.take().expect("piped"));
    output.read_line(&mut line).expect("text");
    let status = std::fs::read_to_string(format!("/proc/{}/status", reader.id()));
    let status = status.expect("it waits for our end");
    let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|it| it.trim().strip_suffix(" kB")?.parse().ok());
    drop(input);
    assert!(reader.wait().expect("ended").success());
    (fault(&lines(&line)).to_owned(), peak.expect("a number"))
}

/// Whole feeds, where somebody has put them.
#[test]
fn whole_feeds_are_read_where_there_are_some() {
    let Some(folder) = option_env!("PATCHD_FEEDS").map(Path::new) else {
        return;
    };
    let read = |name: &str| std::fs::read(folder.join(name)).expect("there");
    let table = [
        (
            "debian-tracker",
            "bookworm",
            "DERIVED-debian-bookworm-from-changelogs-20261120.tracker.json.gz",
            6046,
        ),
        (
            "osv",
            "",
            "DERIVED-debian12-osv-from-changelogs-20261120.zip",
            6036,
        ),
        ("kev", "", "cisa-kev-20260808.json.gz", 1662),
        (
            "epss",
            "",
            "epss_scores-2026-08-16-reassembled.csv.gz",
            360_142,
        ),
        (
            "ssvc",
            "",
            "vulnrichment-ssvc-extract-20241024.jsonl.gz",
            44_026,
        ),
        ("ssvc", "", "vulnrichment-kev-subset-20241024.zip", 263),
    ];
    for (format, codename, name, expected) in table {
        let request = request(format, "debian", "12", codename);
        let (records, end) = records(answer(&request, &read(name)));
        assert_eq!(records.len(), expected, "{name}: {end:?}");
    }
}
