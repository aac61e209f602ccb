//! Asking it. The file may be anything: whatever it holds that we would not have
//! written is an error, and no reason to stop.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::error::IndexError;
use super::schema::{FORMAT, unpack, word};
use crate::model::{Advised, CveId, Distribution, PackageName, Threat};

/// A word's columns, in the order in which they are read.
const WORD: &str = "status, version, severity, channel, label, published, cves";

/// The column behind a word that begins at the first.
const CVES: usize = 6;

/// An index of this release, open for questions.
#[derive(Debug)]
pub struct Index {
    database: Connection,
    path: PathBuf,
    header: Header,
}

/// What an index says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Whose vulnerabilities it knows.
    pub distribution: Distribution,
    /// When it was built.
    pub built_at: Timestamp,
    /// From what: names of feeds, and how many records each had.
    pub feeds: BTreeMap<String, u64>,
}

impl Index {
    /// Opens the index at `path`, if it is about this release.
    pub fn open(path: &Path, wanted: &Distribution) -> Result<Self, IndexError> {
        may_read(path)?;
        let damaged = |cause: rusqlite::Error| damaged(path, &cause);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(path, flags).map_err(damaged)?;
        let small = "PRAGMA cache_size = -512; PRAGMA mmap_size = 0; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;";
        database.execute_batch(small).map_err(damaged)?;
        let header = header(&database, path)?;
        if header.distribution != *wanted {
            return Err(IndexError::OtherRelease {
                path: path.to_owned(),
                found: Box::new(header.distribution),
                wanted: Box::new(wanted.clone()),
            });
        }
        Ok(Self {
            database,
            path: path.to_owned(),
            header,
        })
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// All that is said of vulnerabilities in a package.
    pub fn advised(&self, package: &PackageName) -> Result<Vec<Advised>, IndexError> {
        let question = format!("SELECT {WORD} FROM advised WHERE package = ?1 ORDER BY place");
        let answer = || {
            let mut question = self.database.prepare(&question)?;
            let rows = question.query_map([package.as_str()], |row| advised(row, 0))?;
            rows.collect::<rusqlite::Result<_>>()
        };
        answer().map_err(|cause| self.damaged(&cause))
    }

    /// Whether the release has heard of the package.
    pub fn knows(&self, package: &PackageName) -> Result<bool, IndexError> {
        let question = "SELECT 1 FROM advised WHERE package = ?1 AND place = 0";
        let answer = || {
            let mut question = self.database.prepare(question)?;
            question.exists([package.as_str()])
        };
        answer().map_err(|cause| self.damaged(&cause))
    }

    /// What the world says of a vulnerability; nothing where no feed does.
    pub fn threat(&self, cve: CveId) -> Result<Threat, IndexError> {
        let question = "SELECT body FROM threat WHERE cve = ?1";
        let answer = || {
            let mut question = self.database.prepare(question)?;
            let body = question.query_row([cve.to_bits()], |row| row.get::<_, String>(0));
            body.optional()
        };
        let body: Option<String> = answer().map_err(|cause| self.damaged(&cause))?;
        body.map_or(Ok(Threat::default()), |body| {
            serde_json::from_str(&body).map_err(|cause| self.damaged(&cause))
        })
    }

    /// As [`Self::threat`], of many; those of which nothing is said are left out.
    pub fn threats(
        &self,
        cves: impl IntoIterator<Item = CveId>,
    ) -> Result<BTreeMap<CveId, Threat>, IndexError> {
        let mut threats = BTreeMap::new();
        for cve in cves {
            let threat = self.threat(cve)?;
            if threat != Threat::default() {
                threats.insert(cve, threat);
            }
        }
        Ok(threats)
    }

    /// Which packages have a vulnerability, each with what is said of it alone.
    pub fn about(&self, cve: CveId) -> Result<Vec<(PackageName, Advised)>, IndexError> {
        let question = format!(
            "SELECT {WORD}, package FROM advised WHERE instr(cves, ?1) ORDER BY package, place"
        );
        let answer = || {
            let mut question = self.database.prepare(&question)?;
            let sought = cve.to_bits().to_be_bytes();
            let rows = question.query_map(params![sought.as_slice()], |row| {
                Ok((row.get::<_, String>(CVES + 1)?, advised(row, 0)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut found = Vec::new();
        for (name, advised) in answer().map_err(|cause| self.damaged(&cause))? {
            let name = PackageName::try_from(name).map_err(|cause| self.damaged(&cause))?;
            // Its four bytes may stand across two other ids.
            if advised.cves.contains(&cve) {
                let word = advised.word;
                let cves = vec![cve];
                found.push((name, Advised { word, cves }));
            }
        }
        Ok(found)
    }

    fn damaged(&self, cause: &dyn std::fmt::Display) -> IndexError {
        damaged(&self.path, cause)
    }
}

fn may_read(path: &Path) -> Result<(), IndexError> {
    let refused = |cause: std::io::Error| match cause.kind() {
        ErrorKind::NotFound => IndexError::Missing,
        ErrorKind::PermissionDenied => IndexError::NotPermitted {
            path: path.to_owned(),
        },
        _ => damaged(path, &cause),
    };
    std::fs::File::open(path).map(drop).map_err(refused)
}

/// Its format comes first: what stands behind a newer one may be anything.
fn header(database: &Connection, path: &Path) -> Result<Header, IndexError> {
    let damaged_so = |cause: &dyn std::fmt::Display| damaged(path, cause);
    let format = database.query_row("SELECT format FROM header", [], |row| row.get(0));
    match format.map_err(|cause| damaged_so(&cause))? {
        FORMAT => {}
        found if found > FORMAT => {
            return Err(IndexError::TooNew {
                path: path.to_owned(),
                found,
                known: FORMAT,
            });
        }
        older => return Err(damaged_so(&format!("format {older}"))),
    }
    let question = "SELECT distribution, built_at, feeds FROM header";
    let texts = database.query_row(question, [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    });
    let (distribution, built_at, feeds): (String, String, String) =
        texts.map_err(|cause| damaged_so(&cause))?;
    let built_at: Result<Timestamp, _> = built_at.parse();
    Ok(Header {
        distribution: serde_json::from_str(&distribution).map_err(|cause| damaged_so(&cause))?,
        built_at: built_at.map_err(|cause| damaged_so(&cause))?,
        feeds: serde_json::from_str(&feeds).map_err(|cause| damaged_so(&cause))?,
    })
}

fn advised(row: &Row<'_>, from: usize) -> rusqlite::Result<Advised> {
    let packed = row.get_ref(from + CVES)?;
    let cves = packed.as_blob().ok().and_then(unpack);
    let wrong = || {
        let what = "the ids of vulnerabilities".to_owned();
        rusqlite::Error::InvalidColumnType(from + CVES, what, packed.data_type())
    };
    Ok(Advised {
        cves: cves.ok_or_else(wrong)?,
        word: word(row, from)?,
    })
}

fn damaged(path: &Path, cause: &dyn std::fmt::Display) -> IndexError {
    IndexError::Damaged {
        path: path.to_owned(),
        what: cause.to_string(),
    }
}
