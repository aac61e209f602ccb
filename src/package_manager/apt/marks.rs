//! Automatic and manual marks. `apt-get install NAME=VERSION` marks everything
//! that it names as manual, so apt works on a copy of the marks that is thrown
//! away: those of the machine are never touched, at no moment. Packages that
//! are new are marked automatic afterwards.

use std::path::{Path, PathBuf};

use super::super::fault::Fault;
use super::commands;
use super::transaction::file_fault;
use crate::model::{Change, PackageId};
use crate::os::command::Runner;
use crate::os::files;

/// Where apt keeps the marks.
const MARKS: &str = "/var/lib/apt/extended_states";

/// A machine of 100,000 packages is below.
const CAP: u64 = 64 << 20;

/// So many names go into one call.
const BATCH: usize = 500;

/// The copy that apt may write.
#[must_use]
pub fn copy_in(folder: &Path) -> PathBuf {
    folder.join("extended-states")
}

/// Makes the copy.
pub fn shield(folder: &Path) -> Result<(), Fault> {
    let marks = match files::read_bounded(Path::new(MARKS), CAP) {
        Ok(marks) => marks,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(cause) => return Err(file_fault(Path::new(MARKS))(cause)),
    };
    let copy = copy_in(folder);
    files::replace(&copy, marks.as_bytes(), 0o640).map_err(file_fault(&copy))
}

/// Marks the packages that are new as automatic; all others still have theirs.
pub async fn restore(runner: &dyn Runner, changed: &[Change]) -> Result<(), Fault> {
    let new: Vec<&PackageId> = changed
        .iter()
        .filter(|change| change.from.is_none() && change.to.is_some())
        .map(|change| &change.id)
        .collect();
    for batch in new.chunks(BATCH) {
        let answer = runner
            .ask(&commands::mark_auto(batch.iter().copied()))
            .await?;
        if answer.status != 0 {
            return Err(Fault::Failed {
                program: "apt-mark auto",
                words: answer.last_words(),
                advice: "the packages are installed; mark the new ones with apt-mark auto",
            });
        }
    }
    Ok(())
}
