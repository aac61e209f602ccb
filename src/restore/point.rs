//! What a restore point holds. All of it is data; the bytes lie beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::exact;
use super::sum::Sum;
use crate::model::{Change, RunId};

/// The state before the transactions of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Point {
    pub run: RunId,
    /// When it was begun.
    pub at: Timestamp,
    /// What puts back each package that is replaced or removed.
    pub packages: Vec<Kept>,
    /// What the run brings in.
    pub new: Vec<Change>,
    /// The file systems with links of ours; [`Content::Linked`] counts in this order.
    pub stores: Vec<PathBuf>,
    /// How many links there are.
    pub links: u32,
    /// How much of the copies counts; what is behind is of a killed worker.
    pub copies: u64,
    /// Owners and groups by name, for package files.
    pub users: BTreeMap<u32, String>,
    pub groups: BTreeMap<u32, String>,
    /// The state trees before the run, with their contents.
    pub before: Vec<Entry>,
    /// The state trees after it; absent while it is at work.
    #[serde(default)]
    pub after: Option<Vec<Entry>>,
    /// The last path of the trees that is known, where they have too many.
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    pub end: Option<PathBuf>,
    #[serde(default)]
    pub rolled_back: Option<Timestamp>,
}

/// One package.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// From what is kept to what the run makes of it.
    pub change: Change,
    /// The source package: binaries of one source go together.
    pub source: String,
    /// Its files in dpkg's folder `info` begin so.
    pub base: String,
    /// Its lines in dpkg's status file.
    pub stanza: Slice,
    pub control: Vec<Control>,
    /// In the order of dpkg's own list.
    pub entries: Vec<Entry>,
    /// A whole package file in the point's folder, instead of the entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
}

/// A package file that is kept as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Archive {
    pub name: String,
    pub sum: Sum,
}

/// A file of dpkg about a package: `postinst`, `md5sums`, `list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Control {
    pub name: String,
    pub mode: u32,
    pub bytes: Slice,
}

/// One path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As the package names it, absolute.
    #[serde(with = "exact")]
    pub path: PathBuf,
    /// Where it lies when another package's diversion has moved it.
    #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
    pub diverted: Option<PathBuf>,
    /// Permission bits, all twelve.
    pub mode: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uid: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gid: u32,
    /// Seconds since 1970.
    pub mtime: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub xattrs: BTreeMap<String, Vec<u8>>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub conffile: bool,
    pub thing: Thing,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thing {
    /// A folder, or for the package one: on disk a link to one may stand there.
    Folder {
        #[serde(default, with = "maybe", skip_serializing_if = "Option::is_none")]
        behind: Option<PathBuf>,
    },
    File {
        size: u64,
        content: Content,
        /// Absent for links of ours as long as the run is at work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sum: Option<Sum>,
    },
    Link {
        #[serde(with = "exact")]
        target: PathBuf,
    },
    /// The package has it, the disk does not.
    Missing,
    /// A device, a pipe, a socket.
    Other,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    Linked {
        store: u32,
        number: u32,
        /// What the nanoseconds of its time were: an edit in place would change them.
        nanoseconds: i64,
    },
    Copied(u64),
    /// Nowhere: it is too large, or was changed in place.
    Lost,
}

/// Bytes among the copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    pub at: u64,
    pub length: u64,
    pub sum: Sum,
}

impl Point {
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.new.is_empty()
    }
}

impl Entry {
    /// Where it is on disk, absolute.
    pub fn place(&self) -> &Path {
        self.diverted.as_deref().unwrap_or(&self.path)
    }

    /// Whether the other is the same for whoever uses it; times do not count.
    pub fn is_like(&self, other: &Self) -> bool {
        let thing = match (&self.thing, &other.thing) {
            (
                Thing::File { size, sum, .. },
                Thing::File {
                    size: other_size,
                    sum: other_sum,
                    ..
                },
            ) => size == other_size && sum == other_sum,
            // The mode of a link means nothing.
            (one @ Thing::Link { .. }, other @ Thing::Link { .. }) => return one == other,
            (one, other) => one == other,
        };
        thing && self.has_attributes_of(other)
    }

    /// Owner, mode and extended attributes.
    pub fn has_attributes_of(&self, other: &Self) -> bool {
        (self.mode, self.uid, self.gid) == (other.mode, other.uid, other.gid)
            && self.xattrs == other.xattrs
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// As [`exact`], for a path that may be absent.
pub mod maybe {
    use std::path::PathBuf;

    use serde::{Deserializer, Serializer};

    use crate::restore::exact;

    #[expect(clippy::ref_option, reason = "serde passes the field as it is")]
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        match path {
            Some(path) => exact::serialize(path, to),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        exact::deserialize(from).map(Some)
    }
}
