//! The machine itself: what it is, what runs on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Its node name.
    pub name: String,
    /// The content of `/etc/machine-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// The kernel's id of this boot.
    pub boot_id: String,
}

/// The distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Running {
    /// The kernel.
    pub kernel: Kernel,
    /// Who ran old code when the worker looked last, which it does in each run;
    /// absent when it has not looked since the boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_units: Option<Vec<StaleUnit>>,
    /// Whether a reboot is owed.
    pub reboot: Reboot,
}

/// The kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kernel {
    /// Release that runs.
    pub running: String,
    /// Newest release in `/boot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_installed: Option<String>,
    /// Whether the running one belongs to this system.
    pub owned: bool,
}

/// Processes whose code is no longer what lies on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaleUnit {
    /// Their unit; outside of all units, the name of the program.
    pub unit: String,
    /// Whose they are: `manager` (systemd itself), `service`, `user`, `container`, `nobody`.
    pub owner: String,
    /// The first few files that were replaced.
    pub files: Vec<String>,
}

/// A reboot that is owed, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
