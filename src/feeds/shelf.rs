//! Where feeds are kept: a folder with the records of each, a JSON line each,
//! and its state. What is there is whole at any moment.

use std::fs::{DirBuilder, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::time::sleep;

use super::line::{Format, LINE, Line};
use super::state::State;
use crate::os::files;

/// How long somebody else who is at the feeds is waited for.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK: Duration = Duration::from_millis(200);

/// The folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf(PathBuf);

/// Held by whoever changes what is in it.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Records that are not in their place yet.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    beside: PathBuf,
    path: PathBuf,
}

impl Shelf {
    /// In this folder, which need not be there yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// What is known of a feed.
    #[must_use]
    pub fn state(&self, format: Format) -> State {
        let state = State::read(&self.state_file(format));
        // Without its records it says nothing.
        if self.records_file(format).is_file() {
            return state;
        }
        State {
            content: None,
            ..state
        }
    }

    pub(super) fn set_state(&self, format: Format, state: &State) -> io::Result<()> {
        state.write(&self.state_file(format))
    }

    /// The records of a feed, as they were checked when they came.
    pub(super) fn records(&self, format: Format) -> io::Result<Records> {
        File::open(self.records_file(format)).map(|file| Records(BufReader::new(file)))
    }

    /// Makes the folder, and waits until nobody else is at work in it.
    pub(super) async fn lock(&self) -> io::Result<Lock> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)?;
        let file = open(&self.0.join("lock"))?;
        let mut waited = Duration::ZERO;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(Errno::WOULDBLOCK) if waited < PATIENCE => {}
                Err(Errno::WOULDBLOCK) => return Err(io::ErrorKind::ResourceBusy.into()),
                Err(cause) => return Err(cause.into()),
            }
            sleep(LOOK).await;
            waited += LOOK;
        }
    }

    /// A file that is gone when nobody has it open any more.
    pub(super) fn scratch(&self) -> io::Result<File> {
        let path = self.0.join("raw");
        let file = open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    }

    pub(super) fn draft(&self, format: Format) -> io::Result<Draft> {
        let path = self.records_file(format);
        let beside = path.with_extension("records.new");
        let file = open(&beside)?;
        file.set_len(0)?;
        Ok(Draft { file, beside, path })
    }

    fn records_file(&self, format: Format) -> PathBuf {
        self.0.join(format!("{}.records", format.name()))
    }

    fn state_file(&self, format: Format) -> PathBuf {
        self.0.join(format!("{}.json", format.name()))
    }
}

impl Draft {
    pub fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Puts them in the place of those from before.
    pub fn keep(self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.beside, &self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        File::open(folder)?.sync_all()
    }
}

/// Records one after the other.
pub(super) struct Records(BufReader<File>);

impl Iterator for Records {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        let read = (&mut self.0).take(LINE as u64).read_until(b'\n', &mut line);
        match read {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&line).map_err(io::Error::from)),
            Err(cause) => Some(Err(cause)),
        }
    }
}
/// A file of ours: it is made if it is not there, and nobody follows a link.
fn open(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(files::no_follow())
        .open(path)
}
