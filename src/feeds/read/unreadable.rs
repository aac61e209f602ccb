//! Why a feed as a whole is of no use.

use std::io::{self, ErrorKind};

use crate::feeds::Format;

/// What is wrong with a feed. What is wrong with one of its records is only counted.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It ends too early.
    #[error("the feed is cut short ({0}); fetch it again")]
    CutShort(String),
    /// A checksum, a syntax or a packing is wrong.
    #[error("the feed is damaged ({0}); fetch it again, and look at what it was fetched from")]
    Damaged(String),
    /// It asks for more memory, space or time than an honest feed does.
    #[error("the feed is too big: {0}; nothing of it is used")]
    TooBig(String),
    /// It is packed as this format never is, or as we cannot unpack.
    #[error("the feed is packed by {packing}, which {format} is not read from; unpack it first")]
    Packed {
        /// As what its first bytes show it.
        packing: &'static str,
        /// What was expected.
        format: Format,
    },
    /// All of it was read, and none of it was of use.
    #[error(
        "the feed has no record {about} (left out: {left_out}); look whether it is the right one"
    )]
    Nothing {
        /// What of, such as `of debian 12`.
        about: String,
        /// How many records, and why.
        left_out: String,
    },
    /// The request asks for what no reader can do.
    #[error("the request cannot be served: {0}")]
    Request(String),
    /// The unnamed file that a zip is kept in cannot be made or written.
    #[error("cannot keep the feed in a temporary file ({0}); make room in /var/tmp")]
    Spool(io::Error),
    /// The feed could not be read from where it comes from.
    #[error("cannot read the feed ({0}); send it again")]
    Source(io::Error),
}

impl From<io::Error> for Unreadable {
    fn from(cause: io::Error) -> Self {
        match cause.kind() {
            ErrorKind::UnexpectedEof => Self::CutShort(cause.to_string()),
            // Both are said of packed bytes that cannot be unpacked.
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Unsupported => {
                Self::Damaged(cause.to_string())
            }
            ErrorKind::FileTooLarge => Self::TooBig(cause.to_string()),
            _ => Self::Source(cause),
        }
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(cause: serde_json::Error) -> Self {
        Self::from(io::Error::from(cause))
    }
}

impl From<quick_xml::Error> for Unreadable {
    fn from(cause: quick_xml::Error) -> Self {
        match cause {
            quick_xml::Error::Io(cause) => {
                Self::from(io::Error::new(cause.kind(), cause.to_string()))
            }
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// As [`Intake`](super::intake::Intake) and others say that there is too much.
pub(super) fn too_big(what: &str) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, what)
}
