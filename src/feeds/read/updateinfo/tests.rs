//! Real files of each vendor, and what becomes of odd ones.

use super::*;
use crate::feeds::{Format, PROTOCOL};
use crate::model::Status;

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../tests/fixtures/feeds/updateinfo/",
            $name
        ))
    };
}

fn read(text: &str, architectures: &[&str]) -> Result<(Vec<String>, String), Unreadable> {
    let request = Request {
        protocol: PROTOCOL,
        format: Format::Updateinfo,
        distribution: "almalinux".to_owned(),
        version: "9".to_owned(),
        codename: String::new(),
        channels: vec![],
        architectures: architectures.iter().map(|it| (*it).to_owned()).collect(),
    };
    let mut tally = Tally::default();
    let read = super::read(text.as_bytes(), &request, &mut tally)?;
    let sorted = read.sorted(&mut tally)?;
    let shown = sorted.iter().map(|it| {
        let Status::Fixed { version } = it.word.status else {
            panic!("always fixed");
        };
        let severity = it.word.severity.map(|it| format!("{it:?}"));
        let published = it.word.published.map(|it| it.to_string());
        let more = [severity, it.word.channel, it.word.label, published];
        let more: Vec<String> = more.into_iter().flatten().collect();
        format!("{} {} {version} {}", it.package, it.cve, more.join(" "))
    });
    Ok((shown.collect(), tally.words()))
}

/// One update with these elements.
fn update(elements: &str) -> (Vec<String>, String) {
    let text = format!("<updates><update status='final'>{elements}</update></updates>");
    read(&text, &["x86_64", "noarch"]).expect("sound")
}

#[test]
fn each_vendors_updates_are_read() {
    let table = [
        (
            file!("alma-baseos.xml"),
            "xz CVE-2022-1271 5.2.5-8.el9_0 High ALSA-2022:4940 2022-06-08",
        ),
        (
            file!("alma-appstream.xml"),
            "nodejs CVE-2023-44487 1:18.18.2-1.el9 Medium ALSA-2023:7549 2023-11-28",
        ),
        (
            file!("rocky-baseos.xml"),
            "xz CVE-2022-1271 5.2.5-8.el9_0 High RLSA-2022:7513 2022-11-08",
        ),
        (
            file!("rocky-appstream.xml"),
            "mariadb CVE-2022-47015 3:10.5.16-2.module+el9.1.0+13358+56c3b6a3 Medium RLSA-2023:3820 2023-06-27",
        ),
        (
            file!("amazon-1.xml"),
            "httpd-devel CVE-2011-3192 2.2.21-1.18.amzn1 Medium ALAS-2011-1 2011-09-27",
        ),
        (
            file!("amazon-2023-livepatch.xml"),
            "kernel-livepatch-6.1.12-19.43 CVE-2023-26545 1.0-1.amzn2023 High ALAS2023LIVEPATCH-2023-001 2023-04-13",
        ),
    ];
    for (text, first) in table {
        let (kept, _) = read(text, &[]).expect("sound");
        assert_eq!(kept.first().map(String::as_str), Some(first));
    }
    for text in [
        file!("amazon-2.xml"),
        file!("amazon-2022.xml"),
        file!("amazon-2023.xml"),
    ] {
        let (all, _) = read(text, &[]).expect("sound");
        let (ours, _) = read(text, &["x86_64", "noarch"]).expect("sound");
        assert!(!all.is_empty() && ours.len() <= all.len());
    }
}

#[test]
fn a_bug_fix_without_a_vulnerability_is_counted() {
    let (kept, left_out) = read(file!("alma-baseos.xml"), &[]).expect("sound");
    assert_eq!((kept.len(), left_out.as_str()), (1, "1 no-cve"));
}

#[test]
fn a_module_is_the_channel_of_its_packages() {
    let package = |name: &str, epoch: &str| {
        format!("<package name='{name}' version='1' release='2.el8' {epoch} arch='x86_64'/>")
    };
    let (kept, left_out) = update(&format!(
        "<id>A-1</id><severity>important</severity><references><reference id='CVE-2026-0001' type='cve'/></references>
        <pkglist><collection><name>m</name><module name='nodejs' stream='18' version='8' context='c' arch='x86_64'/>{}</collection>
        <collection>{}{}</collection></pkglist>",
        package("npm", "epoch=''"),
        package("bash", ""),
        package("zsh", "epoch='2'"),
    ));
    assert_eq!(
        kept,
        [
            "bash CVE-2026-0001 1-2.el8 High A-1",
            "npm CVE-2026-0001 1-2.el8 High nodejs:18 A-1",
            "zsh CVE-2026-0001 2:1-2.el8 High A-1",
        ]
    );
    assert_eq!(left_out, "nothing");
}

#[test]
fn what_is_odd_is_counted_by_its_reason() {
    let cve = "<references><reference href='x' title='cve-2026-0001 '/></references>";
    let listed =
        |package: &str| format!("{cve}<pkglist><collection>{package}</collection></pkglist>");
    let table = [
        (cve.to_owned(), "1 malformed"),
        (
            listed("<package name='aa' version='1' release='1' arch='src'/>"),
            "1 elsewhere",
        ),
        (
            listed("<package name='aa' version='1' release='1' arch='s390x'/>"),
            "1 elsewhere",
        ),
        (
            listed("<package name='aa' version='1' arch='noarch'/>"),
            "1 bad-version",
        ),
        (
            listed("<package name='-o' version='1' release='1' arch='noarch'/>"),
            "1 bad-name",
        ),
        (
            listed("<package name='&lt;' version='&x;' release='1' arch='noarch'/>"),
            "1 bad-version",
        ),
        ("<references/><pkglist/>".to_owned(), "1 no-cve"),
    ];
    for (elements, expected) in table {
        let (kept, left_out) = update(&elements);
        assert_eq!((kept.len(), left_out.as_str()), (0, expected), "{elements}");
    }
    let back = "<updates><update status='Retracted'/></updates>";
    assert_eq!(read(back, &[]).expect("sound").1, "1 withdrawn");
    assert_eq!(read("<updates/>", &[]).expect("sound").0, [] as [&str; 0]);
}

#[test]
fn what_is_no_updateinfo_is_refused() {
    let deep = format!("<updates>{}", "<a>".repeat(100_000));
    let long = format!("<updates><update><id>{}", "x".repeat(3 << 20));
    let table = [
        ("", "is cut short"),
        (
            "<html><body>404</body></html>",
            "its root element is <html>",
        ),
        ("<updates><update>", "is cut short"),
        ("<updates></update>", "is damaged"),
        ("{}", "is cut short"),
        (deep.as_str(), "too deep"),
        (long.as_str(), "more than 1 MiB"),
    ];
    for (text, words) in table {
        let fault = read(text, &[]).expect_err("refused").to_string();
        assert!(fault.contains(words), "{text:.30}: {fault}");
    }
}
