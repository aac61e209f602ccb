//! A report for spreadsheets. A cell that one would take for a formula begins with
//! an apostrophe, so that no package's name computes anything.

use super::state::{Item, Report};

const HEADER: &str = "host,policy,at,package,architecture,installed,state,compliant,tier,due,overdue,cves,exceptions,reason\r\n";

/// The report, a package a line (RFC 4180).
#[must_use]
pub fn csv(report: &Report) -> String {
    let lines = report.items.iter().map(|item| line(report, item));
    std::iter::once(HEADER.to_owned()).chain(lines).collect()
}

fn line(report: &Report, item: &Item) -> String {
    let joined = |cves: &mut dyn Iterator<Item = String>| cves.collect::<Vec<_>>().join(" ");
    let due = item.open.iter().filter_map(|it| it.due).min();
    let cells = [
        report.host.clone(),
        report.policy.clone(),
        format!("{:.0}", report.at),
        item.package.name.as_str().to_owned(),
        item.package.architecture.as_str().to_owned(),
        item.installed.as_str().to_owned(),
        item.state.to_string(),
        item.compliant.to_string(),
        item.tier.map(|it| it.to_string()).unwrap_or_default(),
        due.map(|it| format!("{it:.0}")).unwrap_or_default(),
        item.overdue.to_string(),
        joined(&mut item.open.iter().map(|it| it.cve.to_string())),
        joined(&mut item.excepted.iter().map(ToString::to_string)),
        item.reason.clone(),
    ];
    cells.map(|text| cell(&text)).join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let apostrophe = if is_formula { "'" } else { "" };
    let one_line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("\"{apostrophe}{}\"", one_line.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::{at, facts, open};
    use super::*;
    use crate::model::Tier;

    #[test]
    fn a_report_reads_like_this() {
        let mut wanting = facts("openssl");
        wanting.open = vec![open(1, Tier::P0, Some(5)), open(2, Tier::P3, None)];
        let report = Report::new("=web1", "default", &[wanting], &[], at(10));
        let text = csv(&report).replace("\r\n", "\n");
        insta::assert_snapshot!(text, @r#"
        host,policy,at,package,architecture,installed,state,compliant,tier,due,overdue,cves,exceptions,reason
        "'=web1","default","1970-01-01T00:00:10Z","openssl","amd64","1.0-1","INSTALLED","false","P0","1970-01-01T00:00:05Z","1","CVE-2026-0001 CVE-2026-0002","","up to date"
        "#);
    }

    #[test]
    fn no_cell_is_a_formula_or_ends_its_line() {
        for (text, expected) in [
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("a\r\nb", "\"a  b\""),
            ("\t=1", "\"' =1\""),
            ("say \"no\", please", "\"say \"\"no\"\", please\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
