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
        self.no_object()
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.no_object()
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.no_object()
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.no_object()
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.no_object()
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.no_object()
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.no_object()
    }
}

impl OfSource<'_, '_> {
    fn no_object<E>(self) -> Result<(), E> {
        self.reading.tally.skip(Reason::Malformed);
        Ok(())
    }
}
