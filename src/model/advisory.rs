//! What a distribution says of vulnerabilities in its packages, and what the
//! world says of the vulnerabilities themselves: the records that feeds are made
//! into, whatever their formats.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::cve::CveId;
use super::package::PackageName;
use super::version::Version;

/// One vulnerability in one package of one release, by the distribution's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advisory {
    /// The source package (deb), or the binary one (rpm).
    pub package: PackageName,
    /// Which vulnerability.
    pub cve: CveId,
    /// The rest, which many vulnerabilities of a package share.
    #[serde(flatten)]
    pub word: Word,
}

/// What is said of a vulnerability in a package. Ordered so that it can be kept
/// once for all that share it; which comes first says nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Word {
    /// Whether it is there, and since which version it is not.
    pub status: Status,
    /// The vendor's own rating; absent when it gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Whose the fix is: absent for the release itself, else what must be
    /// enabled to have it, such as `esm-infra`, or a module's stream, `nodejs:18`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What a person calls it by: `DSA-5555-1`, `USN-7000-1`, `ALSA-2022:4587`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When the advisory was published, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Date>,
}

/// Vulnerabilities of one package of which the same is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advised {
    /// What is said.
    pub word: Word,
    /// Of which, ascending.
    pub cves: Vec<CveId>,
}

/// Where a package stands with a vulnerability.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Status {
    /// No version of this release has it.
    NotAffected,
    /// Versions before this one have it; on deb the source package's version.
    Fixed {
        /// The first without it.
        version: Version,
    },
    /// Every version has it.
    Open {
        /// What the distribution means to do.
        plan: FixPlan,
    },
    /// The distribution does not know yet.
    Undetermined,
}

/// What a distribution means to do about a vulnerability without a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixPlan {
    /// Nothing is said: a fix may come at any time.
    Undecided,
    /// No advisory of its own; a point release may bring it.
    Minor,
    /// It comes with a later one.
    Postponed,
    /// It is not fixed here.
    Ignored,
    /// The package or the release is no longer supported.
    EndOfLife,
}

/// A rating; unrated is its absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// No risk worth a name: Debian's `unimportant`, Ubuntu's `negligible`.
    None,
    /// CVSS below 4.
    Low,
    /// CVSS below 7.
    Medium,
    /// CVSS below 9.
    High,
    /// CVSS from 9 on.
    Critical,
}

/// What the world says of one vulnerability.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threat {
    /// CISA's catalogue of known exploited vulnerabilities has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploited: Option<Exploited>,
    /// EPSS: the probability of exploitation within 30 days, in ten-thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<u16>,
    /// CISA's SSVC decision points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssvc: Option<Ssvc>,
    /// CVSS base score in tenths, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss: Option<u8>,
}

/// An entry of the catalogue of known exploited vulnerabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exploited {
    /// Since when it is listed.
    pub added: Date,
    /// Until when CISA wants it fixed.
    pub due: Date,
    /// Whether ransomware is known to use it.
    pub ransomware: bool,
}

/// The three inputs that CISA publishes (Vulnrichment).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ssvc {
    /// Whether anybody exploits it.
    pub exploitation: Exploitation,
    /// Whether an attack on many machines can be automated.
    pub automatable: bool,
    /// Whether it gives total control; else partial.
    pub total_impact: bool,
}

/// How far exploitation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exploitation {
    /// Nobody does that is known of.
    None,
    /// A proof of concept is public.
    Poc,
    /// It happens.
    Active,
}
