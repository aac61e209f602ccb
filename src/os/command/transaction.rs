//! Transactions: nothing they write to is a pipe, and nobody of ours ends them.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use super::{Command, CommandError, Runner, code};

/// How often whoever waits for it may look at it.
const LOOK: Duration = Duration::from_millis(200);

/// A transaction that was started. Dropping it does not end it.
#[derive(Debug)]
pub struct Transaction {
    child: tokio::process::Child,
    /// Its process id.
    pub pid: u32,
}

impl Transaction {
    /// Starts `command`, as `runner` starts it, with its standard output and error appended to `output`.
    /// `status`, when given, is opened for it, and the number of its descriptor
    /// in the child is passed to `with_descriptor`, which returns further
    /// arguments (such as `-o APT::Status-Fd=7`). Nothing it writes to is a
    /// pipe: it lives on when we die.
    pub fn start(
        runner: &dyn Runner,
        command: &Command,
        output: &Path,
        status: Option<&Path>,
        with_descriptor: impl FnOnce(i32) -> Vec<String>,
    ) -> Result<Self, CommandError> {
        let output = append(output).map_err(|cause| command.lost(cause))?;
        let errors = output.try_clone().map_err(|cause| command.lost(cause))?;
        let status = status
            .map(open_inheritable)
            .transpose()
            .map_err(|cause| command.lost(cause))?;
        let kept = status.as_ref().map(AsRawFd::as_raw_fd);
        let more = kept.map(with_descriptor).unwrap_or_default();
        let command = runner.transaction(&command.clone().args(more), kept);
        let child = command
            .prepare()?
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(false)
            .spawn()
            .map_err(|cause| command.start_error(cause))?;
        // A child that was not waited for yet always has its id.
        let pid = child.id().unwrap_or_default();
        Ok(Self { child, pid })
    }

    /// Waits for its end, however long that takes, and calls `meanwhile` five
    /// times a second. Returns its exit status.
    pub async fn wait(&mut self, meanwhile: &mut dyn FnMut()) -> std::io::Result<i32> {
        loop {
            match tokio::time::timeout(LOOK, self.child.wait()).await {
                Ok(ended) => return ended.map(code),
                Err(_) => meanwhile(),
            }
        }
    }
}

/// Whoever writes to it leaves what others have written.
pub(super) fn append(path: &Path) -> std::io::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .mode(0o640)
        .open(path)
}

/// A descriptor that a child keeps: the only one we open without `CLOEXEC`.
fn open_inheritable(path: &Path) -> std::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND;
    Ok(rustix::fs::open(path, flags, Mode::from_raw_mode(0o640))?)
}
