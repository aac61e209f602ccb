//! Opening the file, and bringing it to this program's schema.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::schema::MIGRATIONS;
use crate::model::ExitCode;

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A newer patchd has written it.
    #[error(
        "{path} has schema {found}, and this patchd knows {known} at most; install the newer patchd again, or move the file away to start afresh"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The newest that we know.
        known: usize,
    },
    /// The disk is full.
    #[error("no space left to write {path}; free some on its file system, then run it again")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// We may not open it.
    #[error("{path} is for root alone; run this with sudo")]
    NotPermitted {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else writes for too long.
    #[error("{path} is in use by another process for too long; run it again, nothing was lost")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The disk fails, or is full.
    #[error("cannot write {path}: {cause}; check space and health of its file system")]
    Disk {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        cause: rusqlite::Error,
    },
    /// SQLite cannot read it.
    #[error(
        "cannot use {path}: {cause}; if it is damaged, move it away and patchd starts a new one"
    )]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        cause: rusqlite::Error,
    },
    /// A row holds something that this program did not write.
    #[error(
        "{path} holds {what} that cannot be read: {cause}; move it away and patchd starts a new one"
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// Which value.
        what: &'static str,
        /// Why not.
        cause: String,
    },
    /// The file or its folder.
    #[error("cannot use {path}: {cause}; check its owner and mode")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
}

impl LedgerError {
    /// What the program exits with because of it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NotPermitted { .. } => ExitCode::NotPermitted,
            Self::TooNew { .. } | Self::Full { .. } | Self::Disk { .. } => ExitCode::NeedsHuman,
            Self::Busy { .. } => ExitCode::Deferred,
            Self::Database { .. } | Self::Content { .. } | Self::File { .. } => ExitCode::Failed,
        }
    }
}

/// The ledger. Every write is on disk when the call returns.
#[derive(Debug)]
pub struct Ledger {
    pub(super) database: Connection,
    path: PathBuf,
}

impl Ledger {
    /// Opens or creates the ledger for writing.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        prepare(path)?;
        let database = Connection::open(path).map_err(|cause| classify(path, cause))?;
        let mut ledger = Self {
            database,
            path: path.to_owned(),
        };
        ledger.configure().map_err(|cause| classify(path, cause))?;
        ledger.migrate()?;
        Ok(ledger)
    }

    /// Opens an existing ledger for questions; `None` where there is none yet.
    pub fn open_existing(path: &Path) -> Result<Option<Self>, LedgerError> {
        match File::open(path) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(file_error(path, cause)),
            Ok(_) => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database =
            Connection::open_with_flags(path, flags).map_err(|cause| classify(path, cause))?;
        let ledger = Self {
            database,
            path: path.to_owned(),
        };
        let wait = ledger
            .database
            .busy_timeout(std::time::Duration::from_secs(5));
        wait.map_err(|cause| ledger.error(cause))?;
        match ledger.version()? {
            version if version == MIGRATIONS.len() => Ok(Some(ledger)),
            version if version > MIGRATIONS.len() => Err(ledger.too_new(version)),
            _ => Self::open(path).map(Some),
        }
    }

    fn configure(&self) -> rusqlite::Result<()> {
        self.database
            .busy_timeout(std::time::Duration::from_secs(5))?;
        self.database.pragma_update(None, "journal_mode", "WAL")?;
        self.database.pragma_update(None, "synchronous", "FULL")?;
        self.database.pragma_update(None, "foreign_keys", true)
    }

    fn version(&self) -> Result<usize, LedgerError> {
        let ask = self
            .database
            .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
        let version = ask.map_err(|cause| self.error(cause))?;
        Ok(usize::try_from(version).unwrap_or(usize::MAX))
    }

    fn migrate(&mut self) -> Result<(), LedgerError> {
        let found = self.version()?;
        if found > MIGRATIONS.len() {
            return Err(self.too_new(found));
        }
        if found > 0 && found < MIGRATIONS.len() {
            self.keep_copy(found)?;
        }
        let path = self.path.clone();
        for (number, migration) in MIGRATIONS.iter().enumerate().skip(found) {
            let run = |database: &mut Connection| {
                let transaction = database.transaction()?;
                transaction.execute_batch(migration)?;
                transaction.pragma_update(
                    None,
                    "user_version",
                    i64::try_from(number + 1).unwrap_or(i64::MAX),
                )?;
                transaction.commit()
            };
            run(&mut self.database).map_err(|cause| classify(&path, cause))?;
        }
        Ok(())
    }

    /// The old file stays as `ledger.db.schema-N`, so that an old patchd can be put back.
    fn keep_copy(&self, version: usize) -> Result<(), LedgerError> {
        let copy = with_ending(&self.path, &format!(".schema-{version}"));
        if copy.exists() {
            return Ok(());
        }
        self.database
            .backup("main", &copy, None::<fn(rusqlite::backup::Progress)>)
            .map_err(|cause| classify(&copy, cause))
    }

    /// When this older program was put back: the file from before the newer one's
    /// migration takes its place again, and the newer one stays under the name that
    /// is returned. `None` without such a file.
    pub fn put_back(path: &Path) -> Result<Option<PathBuf>, LedgerError> {
        let copy = with_ending(path, &format!(".schema-{}", MIGRATIONS.len()));
        if !copy.exists() {
            return Ok(None);
        }
        let aside = with_ending(path, ".newer");
        for ending in ["-wal", "-shm", ""] {
            match std::fs::rename(with_ending(path, ending), with_ending(&aside, ending)) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                    return Err(file_error(path, cause));
                }
                _ => {}
            }
        }
        std::fs::rename(&copy, path).map_err(|cause| file_error(&copy, cause))?;
        Ok(Some(aside))
    }

    fn too_new(&self, found: usize) -> LedgerError {
        LedgerError::TooNew {
            path: self.path.clone(),
            found,
            known: MIGRATIONS.len(),
        }
    }

    /// A transaction that writes, from its beginning: it waits for another writer
    /// instead of failing half-way.
    pub(super) fn begin(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.database
            .transaction_with_behavior(TransactionBehavior::Immediate)
    }

    pub(super) fn error(&self, cause: rusqlite::Error) -> LedgerError {
        classify(&self.path, cause)
    }

    pub(super) fn content(&self, what: &'static str, cause: &dyn std::fmt::Display) -> LedgerError {
        LedgerError::Content {
            path: self.path.clone(),
            what,
            cause: cause.to_string(),
        }
    }
}

/// The ledger's folder, 0711: others may reach `metrics/` in it.
pub fn make_folder(folder: &Path) -> Result<(), LedgerError> {
    if folder.exists() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o711).create(folder);
    made.map_err(|cause| file_error(folder, cause))
}

/// The folder, and the file (0600).
fn prepare(path: &Path) -> Result<(), LedgerError> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let opened = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    opened.map(drop).map_err(|cause| file_error(path, cause))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn file_error(path: &Path, cause: std::io::Error) -> LedgerError {
    let path = path.to_owned();
    match cause.kind() {
        std::io::ErrorKind::PermissionDenied => LedgerError::NotPermitted { path },
        std::io::ErrorKind::StorageFull => LedgerError::Full { path },
        _ => LedgerError::File { path, cause },
    }
}

fn classify(path: &Path, cause: rusqlite::Error) -> LedgerError {
    let path = path.to_owned();
    match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LedgerError::Full { path },
        Some(ErrorCode::PermissionDenied) => LedgerError::NotPermitted { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LedgerError::Busy { path },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
            LedgerError::Disk { path, cause }
        }
        _ => LedgerError::Database { path, cause },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn a_ledger_of_a_newer_patchd_is_left_alone() {
        let folder = folder();
        let path = folder.path().join("ledger.db");
        drop(Ledger::open(&path).expect("created"));
        let database = Connection::open(&path).expect("opened");
        database
            .pragma_update(None, "user_version", 99)
            .expect("set");
        drop(database);
        for refused in [
            Ledger::open(&path).map(drop),
            Ledger::open_existing(&path).map(drop),
        ] {
            let error = refused.expect_err("newer");
            assert!(
                matches!(error, LedgerError::TooNew { found: 99, .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn a_ledger_goes_back_with_the_program_that_cannot_read_the_newer_one() {
        let folder = folder();
        let path = folder.path().join("ledger.db");
        let ledger = Ledger::open(&path).expect("created");
        ledger.keep_copy(MIGRATIONS.len()).expect("kept");
        drop(ledger);
        let newer = Connection::open(&path).expect("opened");
        newer.pragma_update(None, "user_version", 99).expect("set");
        drop(newer);

        let aside = Ledger::put_back(&path).expect("moved").expect("a copy");
        drop(Ledger::open(&path).expect("readable again"));
        assert!(matches!(
            Ledger::open(&aside),
            Err(LedgerError::TooNew { .. })
        ));
        assert_eq!(Ledger::put_back(&path).expect("asked"), None);
    }

    #[test]
    fn a_file_that_is_no_database_is_named_with_what_to_do() {
        let folder = folder();
        let path = folder.path().join("ledger.db");
        crate::os::files::replace(&path, &[7; 4096], 0o600).expect("written");
        let error = Ledger::open(&path).expect_err("garbage");
        assert!(error.to_string().contains("move it away"), "{error}");
    }

    #[test]
    fn no_ledger_is_an_answer_and_creates_none() {
        let folder = folder();
        let path = folder.path().join("ledger.db");
        assert!(Ledger::open_existing(&path).expect("an answer").is_none());
        assert!(!path.exists());
    }

    /// A ledger as the program with schema 1 has left it.
    const SCHEMA_1: &str = include_str!("../../tests/fixtures/state/schema-1.sql");

    #[test]
    fn an_older_ledger_is_kept_beside_and_goes_on() {
        let folder = folder();
        let path = folder.path().join("ledger.db");
        let old = Connection::open(&path).expect("created");
        old.execute_batch(SCHEMA_1).expect("written");
        drop(old);
        let ledger = Ledger::open_existing(&path)
            .expect("opened")
            .expect("there");
        assert_eq!(ledger.version().expect("read"), MIGRATIONS.len());
        let run = ledger.runs(9).expect("read").pop().expect("one");
        assert_eq!(run.summary.as_deref(), Some("2 packages changed"));
        assert_eq!(run.opened.closes_at, None);
        let detail = ledger.run(run.opened.id).expect("read").expect("there");
        assert_eq!((detail.transitions.len(), detail.decisions.len()), (7, 2));

        let copy = Connection::open(folder.path().join("ledger.db.schema-1")).expect("kept");
        let read = |query: &str| copy.query_row(query, [], |row| row.get::<_, i64>(0));
        assert_eq!(read("PRAGMA user_version"), Ok(1));
        assert_eq!(read("SELECT count(*) FROM run"), Ok(1));
    }

    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let path = folder.path().join("state").join("ledger.db");
        drop(Ledger::open(&path).expect("created"));
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
