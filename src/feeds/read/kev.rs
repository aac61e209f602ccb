//! CISA's catalogue of known exploited vulnerabilities.

use std::io::Read;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::bounded::Bounded;
use super::intake::whole;
use super::tally::Tally;
use super::threats::Threats;
use super::unreadable::Unreadable;
use super::words;
use crate::feeds::Reason;
use crate::model::{CveId, Exploited, Threat};

/// The longest catalogue; it grows by a tenth of its 1.6 MB a year.
const LONGEST: usize = 8 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalogue<'a> {
    #[serde(borrow)]
    date_released: Option<&'a RawValue>,
    #[serde(borrow)]
    vulnerabilities: Bounded<&'a RawValue, 65_536>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve: String,
    date_added: String,
    due_date: Option<String>,
    known_ransomware_campaign_use: Option<String>,
}

/// Reads all of it, and of which day it is.
pub(super) fn read(
    source: impl Read,
    tally: &mut Tally,
) -> Result<(Threats, Option<Date>), Unreadable> {
    let mut text = Vec::new();
    whole(source, LONGEST, &mut text)?;
    let catalogue: Catalogue = serde_json::from_slice(&text)?;
    let mut threats = Threats::default();
    for entry in catalogue.vulnerabilities.0 {
        if let Some((cve, exploited)) = tally.kept(exploited(entry)) {
            let threat = Threat {
                exploited: Some(exploited),
                ..Threat::default()
            };
            threats.add(cve, threat, tally)?;
        }
    }
    let released = catalogue.date_released;
    let released = released.and_then(|it| serde_json::from_str::<String>(it.get()).ok());
    Ok((threats, released.as_deref().and_then(words::day)))
}

/// Without a date until when, the fix was due on the day it was listed.
fn exploited(entry: &RawValue) -> Result<(CveId, Exploited), Reason> {
    let entry: Entry = serde_json::from_str(entry.get()).map_err(|_| Reason::Malformed)?;
    let cve = words::cve(&entry.cve).ok_or(Reason::NoCve)?;
    let added = words::day(&entry.date_added).ok_or(Reason::Malformed)?;
    let ransomware = entry.known_ransomware_campaign_use.unwrap_or_default();
    let exploited = Exploited {
        added,
        due: entry
            .due_date
            .as_deref()
            .and_then(words::day)
            .unwrap_or(added),
        ransomware: ransomware.trim().eq_ignore_ascii_case("known"),
    };
    Ok((cve, exploited))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, String, Option<Date>) {
        let mut tally = Tally::default();
        let (threats, date) = super::read(text.as_bytes(), &mut tally).expect("a catalogue");
        let shown = threats.iter().map(|(cve, threat)| {
            let it = threat.exploited.expect("always");
            format!("{cve} {} {} {}", it.added, it.due, it.ransomware)
        });
        (shown.collect(), tally.words(), date)
    }

    #[test]
    fn an_entry_is_read_and_junk_between_is_counted() {
        let (entries, left_out, date) = read(
            r#"{"title":"é","dateReleased":"2026-08-07T16:45:47.0648Z","count":"x","vulnerabilities":[
            {"cveID":"CVE-2026-8037","dateAdded":"2026-08-07","dueDate":"2026-08-10","knownRansomwareCampaignUse":"Known"},
            {"cveID":"cve-2026-8038","dateAdded":"2026-08-07","knownRansomwareCampaignUse":"Unknown","notes":"\ud800"},
            {"cveID":"CVE-2026-8037","dateAdded":"2026-08-08"},
            {"cveID":"GHSA-1","dateAdded":"2026-08-07"},
            {"cveID":"CVE-2026-8039","dateAdded":"soon"},
            {"cveID":8037}, null, [], 7, "CVE-2026-8037"]}"#,
        );
        assert_eq!(
            entries,
            [
                "CVE-2026-8037 2026-08-07 2026-08-10 true",
                "CVE-2026-8038 2026-08-07 2026-08-07 false",
            ]
        );
        assert_eq!(left_out, "1 no-cve, 1 repeated, 6 malformed");
        assert_eq!(date.map(|it| it.to_string()).as_deref(), Some("2026-08-07"));
    }

    #[test]
    fn what_is_no_catalogue_is_refused() {
        for text in ["", "<html>", "[]", "{}", r#"{"vulnerabilities":{}}"#] {
            assert!(
                super::read(text.as_bytes(), &mut Tally::default()).is_err(),
                "{text}"
            );
        }
    }
}
