//! The JSON of Debian's security tracker: `{source: {vulnerability: {releases:
//! {codename: {…}}}}}`, some 80 MB of it, of which one release is kept.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::advisories::{Gathering, Kind};
use super::intake::{Intake, Ration};
use super::tally::Tally;
use super::unreadable::Unreadable;
use super::words;
use crate::feeds::Reason;
use crate::model::{CveId, FixPlan, PackageName, Severity, Status, Word};

/// What is read into, and what of.
struct Reading<'a> {
    codename: &'a str,
    ration: Ration,
    gathering: Gathering,
    tally: &'a mut Tally,
}

/// Reads all of it.
pub(super) fn read(
    text: impl Read,
    codename: &str,
    tally: &mut Tally,
) -> Result<Gathering, Unreadable> {
    let (intake, ration) = Intake::new(text);
    let mut reading = Reading {
        codename,
        ration,
        gathering: Gathering::default(),
        tally,
    };
    let mut json = serde_json::Deserializer::from_reader(intake);
    Sources(&mut reading).deserialize(&mut json)?;
    json.end()?;
    Ok(reading.gathering)
}

impl Reading<'_> {
    /// One vulnerability of a source package.
    fn take(&mut self, package: &PackageName, id: &str, record: &RawValue) {
        self.ration.renew();
        let advisory = words::cve(id)
            .ok_or(Reason::NoCve)
            .and_then(|cve| Ok((cve, word(record, self.codename)?)));
        if let Some((cve, word)) = self.tally.kept::<(CveId, Word)>(advisory) {
            self.gathering.add(Kind::Record, package, &word, cve);
        }
    }
}

/// A vulnerability, as far as it matters. Releases that are not wanted stay unread.
#[derive(Deserialize)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    releases: BTreeMap<String, &'a RawValue>,
}

/// Where a release stands.
#[derive(Deserialize)]
struct Release {
    status: String,
    fixed_version: Option<String>,
    urgency: Option<String>,
    nodsa: Option<String>,
    nodsa_reason: Option<String>,
}

fn word(record: &RawValue, codename: &str) -> Result<Word, Reason> {
    let record: Vulnerability =
        serde_json::from_str(record.get()).map_err(|_| Reason::Malformed)?;
    let release = record.releases.get(codename).ok_or(Reason::Elsewhere)?;
    let release: Release = serde_json::from_str(release.get()).map_err(|_| Reason::Malformed)?;
    Ok(Word {
        status: release.status()?,
        severity: release.severity(),
        channel: None,
        label: None,
        published: None,
    })
}

impl Release {
    /// A version that has the fix is believed before anything else: why there is
    /// no advisory may be said long after there is one.
    fn status(&self) -> Result<Status, Reason> {
        let fixed = self.fixed_version.as_deref();
        match (self.status.as_str(), fixed) {
            ("resolved", Some("0")) => Ok(Status::NotAffected),
            ("resolved", None) => Err(Reason::Malformed),
            ("open", None | Some("0")) => Ok(Status::Open { plan: self.plan() }),
            ("resolved" | "open", Some(version)) => Ok(Status::Fixed {
                version: words::version(version)?,
            }),
            ("undetermined", _) => Ok(Status::Undetermined),
            _ => Err(Reason::UnknownStatus),
        }
    }

    fn plan(&self) -> FixPlan {
        let urgency = self.urgency.as_deref().unwrap_or_default();
        match self.nodsa_reason.as_deref() {
            _ if urgency.trim_end_matches('*') == "end-of-life" => FixPlan::EndOfLife,
            Some("ignored") => FixPlan::Ignored,
            Some("postponed") => FixPlan::Postponed,
            _ if self.nodsa.is_some() => FixPlan::Minor,
            _ => FixPlan::Undecided,
        }
    }

    fn severity(&self) -> Option<Severity> {
        words::severity(self.urgency.as_deref()?)
    }
}

/// The outer object: source packages.
struct Sources<'a, 'b>(&'a mut Reading<'b>);

/// The object of one source package: its vulnerabilities.
struct OfSource<'a, 'b> {
    package: PackageName,
    reading: &'a mut Reading<'b>,
}

impl<'de> DeserializeSeed<'de> for Sources<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Sources<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of source packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.0.ration.renew();
            if let Some(package) = self.0.tally.kept(words::package(&name)) {
                map.next_value_seed(OfSource {
                    package,
                    reading: self.0,
                })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for OfSource<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

/// What is no object is passed over.
impl<'de> Visitor<'de> for OfSource<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of vulnerabilities")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(id) = map.next_key::<String>()? {
            let record = map.next_value::<Box<RawValue>>()?;
            self.reading.take(&self.package, &id, &record);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.pass_over();
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.pass_over();
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.pass_over();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.pass_over();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.pass_over();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.pass_over();
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.pass_over();
        Ok(())
    }
}

impl OfSource<'_, '_> {
    fn pass_over(self) {
        self.reading.tally.skip(Reason::Malformed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIMMED: &str = include_str!("../../../tests/fixtures/feeds/debian-tracker/trimmed.json");
    const ODD: &str = include_str!("../../../tests/fixtures/feeds/debian-tracker/odd.json");

    fn read(text: &str, codename: &str) -> (Vec<String>, String) {
        let mut tally = Tally::default();
        let read = super::read(text.as_bytes(), codename, &mut tally).expect("a tracker");
        let sorted = read.sorted(&mut tally).expect("there is room");
        let shown = sorted.iter().map(|it| {
            let status = match it.word.status {
                Status::Fixed { version } => format!("fixed in {version}"),
                Status::Open { plan } => format!("open, {plan:?}"),
                other => format!("{other:?}"),
            };
            let severity = it.word.severity;
            let severity = severity.map_or_else(String::new, |it| format!(" {it:?}"));
            format!("{} {} {status}{severity}", it.package, it.cve)
        });
        (shown.collect(), tally.words())
    }

    #[test]
    fn one_release_of_real_records_is_kept() {
        let (kept, left_out) = read(TRIMMED, "bullseye");
        assert_eq!(
            kept,
            [
                "389-ds-base CVE-2012-0833 NotAffected None",
                "389-ds-base CVE-2016-5405 fixed in 1.3.5.15-1",
                "389-ds-base CVE-2016-5416 open, Ignored",
            ]
        );
        assert_eq!(left_out, "1 no-cve");
        let (kept, _) = read(ODD, "buster");
        assert_eq!(
            kept,
            [
                "backupninja CVE-2005-3111 fixed in 0.8-2 Medium",
                "chromium CVE-2022-0456 open, EndOfLife",
                "prototypejs CVE-2007-2383 NotAffected None",
                "prototypejs CVE-2008-7220 fixed in 1.6.0.2-1 High",
                "txt2man CVE-2013-1444 fixed in 1.5.5-4.1 Low",
            ]
        );
        assert_eq!(read(TRIMMED, "trixie").0, [] as [&str; 0]);
    }

    /// What becomes of a release's record.
    #[test]
    fn each_state_of_a_record_is_told_apart() {
        let table = [
            (r#""status":"resolved","fixed_version":"0""#, "NotAffected"),
            (
                r#""status":"resolved","fixed_version":"1:2-3""#,
                "fixed in 1:2-3",
            ),
            (r#""status":"open""#, "open, Undecided"),
            (
                r#""status":"open","nodsa":"Minor issue","nodsa_reason":"""#,
                "open, Minor",
            ),
            (r#""status":"open","nodsa":"Minor issue""#, "open, Minor"),
            (
                r#""status":"open","nodsa":"x","nodsa_reason":"postponed""#,
                "open, Postponed",
            ),
            (
                r#""status":"open","nodsa":"x","nodsa_reason":"ignored""#,
                "open, Ignored",
            ),
            (
                r#""status":"open","urgency":"end-of-life","nodsa_reason":"ignored""#,
                "open, EndOfLife",
            ),
            (
                r#""status":"open","urgency":"unimportant""#,
                "open, Undecided None",
            ),
            (
                r#""status":"open","fixed_version":"2","nodsa":"x","nodsa_reason":"postponed""#,
                "fixed in 2",
            ),
            (
                r#""status":"undetermined","urgency":"not yet assigned""#,
                "Undetermined",
            ),
            (r#""status":"resolved""#, "1 malformed"),
            (
                r#""status":"resolved","fixed_version":"1 2""#,
                "1 bad-version",
            ),
            (r#""status":"fine""#, "1 unknown-status"),
            (r#""status":5"#, "1 malformed"),
            (r#""fixed_version":"1""#, "1 malformed"),
        ];
        for (fields, expected) in table {
            let text =
                format!(r#"{{"bash":{{"CVE-2026-0001":{{"releases":{{"a":{{{fields}}}}}}}}}}}"#);
            let (kept, left_out) = read(&text, "a");
            let found = kept
                .first()
                .map(|it| it.trim_start_matches("bash CVE-2026-0001 "));
            assert_eq!(found.unwrap_or(&left_out), expected, "{fields}");
        }
    }

    #[test]
    fn junk_among_records_is_counted_and_what_follows_is_read() {
        let good = r#"{"releases":{"a":{"status":"open"}}}"#;
        let (kept, left_out) = read(
            &format!(
                r#"{{"aa":7,"bb":null,"cc":[[{{}}],1],"dd":"é","ee":-1.5,"ff":true,"gg":-1,"b d":{{"CVE-2026-0001":{good}}},
                "zz":{{"TEMP-0000000-1":{good},"CVE-2026-0001":[],"CVE-2026-0002":{{"releases":[]}},"CVE-2026-0003":{{}},
                "CVE-2026-0004":{{"releases":{{"b":{{}}}}}},"CVE-2026-1234567":{good}, "cve-2026-0005":{good}}}}}"#
            ),
            "a",
        );
        assert_eq!(
            kept,
            [
                "zz CVE-2026-0005 open, Undecided",
                "zz CVE-2026-1234567 open, Undecided",
            ]
        );
        assert_eq!(left_out, "1 elsewhere, 1 no-cve, 10 malformed, 1 bad-name");
    }

    #[test]
    fn bytes_that_are_no_text_spoil_one_record_only() {
        let text = b"{\"a\xff\":{},\"bash\":{\"CVE-2026-0001\":{\"description\":\"\xc3\",\"releases\":{\"a\":{\"status\":\"open\"}}}}}";
        let mut tally = Tally::default();
        let read = super::read(&text[..], "a", &mut tally).expect("a tracker");
        assert_eq!(read.sorted(&mut tally).expect("room").iter().count(), 1);
        assert_eq!(tally.words(), "1 bad-name");
    }

    #[test]
    fn what_is_no_tracker_is_refused() {
        let deep = "[".repeat(100_000);
        for text in ["", "[]", "<html>", "{\"a\":", "{} {}", &deep] {
            let read = super::read(text.as_bytes(), "a", &mut Tally::default());
            assert!(read.is_err(), "{text:.20}");
        }
        let deep = format!(r#"{{"bash":{{"CVE-2026-0001":{{"releases":{deep}}}}}}}"#);
        assert!(super::read(deep.as_bytes(), "a", &mut Tally::default()).is_err());
    }
}
