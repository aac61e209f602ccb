//! The page from top to bottom.

use std::fmt::Write;

use jiff::Timestamp;

use super::text::{counted, escaped};
use super::{Page, chart};
use crate::compliance::state::{Item, Report, State};
use crate::model::{Anchor, CveId};

const STYLE: &str = include_str!("style.css");

/// So many packages are listed; the other formats have all of them.
const ROWS: usize = 400;

/// So many vulnerabilities are named for one package.
const NAMED: usize = 6;

/// The whole page.
#[must_use]
pub fn html(page: &Page) -> String {
    let report = &page.report;
    let host = escaped(&report.host);
    let sections = [
        format!(
            r#"<section aria-labelledby="h-exposure"><h2 id="h-exposure">Exposure over time</h2><p class="note">Open vulnerabilities at the end of each day, the most urgent tier at the bottom.</p>{}</section>"#,
            chart::exposure(&page.exposure)
        ),
        format!(
            r#"<div class="pair"><section aria-labelledby="h-open"><h2 id="h-open">Open by tier and age</h2><p class="note">The darker, the older.</p>{}</section><section aria-labelledby="h-patch"><h2 id="h-patch">Time to patch</h2><p class="note">{}</p>{}</section></div>"#,
            chart::open(&page.open),
            pace(&page.days_to_patch),
            chart::time_to_patch(&page.days_to_patch)
        ),
        packages(report),
        exceptions(report),
        evidence(page.evidence.as_ref()),
    ];
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Patch report of {host}</title>
<style>
{STYLE}</style>
</head>
<body>
<header>
<p class="over">Patch report, policy {policy}, {at}</p>
<h1>{host}</h1>
<p class="lead">{verdict}</p>
{figures}
</header>
<main>
{body}
</main>
<footer><p>Written by patchd {version}. P0 is the most urgent tier, P4 the least. A vulnerability is open until its fix is on disk, in every process, and in the running kernel. What nobody can tell is counted as unknown, never as safe.</p></footer>
</body>
</html>
"#,
        policy = escaped(&report.policy),
        at = moment(report.at),
        verdict = verdict(report),
        figures = figures(page),
        body = sections.join("\n"),
        version = env!("CARGO_PKG_VERSION"),
    )
}

fn verdict(report: &Report) -> String {
    let wanting = report.wanting().count();
    let all = counted(report.items.len(), "package");
    let overdue = report.items.iter().filter(|item| item.overdue > 0).count();
    match (wanting, overdue) {
        (0, _) => format!("All is as it should be: {all}, nothing past its day."),
        (_, 0) => format!("Of {all} {wanting} need attention. Nothing is past its day."),
        _ => {
            format!("Of {all} {wanting} need attention, and {overdue} of them are past their day.")
        }
    }
}

fn figures(page: &Page) -> String {
    let report = &page.report;
    let sound = report.items.len() - report.wanting().count();
    let share = (100 * sound).checked_div(report.items.len());
    let open: u32 = page.open.iter().flatten().sum();
    let overdue: usize = report.items.iter().map(|item| item.overdue).sum();
    let figures = [
        (
            share.map_or("–".to_owned(), |share| format!("{share} %")),
            "packages as they should be",
        ),
        (open.to_string(), "open vulnerabilities"),
        (overdue.to_string(), "of them past their day"),
        (
            report.count(State::InstalledPendingReboot).to_string(),
            "packages wait for a reboot",
        ),
        (
            report.count(State::Unknown).to_string(),
            "packages nobody can tell about",
        ),
    ];
    let figure = |(number, words)| format!("<div><dt>{words}</dt><dd>{number}</dd></div>");
    format!(
        r#"<dl class="figures">{}</dl>"#,
        figures.map(figure).concat()
    )
}

fn pace(days: &[u32]) -> String {
    chart::median(days).map_or(
        "No fix has become live in this period.".to_owned(),
        |median| {
            let median = counted(usize::try_from(median).unwrap_or(usize::MAX), "day");
            format!("Half of the fixes were live within {median}.")
        },
    )
}

fn packages(report: &Report) -> String {
    let wanting: Vec<&Item> = report.wanting().collect();
    let mut section = String::from(
        r#"<section aria-labelledby="h-packages"><h2 id="h-packages">Packages that need attention</h2>"#,
    );
    if wanting.is_empty() {
        return section + "<p>There are none.</p></section>";
    }
    section += r#"<div class="wide"><table><thead><tr><th scope="col">Package</th><th scope="col">State</th><th scope="col">Why</th><th scope="col">Tier</th><th scope="col">Due</th><th scope="col">Vulnerabilities</th></tr></thead><tbody>"#;
    section.extend(wanting.iter().take(ROWS).map(|item| row(item, report.at)));
    section += "</tbody></table></div>";
    if let Some(more @ 1..) = wanting.len().checked_sub(ROWS) {
        let _ = write!(
            section,
            r#"<p class="note">And {more} more, which the CSV and JSON forms of this report list.</p>"#
        );
    }
    section + "</section>"
}

fn row(item: &Item, now: Timestamp) -> String {
    let due = item.open.iter().filter_map(|it| it.due).min();
    let late = due.filter(|due| *due < now).map_or("", |_| " late");
    let due = due.map_or(String::new(), |due| {
        format!(
            "{}{}",
            day(due),
            if late.is_empty() { "" } else { " (past)" }
        )
    });
    let cves: Vec<CveId> = item.open.iter().map(|it| it.cve).collect();
    format!(
        r#"<tr><th scope="row">{}<br><code>{}</code></th><td class="state">{}</td><td>{}</td><td>{}</td><td class="due{late}">{due}</td><td>{}</td></tr>"#,
        escaped(&item.package.to_string()),
        escaped(item.installed.as_str()),
        words(item.state),
        escaped(&item.reason),
        item.tier.map(|tier| tier.to_string()).unwrap_or_default(),
        named(&cves),
    )
}

/// A state as people say it.
fn words(state: State) -> &'static str {
    match state {
        State::Failed => "failed",
        State::Missing => "missing",
        State::AvailableSecurityUpdate => "update available",
        State::InstalledRejected => "rejected",
        State::InstalledPendingReboot => "reboot owed",
        State::RunningStale => "old code runs",
        State::Unknown => "unknown",
        State::Installed => "installed",
        State::InstalledOther => "other",
    }
}

fn named(cves: &[CveId]) -> String {
    let named = cves.iter().take(NAMED);
    let named = named.map(|cve| format!(r#"<span class="id">{cve}</span>"#));
    let mut text = named.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = cves.len().checked_sub(NAMED) {
        let _ = write!(text, " and {more} more");
    }
    text
}

fn exceptions(report: &Report) -> String {
    let mut section = String::from(
        r#"<section aria-labelledby="h-exceptions"><h2 id="h-exceptions">Exceptions</h2>"#,
    );
    if report.exceptions.is_empty() {
        return section + "<p>There are none.</p></section>";
    }
    section += r#"<p class="note">What somebody has decided to live with for a while. It is open all the same, and its clock goes on.</p><div class="wide"><table><thead><tr><th scope="col">Vulnerability</th><th scope="col">Reason</th><th scope="col">Owner</th><th scope="col">Until</th></tr></thead><tbody>"#;
    for it in &report.exceptions {
        let _ = write!(
            section,
            r#"<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>"#,
            it.cve,
            escaped(&it.reason),
            escaped(&it.owner),
            it.until
        );
    }
    section + "</tbody></table></div></section>"
}

fn evidence(anchor: Option<&Anchor>) -> String {
    let text = match anchor {
        Some(anchor) => format!(
            "<p>The chain of evidence stands at record {}. Keep this line elsewhere: whoever changes the records up to this one no longer comes to its hash.</p><p><code>{}</code></p>",
            anchor.sequence,
            escaped(&anchor.to_string())
        ),
        None => "<p>Nothing was recorded yet.</p>".to_owned(),
    };
    format!(
        r#"<section aria-labelledby="h-evidence"><h2 id="h-evidence">Evidence</h2>{text}</section>"#
    )
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
