//! What one version on offer would mend here.

use serde::{Deserialize, Serialize};

use super::advisory::Severity;
use super::cve::CveId;
use super::vulnerability::Tier;

/// The vulnerabilities of this machine that a version on offer closes, summed up
/// for rules and lists. Without any it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// Which, ascending.
    pub cves: Vec<CveId>,
    /// The worst rating among them: the vendor's, else by CVSS; absent when none is rated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The most urgent among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Whether any is known to be exploited.
    pub known_exploited: bool,
    /// The highest EPSS among them, in ten-thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<u16>,
}
