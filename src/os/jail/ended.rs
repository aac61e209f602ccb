//! What is known of a jail when it is over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::JailError;
use super::wish::Walls;

/// How it ended, and what it did meanwhile. Names come from inside: they are to
/// be escaped where they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How the payload ended.
    pub how: How,
    /// Processes that it left behind, and that are gone now.
    pub left_over: Vec<String>,
    /// What it changed; empty with [`super::View::Folder`].
    pub changes: Vec<Changed>,
    /// There was more, or something that could not be looked at.
    pub incomplete: bool,
    /// Bytes that each file system would gain, negative for less.
    pub grown: BTreeMap<String, i64>,
    /// At some moment the layer was full.
    pub layer_full: bool,
    /// The most memory that it had at once, where somebody counts.
    pub memory_peak: Option<u64>,
    /// Who held it within its bounds.
    pub bounded: Bounded,
    /// Which walls stood.
    pub walls: Walls,
    /// Mount points that were empty inside, because what is mounted there has
    /// no copy-on-write view.
    pub blind: Vec<String>,
    /// Single files that something is mounted over: inside they can be replaced,
    /// on the machine not.
    pub file_mounts: Vec<String>,
}

/// How a payload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// By itself: exit status, 128 + signal when one ended it.
    Status(i32),
    /// It took longer than it may.
    TimeLimit,
    /// It wanted more memory than it may have.
    Memory,
    /// It started more processes than it may.
    Tasks,
}

/// Who holds a jail within its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bounded {
    /// The kernel, by a control group.
    ControlGroup,
    /// We, by looking ten times a second.
    Polled,
}

/// One path that is different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Changed {
    /// Absolute; what is not UTF-8 in it is U+FFFD.
    pub path: String,
    /// What became of it.
    pub kind: Change,
    /// What it takes on disk now, bytes.
    pub bytes: u64,
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Change {
    /// It was not there before.
    New,
    /// Its content was written anew.
    Replaced,
    /// It is gone.
    Deleted,
    /// Owner, mode, times or attributes, no more.
    Metadata,
    /// It was elsewhere before, with all that is in it.
    Moved,
}

/// What PID 1, or the supervisor in its place, says at the end: one line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    Ended(Ended),
    Failed(JailError),
}
