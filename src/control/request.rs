//! A call as it stands on the wire, before anybody has understood it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The envelope of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The full name of the method.
    pub method: String,
    /// What it is called with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Map<String, Value>>,
    /// Several replies are welcome.
    #[serde(default, skip_serializing_if = "is_false")]
    pub more: bool,
    /// No reply is wanted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub oneway: bool,
    /// The connection shall speak something else afterwards; nothing here does.
    #[serde(default, skip_serializing_if = "is_false")]
    pub upgrade: bool,
}

impl Request {
    /// Reads one; whoever sends anything else does not speak Varlink.
    pub fn parse(message: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(message)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}
