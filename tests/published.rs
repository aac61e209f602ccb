//! What others read of ours is read here by what they read it with: the report by
//! a browser, the alert rules by Prometheus. Without them installed (Debian's
//! `chromium-headless-shell` or `chromium`, and `prometheus`) it says so.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::{Timestamp, ToSpan};
use patchd::compliance::{Day, Facts, Open, Page, Report, html};
use patchd::model::{Anchor, CveId, Decision, Exception, PackageId, Tier, Version};

/// The first of these programs that is installed.
fn installed(names: &[&str]) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/usr/lib/chromium", "/usr/local/bin"];
    let mut paths = names
        .iter()
        .flat_map(|name| folders.map(|folder| Path::new(folder).join(name)));
    let found = paths.find(|path| path.exists());
    if found.is_none() {
        eprintln!("NOT TESTED: none of {names:?} is installed");
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "a test asks other programs")]
fn ask(program: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|cause| panic!("{}: {cause}", program.display()))
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn facts(name: &str, decision: Option<Decision>) -> Facts {
    Facts {
        package: PackageId::parse(name, "amd64").expect("valid"),
        installed: Version::try_from("3.0.15-1~deb12u1".to_owned()).expect("valid"),
        decision,
        security: true,
        failed: false,
        selected: true,
        kept_away: false,
        reboot_owed: false,
        stale_units: Vec::new(),
        known: true,
        open: Vec::new(),
    }
}

fn open(number: u32, tier: Tier, due: Timestamp) -> Open {
    Open {
        cve: CveId::try_from(format!("CVE-2026-{number:04}")).expect("valid"),
        tier,
        due: Some(due),
    }
}

/// A machine on which something of everything is the matter.
fn page() -> Page {
    let now: Timestamp = "2026-11-22T06:00:00Z".parse().expect("a time");
    let due = |days: i64| now + (24 * days).hours();
    let mut all: Vec<Facts> = (0..396)
        .map(|number| facts(&format!("library{number}"), None))
        .collect();
    let mut openssl = facts("openssl", Some(Decision::Install));
    openssl.open = vec![open(1234, Tier::P0, due(-2)), open(1301, Tier::P2, due(12))];
    let mut kernel = facts("linux-image-6.1.0-56-amd64", None);
    kernel.reboot_owed = true;
    kernel.open = (2000..2014).map(|it| open(it, Tier::P3, due(40))).collect();
    let mut curl = facts("curl", Some(Decision::Held));
    curl.open = vec![open(77, Tier::P1, due(-1))];
    let mut nginx = facts("nginx", None);
    nginx.stale_units = vec!["nginx.service".to_owned(), "<b>&co</b>.service".to_owned()];
    let mut failed = facts("postgresql-15", Some(Decision::Install));
    failed.failed = true;
    let mut node = facts("nodejs", None);
    node.known = false;
    all.extend([openssl, kernel, curl, nginx, failed, node]);
    let exception = Exception {
        cve: CveId::try_from("CVE-2026-0077".to_owned()).expect("valid"),
        reason: "the module is not loaded here".to_owned(),
        owner: "platform team".to_owned(),
        until: "2027-03-01".parse().expect("a day"),
    };
    let first: jiff::civil::Date = "2026-10-24".parse().expect("a day");
    let exposure = (0..30_u32).map(|day| Day {
        day: first + i64::from(day).days(),
        open: [
            u32::from((9..13).contains(&day)) * 2 + u32::from(day > 27),
            (day % 9) / 2,
            8 + (day * 7) % 11,
            26 - (day * 5) % 17,
            31 + (day * 3) % 13,
        ],
    });
    Page {
        report: Report::new("web1.example.org", "default", &all, &[exception], now),
        exposure: exposure.collect(),
        open: [
            [1, 0, 0, 0],
            [1, 0, 0, 0],
            [9, 4, 0, 0],
            [14, 6, 3, 1],
            [10, 12, 8, 4],
        ],
        days_to_patch: (0..140_u32).map(|it| (it * it / 90) % 40).collect(),
        evidence: Some(Anchor {
            sequence: 1187,
            hash: "5f0c".repeat(16),
        }),
    }
}

fn written() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    patchd::os::files::replace(&path, html(&page()).as_bytes(), 0o644).expect("written");
    path
}

/// The levels of the headings, in order.
fn headings(html: &str) -> Vec<u32> {
    let starts = html.match_indices("<h").map(|(at, _)| &html[at + 2..]);
    let levels = starts.filter_map(|rest| {
        let level = rest.chars().next()?.to_digit(10)?;
        rest[1..].starts_with(['>', ' ']).then_some(level)
    });
    levels.collect()
}

#[test]
fn the_report_needs_nothing_and_reaches_for_nothing() {
    let html = html(&page());
    for foreign in [
        "http://", "https://", "//", "src=", "url(", "@import", "<script", "<b>",
    ] {
        assert!(!html.replace("</", "<").contains(foreign), "{foreign}");
    }
    assert!(html.contains("default-src 'none'"));
    assert!(html.contains("&lt;b&gt;&amp;co&lt;/b&gt;.service"));
}

#[test]
fn the_report_has_an_outline_that_can_be_read_aloud() {
    let Some(browser) = installed(&["chromium-headless-shell", "chromium"]) else {
        return;
    };
    let path = written();
    let picture = path.with_extension("png");
    let (address, shot) = (
        format!("file://{}", path.display()),
        format!("--screenshot={}", picture.display()),
    );
    let common = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1200,2300",
    ];
    let dump = ask(&browser, &[&common[..], &["--dump-dom", &address]].concat());
    let html = String::from_utf8_lossy(&dump.stdout).into_owned();
    let levels = headings(&html);
    assert_eq!(
        levels.iter().filter(|level| **level == 1).count(),
        1,
        "{levels:?}"
    );
    assert!(
        levels.windows(2).all(|pair| pair[1] <= pair[0] + 1),
        "{levels:?}"
    );
    assert_eq!(html.matches("<svg").count(), 3);
    for needed in ["<title id=", "<desc id=", "aria-labelledby="] {
        assert!(html.matches(needed).count() >= 3, "{needed}");
    }
    for landmark in ["<header", "<main", "<footer", "lang=\"en\""] {
        assert_eq!(html.matches(landmark).count(), 1, "{landmark}");
    }
    assert_eq!(
        html.matches("<th>").count(),
        0,
        "each header of a table has a scope"
    );
    ask(&browser, &[&common[..], &[&shot, &address]].concat());
    assert!(picture.metadata().expect("a picture").len() > 20_000);
}

#[test]
fn the_alert_rules_are_rules() {
    let Some(promtool) = installed(&["promtool"]) else {
        return;
    };
    let rules = repository("docs/alerts.yml");
    let output = ask(&promtool, &["check", "rules", &rules.display().to_string()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Every metric of the design that is named in rules and dashboard has that name.
#[test]
fn rules_and_dashboard_name_metrics_that_there_are() {
    let known = [
        "patchd_info",
        "patchd_run_last_success_timestamp_seconds",
        "patchd_run_last_start_timestamp_seconds",
        "patchd_run_outcome_total",
        "patchd_skips_total",
        "patchd_updates_pending",
        "patchd_cves",
        "patchd_overdue",
        "patchd_reboot_owed_since_seconds",
        "patchd_repository_age_seconds",
        "patchd_feed_age_seconds",
    ];
    for file in ["docs/alerts.yml", "docs/grafana-dashboard.json"] {
        let text = std::fs::read_to_string(repository(file)).expect("there");
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.starts_with("patchd_")) {
            assert!(known.contains(&word), "{file}: {word}");
        }
    }
    let dashboard = std::fs::read_to_string(repository("docs/grafana-dashboard.json"));
    let dashboard: serde_json::Value =
        serde_json::from_str(&dashboard.expect("there")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    assert!(panels.iter().all(|panel| panel["description"].is_string()));
}
