//! CISA's decision points of vulnerabilities, as Vulnrichment has them: CVE
//! records (version 5), many in a zip or one a line, or a line each of
//! `{"cve", "Exploitation", "Automatable", "Technical Impact"}`.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::bounded::Bounded;
use super::intake::{Container, Intake};
use super::tally::Tally;
use super::threats::Threats;
use super::unreadable::Unreadable;
use super::{archive, cvss, words};
use crate::feeds::Reason;
use crate::model::{CveId, Exploitation, Ssvc, Threat};

/// Who adds the decision points to a CVE record.
const CISA: &str = "CISA-ADP";

/// Reads all of it.
pub(super) fn read(container: Container<'_>, tally: &mut Tally) -> Result<Threats, Unreadable> {
    let mut threats = Threats::default();
    match container {
        Container::Zip(packed) => {
            archive::each_json(packed, |text| take(text, &mut threats, tally))?;
        }
        Container::Text(text) => each_line(text, |line| take(line, &mut threats, tally))?,
    }
    Ok(threats)
}

fn each_line(
    text: impl Read,
    mut record: impl FnMut(&[u8]) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let (mut intake, ration) = Intake::new(text);
    let mut line = Vec::new();
    loop {
        line.clear();
        ration.renew();
        if intake.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if !line.trim_ascii().is_empty() {
            record(&line)?;
        }
    }
}

fn take(text: &[u8], threats: &mut Threats, tally: &mut Tally) -> Result<(), Unreadable> {
    match tally.kept(threat(text)) {
        Some((cve, threat)) => threats.add(cve, threat, tally),
        None => Ok(()),
    }
}

/// Either shape: the first two are a CVE record's, the others a line's.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "cveMetadata")]
    metadata: Option<Metadata>,
    #[serde(borrow)]
    containers: Option<Containers<'a>>,
    cve: Option<String>,
    #[serde(rename = "Exploitation")]
    exploitation: Option<String>,
    #[serde(rename = "Automatable")]
    automatable: Option<String>,
    #[serde(rename = "Technical Impact")]
    impact: Option<String>,
    #[serde(rename = "cvssV3_1")]
    vector: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    state: Option<String>,
}

/// What others say is read for their scores alone, and need not be well made.
#[derive(Deserialize)]
struct Containers<'a> {
    #[serde(borrow)]
    cna: Option<&'a RawValue>,
    #[serde(default, borrow)]
    adp: Bounded<&'a RawValue, 64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provider<'a> {
    provider_metadata: Option<Identity>,
    #[serde(default, borrow)]
    metrics: Bounded<Metric<'a>, 256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    short_name: Option<String>,
}

#[derive(Deserialize)]
struct Metric<'a> {
    #[serde(rename = "cvssV3_1")]
    v31: Option<Base>,
    #[serde(rename = "cvssV3_0")]
    v30: Option<Base>,
    #[serde(rename = "cvssV4_0")]
    v40: Option<Base>,
    #[serde(borrow)]
    other: Option<Other<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Base {
    base_score: f64,
}

#[derive(Deserialize)]
struct Other<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Content {
    options: Bounded<BTreeMap<String, String>, 16>,
}

fn threat(text: &[u8]) -> Result<(CveId, Threat), Reason> {
    let record: Record = serde_json::from_slice(text).map_err(|_| Reason::Malformed)?;
    if let Some(metadata) = &record.metadata {
        let state = metadata.state.as_deref().unwrap_or_default();
        if state.eq_ignore_ascii_case("rejected") {
            return Err(Reason::Withdrawn);
        }
    }
    let id = record.metadata.as_ref().map(|it| &it.cve_id);
    let id = id.or(record.cve.as_ref()).ok_or(Reason::Malformed)?;
    let cve = words::cve(id).ok_or(Reason::NoCve)?;
    let threat = match &record.containers {
        Some(containers) => containers.threat(),
        None => record.line(),
    };
    if threat == Threat::default() {
        return Err(Reason::Elsewhere);
    }
    Ok((cve, threat))
}

impl Record<'_> {
    fn line(&self) -> Threat {
        let vector = self.vector.as_deref();
        Threat {
            ssvc: points(&self.exploitation, &self.automatable, &self.impact),
            cvss: vector.and_then(cvss::base_score),
            ..Threat::default()
        }
    }
}

impl Containers<'_> {
    fn threat(&self) -> Threat {
        let mut threat = Threat::default();
        for provider in self.cna.iter().chain(&self.adp.0) {
            // A list of somebody's that is not as it should be.
            let Ok(provider) = serde_json::from_str::<Provider>(provider.get()) else {
                continue;
            };
            let scores = provider.metrics.0.iter().filter_map(Metric::score);
            threat.cvss = threat.cvss.max(scores.max());
            if provider.is_cisa() {
                threat.ssvc = provider.metrics.0.iter().find_map(Metric::points);
            }
        }
        threat
    }
}

impl Provider<'_> {
    fn is_cisa(&self) -> bool {
        let name = self.provider_metadata.as_ref();
        let name = name.and_then(|it| it.short_name.as_deref());
        name.is_some_and(|name| name.eq_ignore_ascii_case(CISA))
    }
}

impl Metric<'_> {
    /// The score in tenths; of several the highest counts.
    fn score(&self) -> Option<u8> {
        let bases = [&self.v31, &self.v30, &self.v40].into_iter().flatten();
        let tenths = bases.filter_map(|it| words::scaled(it.base_score / 10.0, 100));
        tenths.filter_map(|it| u8::try_from(it).ok()).max()
    }

    fn points(&self) -> Option<Ssvc> {
        let other = self.other.as_ref().filter(|it| it.kind == "ssvc")?;
        let content: Content = serde_json::from_str(other.content.get()).ok()?;
        let mut options: BTreeMap<String, String> =
            content.options.0.into_iter().flatten().collect();
        points(
            &options.remove("Exploitation"),
            &options.remove("Automatable"),
            &options.remove("Technical Impact"),
        )
    }
}

/// None where nothing is said; what is said in words that we do not know, or of
/// one point only, is taken for the worst.
fn points(
    exploitation: &Option<String>,
    automatable: &Option<String>,
    impact: &Option<String>,
) -> Option<Ssvc> {
    exploitation
        .as_ref()
        .or(automatable.as_ref())
        .or(impact.as_ref())?;
    let said = |point: &Option<String>, word: &str| {
        let point = point.as_deref().unwrap_or_default();
        point.trim().eq_ignore_ascii_case(word)
    };
    Some(Ssvc {
        exploitation: match () {
            () if said(exploitation, "none") => Exploitation::None,
            () if said(exploitation, "poc") => Exploitation::Poc,
            () => Exploitation::Active,
        },
        automatable: !said(automatable, "no"),
        total_impact: !said(impact, "partial"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, String) {
        let mut tally = Tally::default();
        let container = Container::Text(Box::new(text.as_bytes()));
        let threats = super::read(container, &mut tally).expect("lines");
        let shown = threats.iter().map(|(cve, threat)| {
            let points = threat.ssvc.map_or_else(String::new, |it| {
                format!(
                    "{:?} {} {}",
                    it.exploitation, it.automatable, it.total_impact
                )
            });
            format!("{cve} {points} {:?}", threat.cvss)
        });
        (shown.collect(), tally.words())
    }

    #[test]
    fn a_line_is_read_whatever_its_case_and_the_unknown_is_the_worst() {
        let (threats, left_out) = read(
            r#"{"cve":"CVE-2024-0001","cvssV3_1":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","Exploitation":"None","Automatable":"No","Technical Impact":"Partial"}

{"cve":"CVE-2024-0002","Exploitation":"PoC","Automatable":"Yes","Technical Impact":"Total","kev":"2024-01-01"}
{"cve":"CVE-2024-0003","Exploitation":"public","Automatable":"rapid"}
{"cve":"CVE-2024-0004"}
{"cve":"CVE-2024-0005","Exploitation":1}
{"Exploitation":"none"}
{"cve":"TEMP-1","Exploitation":"none"}
not json
"#,
        );
        assert_eq!(
            threats,
            [
                "CVE-2024-0001 None false false Some(98)",
                "CVE-2024-0002 Poc true true None",
                "CVE-2024-0003 Active true true None",
            ]
        );
        assert_eq!(left_out, "1 elsewhere, 1 no-cve, 3 malformed");
    }

    #[test]
    fn a_record_has_the_points_of_cisa_and_the_highest_score() {
        let record = |state: &str, name: &str| {
            let points = r#"{"type":"ssvc","content":{"options":[{"Exploitation":"active"},{"Automatable":"no"},{"Technical Impact":"total"}]}}"#;
            format!(
                r#"{{"cveMetadata":{{"cveId":"CVE-2013-0648","state":"{state}"}},"containers":{{"cna":{{"metrics":[{{"cvssV3_1":{{"baseScore":9.8}}}}]}},"adp":[{{"metrics":7}},{{"providerMetadata":{{"shortName":"{name}"}},"metrics":[{{"cvssV3_0":{{"baseScore":8.8}}}},{{"other":{points}}}]}}]}}}}"#
            )
        };
        let (threats, _) = read(&record("PUBLISHED", "CISA-ADP"));
        assert_eq!(threats, ["CVE-2013-0648 Active false true Some(98)"]);
        let (threats, _) = read(&record("PUBLISHED", "somebody"));
        assert_eq!(threats, ["CVE-2013-0648  Some(98)"]);
        let (threats, left_out) = read(&record("REJECTED", "CISA-ADP"));
        assert_eq!((threats.len(), left_out.as_str()), (0, "1 withdrawn"));
    }
}
