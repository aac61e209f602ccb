//! `[hooks]` in the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::HookPoint;

/// Which programs run when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Absolute paths by point, in order.
    pub points: BTreeMap<HookPoint, Vec<PathBuf>>,
    /// How long each may take.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            points: BTreeMap::new(),
            timeout: Duration::from_mins(5),
        }
    }
}

impl Settings {
    /// The programs of one point.
    pub fn programs(&self, point: HookPoint) -> impl Iterator<Item = &Path> {
        let programs = self.points.get(&point).map(Vec::as_slice);
        programs.unwrap_or_default().iter().map(PathBuf::as_path)
    }
}
