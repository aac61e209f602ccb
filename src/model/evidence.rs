//! What is kept so that nobody can say afterwards that it was otherwise.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in the chain of evidence that others know of as well: whoever changes
/// the chain up to here no longer comes to this hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The record's number, from 1.
    pub sequence: u64,
    /// SHA-256 over its line, hexadecimal.
    pub hash: String,
}

/// A text that is no anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an anchor; expected SEQUENCE:HASH as the journal and notifications have it")]
pub struct InvalidAnchor(String);

impl TryFrom<String> for Anchor {
    type Error = InvalidAnchor;

    fn try_from(text: String) -> Result<Self, InvalidAnchor> {
        let parsed = text.split_once(':').and_then(|(sequence, hash)| {
            let is_hash = hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit());
            Some(Self {
                sequence: sequence.parse().ok().filter(|it| *it > 0)?,
                hash: is_hash.then(|| hash.to_ascii_lowercase())?,
            })
        });
        parsed.ok_or(InvalidAnchor(text))
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_read_as_it_is_written() {
        let anchor = Anchor {
            sequence: 12,
            hash: "0a".repeat(32),
        };
        assert_eq!(Anchor::try_from(anchor.to_string()), Ok(anchor));
        for text in ["", "1", "0:00", "1:xyz", "-1:00", ":"] {
            assert!(Anchor::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
