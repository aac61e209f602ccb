//! What a notification says: the body of a webhook, the input of a command.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that happened on one machine. What a later patchd may tell besides
/// is no fault of its reader, who passes over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/notification/1"))]
    pub schema: String,
    /// What happened, as in `on` of `[notify.NAME]`; `test` when somebody only
    /// wants to see whether it arrives.
    #[schemars(extend("enum" = ["failed", "rolled-back", "needs-human", "exposed", "overdue", "reboot-owed", "config-invalid", "test"]))]
    pub kind: String,
    /// What it is about. A machine tells the same kind about the same subject once,
    /// for as long as it lasts; one that arrives twice has the same of both.
    pub subject: String,
    /// When it happened.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// The machine.
    pub host: NotifyingHost,
    /// What happened and what to do, one sentence. It may quote what others wrote.
    pub sentence: String,
    /// In which run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// About which package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Which vulnerabilities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cves: Vec<String>,
    /// Where the machine's chain of evidence was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceAnchor>,
}

/// The machine that tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotifyingHost {
    /// Its name.
    pub name: String,
    /// Absent where it has none, as in most containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
}

/// Keep it: `patchd compliance verify` on that machine must come to the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceAnchor {
    /// The record's number.
    pub sequence: u64,
    /// SHA-256 over its line, hexadecimal.
    pub hash: String,
}
