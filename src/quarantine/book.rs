//! What is in quarantine, as it is kept.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{Change, KeptAway, PackageName, RunId};
use crate::os::files;

/// The book's name in the worker's folder.
pub const FILE: &str = "quarantine.json";

/// The largest book that is read, bytes.
const CAP: u64 = 64 << 20;

/// Harms that are kept; beyond them the oldest goes.
const ENTRIES: usize = 64;

/// How long a version is kept away unless it is let in before.
pub(super) const LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How many halves are tried before a person has to look.
pub(super) const TRIALS: u32 = 4;

/// Everything that is in quarantine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// One entry a harm, oldest first.
    pub entries: Vec<Entry>,
}

/// One harm, and what it is laid to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The run that it was seen in, or the order of whoever wrote it.
    pub run: RunId,
    /// Since when.
    pub since: Timestamp,
    /// Until when at the latest.
    pub until: Timestamp,
    /// One sentence.
    pub reason: String,
    /// What was seen, a line each.
    pub evidence: Vec<String>,
    /// Whether each suspect is to blame; otherwise it is one or some of them.
    pub known: bool,
    /// How many halves were let in to find out.
    pub trials: u32,
    /// Whether what is on trial is the half that seems to be harmless, because the
    /// other one did harm.
    pub cross_check: bool,
    /// Whether a run has begun since the harmless half was let in.
    #[serde(default)]
    pub had_its_run: bool,
    /// What it is laid to; what turned out to be harmless is gone from here.
    pub suspects: Vec<Suspect>,
}

/// The new versions out of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspect {
    /// The source package: what is built from it belongs together.
    pub source: PackageName,
    /// What was installed of it.
    pub changes: Vec<Change>,
    /// Whether it may come in now, to see what happens.
    pub on_trial: bool,
}

/// How far the search for a culprit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// All suspects are to blame.
    Known,
    /// The next runs let in one half each.
    Searching,
    /// That did not find it; a person has to.
    NeedsHuman,
}

impl Book {
    /// Reads it; empty where there is none.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        match files::read_bounded(path, CAP) {
            Ok(text) => Ok(serde_json::from_str(&text)?),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(cause),
        }
    }

    /// Replaces it at once.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        files::replace(path, &serde_json::to_vec(self)?, 0o640)
    }

    /// What nobody is to install now, each once.
    #[must_use]
    pub fn kept_away(&self) -> BTreeSet<KeptAway> {
        let suspects = self.entries.iter().flat_map(|entry| &entry.suspects);
        let kept = suspects.filter(|suspect| !suspect.on_trial);
        kept.flat_map(Suspect::versions).collect()
    }

    /// The entry that keeps this away.
    #[must_use]
    pub fn entry_of(&self, kept: &KeptAway) -> Option<&Entry> {
        self.entries.iter().find(|entry| {
            let mut suspects = entry.suspects.iter().filter(|it| !it.on_trial);
            suspects.any(|suspect| suspect.versions().any(|version| version == *kept))
        })
    }

    /// Lets in again what is built from, or is, a package of this name. Returns
    /// what that was.
    pub fn lift(&mut self, name: &PackageName) -> Vec<Suspect> {
        let mut lifted = Vec::new();
        for entry in &mut self.entries {
            lifted.extend(entry.suspects.extract_if(.., |it| it.is_of(name)));
        }
        self.tidy();
        lifted
    }

    /// Harms that nothing is laid to any more are forgotten, and the oldest of too many.
    pub(super) fn tidy(&mut self) {
        self.entries.retain(|entry| !entry.suspects.is_empty());
        let surplus = self.entries.len().saturating_sub(ENTRIES);
        self.entries.drain(..surplus);
    }
}

impl Entry {
    /// How far the search for the culprit is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let tries = self.suspects.iter().any(|suspect| suspect.on_trial);
        if self.known || (self.suspects.len() == 1 && !tries) {
            Standing::Known
        } else if tries || self.trials < TRIALS {
            Standing::Searching
        } else {
            Standing::NeedsHuman
        }
    }
}

impl Suspect {
    /// The versions that it stands for.
    pub fn versions(&self) -> impl Iterator<Item = KeptAway> {
        let versions = self.changes.iter().filter_map(|change| change.to.clone());
        versions.map(|version| KeptAway {
            source: self.source.clone(),
            version,
        })
    }

    /// Whether the name is that of the source or of a package.
    #[must_use]
    pub fn is_of(&self, name: &PackageName) -> bool {
        self.source == *name || self.changes.iter().any(|it| it.id.name == *name)
    }
}
