//! What can be rolled back.

use std::path::Path;

use super::time;
use crate::control::ControlError;
use crate::control::document::{RestorePoint, RestorePoints};
use crate::model::{ExitCode, KeptPoint, RunId};
use crate::worker::restore_points as kept;

pub(super) fn restore_points(folder: &Path) -> Result<RestorePoints, ControlError> {
    let points = read(folder)?;
    let document = |point: &KeptPoint| RestorePoint {
        run: point.run.to_string(),
        taken_at: time(point.at),
        packages: point.packages,
        disk_bytes: point.bytes,
        rolled_back_at: point.rolled_back.map(time),
    };
    Ok(RestorePoints {
        schema: "patchd/restore-points/1".to_owned(),
        restore_points: points.iter().rev().map(document).collect(),
        disk_bytes: points.iter().map(|point| point.bytes).sum(),
    })
}

/// The run that is meant by whoever wants to roll back: this one, or the latest
/// that was not rolled back yet.
pub fn to_roll_back(folder: &Path, wanted: Option<RunId>) -> Result<RunId, ControlError> {
    let points = read(folder)?;
    let found = match wanted {
        Some(run) => points.iter().find(|point| point.run == run),
        None => points.iter().rfind(|point| point.rolled_back.is_none()),
    };
    found.map(|point| point.run).ok_or_else(|| {
        let which = wanted.map_or_else(
            || "that was not used yet".to_owned(),
            |run| format!("of run {run}"),
        );
        let sentence = format!(
            "there is no restore point {which}; `patchd rollback --list` shows those that are kept"
        );
        ControlError::failed(sentence, ExitCode::Usage)
    })
}

fn read(folder: &Path) -> Result<Vec<KeptPoint>, ControlError> {
    kept(folder).map_err(|cause| {
        let sentence = format!(
            "the list of restore points in {} cannot be read: {cause}; run this with sudo",
            folder.display()
        );
        ControlError::failed(sentence, ExitCode::Failed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::files;

    #[test]
    fn without_a_name_the_latest_run_that_was_not_rolled_back_is_meant() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = |at| RunId::new(at, 7);
        assert!(to_roll_back(folder.path(), None).is_err());
        let points = serde_json::json!([
            {"run": run(1), "at": "2026-11-20T03:00:00Z", "packages": 2, "bytes": 10},
            {"run": run(2), "at": "2026-11-21T03:00:00Z", "packages": 1, "bytes": 20},
            {"run": run(3), "at": "2026-11-21T04:00:00Z", "packages": 1, "bytes": 30,
             "rolled_back": "2026-11-21T05:00:00Z"},
        ]);
        let path = folder.path().join("restore-points.json");
        files::replace(&path, points.to_string().as_bytes(), 0o640).expect("written");
        let meant = |wanted| to_roll_back(folder.path(), wanted).ok();
        assert_eq!(meant(None), Some(run(2)));
        assert_eq!(meant(Some(run(3))), Some(run(3)));
        assert_eq!(meant(Some(run(4))), None);
        let document = restore_points(folder.path()).expect("read");
        assert_eq!(document.disk_bytes, 60);
        assert_eq!(document.restore_points[0].run, run(3).to_string());
    }
}
