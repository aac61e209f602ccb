//! A report as the body of a call of `PutComplianceItems` of AWS Systems Manager.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::state::{Item, Report};
use crate::model::Tier;

/// What one call takes.
const ITEMS: usize = 10_000;
const BYTES: usize = 600 << 10;

/// The longest value of a detail that is taken, characters; ours stay well below.
const DETAIL: usize = 1000;

/// The body for this instance (`i-…` or `mi-…`). Each policy has a type of its own,
/// so that none overwrites another. The gravest come first; what one call does not
/// take is counted in the last item.
#[must_use]
pub fn aws(report: &Report, resource: &str) -> Value {
    let mut items = Vec::new();
    let mut bytes = 0;
    for item in report.items.iter().take(ITEMS - 1) {
        let value = entry(item);
        bytes += value.to_string().len();
        if bytes > BYTES {
            break;
        }
        items.push(value);
    }
    let left = report.items.len() - items.len();
    if left > 0 {
        items.push(json!({
            "Id": "more",
            "Title": format!("{left} packages more than one call takes"),
            "Severity": "UNSPECIFIED",
            "Status": "NON_COMPLIANT",
        }));
    }
    let mut hash = String::new();
    for byte in Sha256::digest(Value::from(items.clone()).to_string()) {
        let _ = write!(hash, "{byte:02x}");
    }
    json!({
        "ResourceId": resource,
        "ResourceType": "ManagedInstance",
        "ComplianceType": format!("Custom:patchd_{}", word(&report.policy)),
        "ExecutionSummary": {
            "ExecutionTime": format!("{:.0}", report.at),
            "ExecutionType": "patchd",
        },
        "Items": items,
        "ItemContentHash": hash,
        "UploadType": "COMPLETE",
    })
}

fn entry(item: &Item) -> Value {
    let cves: Vec<String> = item.open.iter().map(|it| it.cve.to_string()).collect();
    let mut details = vec![
        ("PatchState", item.state.to_string()),
        ("InstalledVersion", short(item.installed.as_str())),
        ("Reason", short(&item.reason)),
    ];
    if !cves.is_empty() {
        details.push(("CVEIds", short(&cves.join(","))));
        details.push(("Overdue", item.overdue.to_string()));
    }
    let details = details.into_iter();
    let details: Map<String, Value> = details
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let status = if item.compliant {
        "COMPLIANT"
    } else {
        "NON_COMPLIANT"
    };
    json!({
        "Id": short_to(&item.package.to_string(), 100),
        "Title": format!("{} {}", short_to(&item.package.to_string(), 200), item.state),
        "Severity": severity(item.tier),
        "Status": status,
        "Details": details,
    })
}

fn severity(tier: Option<Tier>) -> &'static str {
    match tier {
        Some(Tier::P0) => "CRITICAL",
        Some(Tier::P1) => "HIGH",
        Some(Tier::P2) => "MEDIUM",
        Some(Tier::P3) => "LOW",
        Some(Tier::P4) => "INFORMATIONAL",
        None => "UNSPECIFIED",
    }
}

/// A type's name has letters, digits and underscores.
fn word(policy: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    policy.chars().map(word).collect()
}

fn short(text: &str) -> String {
    short_to(text, DETAIL)
}

fn short_to(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::{at, facts, open};
    use super::*;

    #[test]
    fn a_body_reads_like_this() {
        let mut wanting = facts("openssl");
        wanting.open = vec![open(1, Tier::P0, Some(5))];
        let report = Report::new("web1", "default", &[wanting], &[], at(10));
        let body = aws(&report, "i-0123456789abcdef0");
        assert_eq!(body["ComplianceType"], "Custom:patchd_default");
        assert_eq!(
            body["ExecutionSummary"]["ExecutionTime"],
            "1970-01-01T00:00:10Z"
        );
        let expected = json!({
            "Id": "openssl:amd64",
            "Title": "openssl:amd64 INSTALLED",
            "Severity": "CRITICAL",
            "Status": "NON_COMPLIANT",
            "Details": {
                "PatchState": "INSTALLED",
                "InstalledVersion": "1.0-1",
                "Reason": "up to date",
                "CVEIds": "CVE-2026-0001",
                "Overdue": "1",
            },
        });
        assert_eq!(body["Items"], json!([expected]));
    }

    #[test]
    fn a_machine_with_too_many_packages_still_makes_one_call() {
        let all: Vec<_> = (0..12_000).map(|it| facts(&format!("lib{it}"))).collect();
        let report = Report::new("web1", "default", &all, &[], at(10));
        let body = aws(&report, "i-0");
        let items = body["Items"].as_array().expect("items");
        assert!(items.len() <= ITEMS && body.to_string().len() < 800 << 10);
        let last = items.last().expect("one");
        assert_eq!(last["Id"], "more");
    }
}
