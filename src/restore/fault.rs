//! What can go wrong with a restore point. Whatever it is: no package was touched.

use std::path::{Path, PathBuf};

use crate::model::RunId;

/// Why a point cannot be taken, or used.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A file or folder of ours or of dpkg.
    #[error("cannot use {}: {cause}; look at its disk, owner and mode", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// dpkg's own files say something that we do not understand.
    #[error("{} cannot be understood: {detail}; run `dpkg --audit`", path.display())]
    Database {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The packages are not in a state that one could come back to.
    #[error("{0}")]
    Unsound(String),
    /// Old and new versions together do not fit on the disk.
    #[error("{} has {free_mib} MiB left, and keeping the old versions takes {needed_mib} MiB more; make room, or set `restore = \"packages-only\"`", at.display())]
    NoRoom {
        /// Which file system.
        at: PathBuf,
        /// What is left there.
        free_mib: u64,
        /// What the links will hold once the files are replaced.
        needed_mib: u64,
    },
    /// The older packages are built before the way back, and that takes room.
    #[error("there is no room on {} for the older packages that are built in {} ({cause}); the restore point is whole, and nothing was touched; make room, for instance with `apt-get clean`", at.display(), folder.display())]
    Full {
        /// Which file system.
        at: PathBuf,
        /// Where they were to be.
        folder: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// There is no such point.
    #[error(
        "there is no restore point of run {0}; `patchd rollback --list` shows those that are kept"
    )]
    Absent(RunId),
    /// What was kept is not what was written.
    #[error(
        "the restore point of run {run} is damaged: {detail}; nothing was touched; install the older packages by hand, from a mirror or a backup"
    )]
    Damaged {
        /// Whose point.
        run: RunId,
        /// What is wrong with it.
        detail: String,
    },
    /// Somebody has changed packages meanwhile: since the plan, or since the run.
    #[error("{0}")]
    Overtaken(String),
    /// dpkg is used by somebody else.
    #[error("dpkg is used by another program; wait for it to end, and try again")]
    Locked,
}

/// The system's words about one file.
pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> RestoreError + use<> {
    let path = path.to_owned();
    move |cause| RestoreError::File { path, cause }
}
