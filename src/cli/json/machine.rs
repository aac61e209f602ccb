//! The machine itself: what it is, what runs on it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::time;
use crate::model::{Distribution, Host};
use crate::running::Kernel;

/// The machine.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Host")]
pub struct HostJson {
    /// Its node name.
    pub name: String,
    /// The content of `/etc/machine-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// The kernel's id of this boot.
    pub boot_id: String,
}

/// The distribution.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Distribution")]
pub struct DistributionJson {
    /// Such as `debian`.
    pub id: String,
    /// Such as `12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Such as `bookworm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
}

/// What is live.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Running {
    /// The kernel.
    pub kernel: KernelJson,
    /// Whether a reboot is owed.
    pub reboot: Reboot,
}

/// The kernel.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Kernel")]
pub struct KernelJson {
    /// Release that runs.
    pub running: String,
    /// Newest release in `/boot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_installed: Option<String>,
    /// Whether the running one belongs to this system.
    pub owned: bool,
}

/// A reboot that is owed, or not.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Reboot {
    /// Whether.
    pub owed: bool,
    /// Since when; absent without root, and while none is owed.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Why.
    pub reasons: Vec<String>,
}

impl From<&Host> for HostJson {
    fn from(host: &Host) -> Self {
        Self {
            name: host.name.clone(),
            machine_id: host.machine_id.as_ref().map(|id| id.0.clone()),
            boot_id: host.boot_id.to_string(),
        }
    }
}

impl From<Distribution> for DistributionJson {
    fn from(distribution: Distribution) -> Self {
        let Distribution {
            id,
            version,
            codename,
        } = distribution;
        Self {
            id,
            version,
            codename,
        }
    }
}

impl From<Kernel> for KernelJson {
    fn from(kernel: Kernel) -> Self {
        let Kernel {
            running,
            newest_installed,
            owned,
        } = kernel;
        Self {
            running,
            newest_installed,
            owned,
        }
    }
}

impl Reboot {
    /// Owed for these reasons.
    #[must_use]
    pub fn new(reasons: Vec<String>, since: Option<Timestamp>) -> Self {
        let since = since.filter(|_| !reasons.is_empty()).map(time);
        Self {
            owed: !reasons.is_empty(),
            since,
            reasons,
        }
    }
}
