//! dpkg at work for us, and its locks. What it writes goes to a file; it is
//! never ended by us.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::fault::{RestoreError, file};
use super::site::Site;
use super::watch::{Step, Watch};
use crate::os::command::{Command, CommandError, Runner, Transaction};
use crate::os::process::Process;

/// The lock of everybody who uses dpkg for more than one call, and dpkg's own.
const FRONTEND: &str = "lock-frontend";
const DATABASE: &str = "lock";

/// A lock of this process. The kernel gives it up as soon as anything in the
/// process closes the same file.
pub struct Lock {
    _files: Vec<File>,
}

/// Both: nobody reads or writes the database but us.
pub fn lock(site: &Site) -> Result<Lock, RestoreError> {
    hold(site, &[FRONTEND, DATABASE])
}

/// The outer one: dpkg may be called by us, and by nobody else.
pub fn frontend(site: &Site) -> Result<Lock, RestoreError> {
    hold(site, &[FRONTEND])
}

/// The inner one, while the outer one is held.
pub fn database(site: &Site) -> Result<Lock, RestoreError> {
    hold(site, &[DATABASE])
}

fn hold(site: &Site, names: &[&str]) -> Result<Lock, RestoreError> {
    let mut files = Vec::new();
    for name in names {
        let path = site.dpkg(name);
        let opened = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o640)
            .open(&path)
            .map_err(file(&path))?;
        match rustix::fs::fcntl_lock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => files.push(opened),
            Err(Errno::AGAIN | Errno::ACCESS) => return Err(RestoreError::Locked),
            Err(errno) => return Err(file(&path)(errno.into())),
        }
    }
    Ok(Lock { _files: files })
}

/// Runs dpkg to its end. What it did, its database tells, and no exit status.
pub async fn perform(
    runner: &dyn Runner,
    command: &Command,
    log: &Path,
    watch: Watch<'_>,
) -> Result<(), CommandError> {
    let mut running = Transaction::start(runner, command, log, None, |_| Vec::new())?;
    let pid = running.pid;
    if let Some(process) = Process::of(pid) {
        watch(Step::Started(process));
    }
    // Without its status it is judged by what it did all the same.
    let _status = running.wait(&mut || watch(Step::AtWork { pid })).await;
    Ok(())
}
