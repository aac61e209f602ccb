//! What is said between whoever keeps feeds and the process that reads them: one
//! request, then the raw feed; back come the records and how it ended, one JSON
//! line each.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::model::{Advisory, CveId, Threat};

/// The version of these lines.
pub const PROTOCOL: u32 = 1;

/// The longest line either side writes, bytes with its end.
pub const LINE: usize = 4096;

/// What the feed is that follows, and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// How the feed is written.
    pub format: Format,
    /// Whose release, as `ID` in os-release: `debian`.
    pub distribution: String,
    /// Which, as `VERSION_ID` in os-release: `12`.
    pub version: String,
    /// And by its name, where it has one: `bookworm`.
    #[serde(default)]
    pub codename: String,
    /// What is wanted beside the release itself, whether it is enabled here or
    /// not: `esm-infra`, `esm-apps`.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Of rpm systems: which architectures, `noarch` among them; empty for all.
    #[serde(default)]
    pub architectures: Vec<String>,
}

/// How a feed is written. Each may be packed by gzip; zip is part of some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The JSON of Debian's security tracker: advisories.
    DebianTracker,
    /// OSV: one record, or a zip of many: advisories.
    Osv,
    /// CISA's catalogue of known exploited vulnerabilities: threats.
    Kev,
    /// FIRST's table of probabilities: threats.
    Epss,
    /// CISA's decision points, a zip of CVE records or one line each: threats.
    Ssvc,
    /// What an rpm repository says of its updates: advisories.
    Updateinfo,
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// Ascending by package, then by vulnerability; of the same two there may be
    /// several, as when two channels have fixes of their own.
    Advisory(Advisory),
    /// Ascending by vulnerability, each once.
    Threat {
        /// Which vulnerability.
        cve: CveId,
        /// What this feed says of it.
        #[serde(flatten)]
        threat: Threat,
    },
    /// The last line: all of the feed was read.
    End(End),
    /// The last line: the feed is of no use, and why, one sentence.
    Error(String),
}

/// How much there was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Lines before this one.
    pub records: u64,
    /// What was left out, and why; a reason that did not occur is absent.
    #[serde(default)]
    pub skipped: BTreeMap<Reason, u64>,
    /// Of which day the feed says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
}

/// Why something in a feed is not among the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It is about another release, product or architecture.
    Elsewhere,
    /// Its fix comes by a channel that is not wanted.
    OtherChannel,
    /// It names no vulnerability that has a CVE id.
    NoCve,
    /// It was taken back.
    Withdrawn,
    /// It says again what another record says.
    Repeated,
    /// It has not the shape of a record: a page of an error, a key missing, a
    /// number where a text belongs.
    Malformed,
    /// Its package has no name that a package can have.
    BadName,
    /// Its version is none.
    BadVersion,
    /// Its status is a word that we do not know.
    UnknownStatus,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DebianTracker => "the Debian security tracker",
            Self::Osv => "OSV",
            Self::Kev => "the KEV catalogue",
            Self::Epss => "EPSS",
            Self::Ssvc => "SSVC",
            Self::Updateinfo => "updateinfo",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Exploited, FixPlan, Status, Word};

    fn written(line: &Line) -> String {
        let text = serde_json::to_string(line).expect("serialises");
        assert_eq!(serde_json::from_str::<Line>(&text).expect("parses"), *line);
        text
    }

    fn cve() -> CveId {
        CveId::try_from("CVE-2026-0001".to_owned()).expect("valid")
    }

    #[test]
    fn each_line_is_read_as_it_was_written() {
        let advisory = Advisory {
            package: "openssl".to_owned().try_into().expect("valid"),
            cve: cve(),
            word: Word {
                status: Status::Open {
                    plan: FixPlan::Minor,
                },
                severity: None,
                channel: Some("esm-infra".to_owned()),
                label: None,
                published: None,
            },
        };
        assert_eq!(
            written(&Line::Advisory(advisory)),
            r#"{"advisory":{"package":"openssl","cve":"CVE-2026-0001","status":{"is":"open","plan":"minor"},"channel":"esm-infra"}}"#
        );
        let threat = Threat {
            exploited: Some(Exploited {
                added: Date::constant(2026, 1, 2),
                due: Date::constant(2026, 1, 5),
                ransomware: false,
            }),
            epss: Some(9500),
            ..Threat::default()
        };
        assert_eq!(
            written(&Line::Threat { cve: cve(), threat }),
            r#"{"threat":{"cve":"CVE-2026-0001","exploited":{"added":"2026-01-02","due":"2026-01-05","ransomware":false},"epss":9500}}"#
        );
        let end = End {
            records: 2,
            skipped: BTreeMap::from([(Reason::NoCve, 3)]),
            date: None,
        };
        assert_eq!(
            written(&Line::End(end)),
            r#"{"end":{"records":2,"skipped":{"no-cve":3}}}"#
        );
        assert_eq!(written(&Line::Error("no".to_owned())), r#"{"error":"no"}"#);
    }
}
