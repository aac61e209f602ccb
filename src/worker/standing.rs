//! What an earlier run broke and nobody has mended yet. Without it the broken
//! state would be the next run's state before, and all would look well again.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::{Class, Finding, RunId};
use crate::os::files;
use crate::verify::{Observation, Touched};

/// Beside the records: the looks whose breaks stand.
const FILE: &str = "standing.json";

/// The largest such file that is read, bytes, and how many looks are kept.
const CAP: u64 = 64 << 20;
const KEPT: usize = 4;

/// The machine before a run, and what that run touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Look {
    pub run: RunId,
    pub before: Observation,
    pub touched: Touched,
}

impl Look {
    /// Whether the run of this look broke something that is still broken.
    pub fn stands(found: &[Finding]) -> bool {
        found.iter().any(|finding| finding.class == Class::Breaks)
    }

    /// What an earlier run broke, told in a later one. Only its breaks count.
    pub fn retell(&self, found: Vec<Finding>) -> Vec<Finding> {
        let run = self.run;
        let breaks = found
            .into_iter()
            .filter(|finding| finding.class == Class::Breaks);
        let retold = |finding: Finding| Finding {
            since: Some(run),
            detail: format!(
                "{} (since run {run}; if that is meant to be so, remove /var/lib/patchd-worker/{FILE})",
                finding.detail
            ),
            ..finding
        };
        breaks.map(retold).collect()
    }
}

/// The looks of other runs whose breaks stood when they were last compared.
pub(super) fn read(root: &Path, current: RunId) -> std::io::Result<Vec<Look>> {
    let path = root.join(FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let looks: Vec<Look> = serde_json::from_str(&files::read_bounded(&path, CAP)?)?;
    Ok(looks
        .into_iter()
        .filter(|look| look.run != current)
        .collect())
}

/// Keeps the newest ones that stand; with none the file goes.
pub(super) fn write(root: &Path, looks: &[Look]) -> std::io::Result<()> {
    let path = root.join(FILE);
    match looks.get(looks.len().saturating_sub(KEPT)..) {
        Some(kept) if !kept.is_empty() => files::replace(&path, &serde_json::to_vec(kept)?, 0o640),
        _ if path.exists() => std::fs::remove_file(&path),
        _ => Ok(()),
    }
}
