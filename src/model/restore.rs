//! What puts packages back, and what came of putting them back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan::Change;
use super::run::RunId;

/// A restore point that is whole and on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePoint {
    /// How many packages it can put back.
    pub packages: u32,
    /// How many files of theirs it keeps.
    pub files: u32,
    /// What it takes on disk now, bytes; links take nothing until the upgrade.
    pub bytes: u64,
    /// How long taking it lasted.
    pub milliseconds: u64,
}

/// One restore point as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPoint {
    /// Whose plan it undoes.
    pub run: RunId,
    /// When it was taken.
    pub at: Timestamp,
    /// How many packages it can put back.
    pub packages: u32,
    /// What deleting it would free, bytes.
    pub bytes: u64,
    /// When the run was rolled back with it; absent while it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<Timestamp>,
}

/// How much of a run goes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// All of it.
    #[default]
    Whole,
    /// What the package manager could not bring into a sound state, if the rest
    /// can do without it.
    Unsound,
}

/// What came of a rollback.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// How much of the run was to go back.
    #[serde(default)]
    pub extent: Extent,
    /// What is different now; the new versions are in `from`.
    pub restored: Vec<Change>,
    /// What stays as the run has left it, because it is never rolled back.
    pub left: Vec<Change>,
    /// Configuration files that stay because somebody changed them since; absolute paths.
    pub kept_files: Vec<String>,
    /// What was neither kept nor compared, because there is too much of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// The folder with their older contents; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_files: Option<String>,
    /// Why it was not rehearsed although it should have been; absent when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_rehearsed: Option<String>,
    /// Set when it did not go through; one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// With a failure: what a person does now, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next_steps: Vec<String>,
}
