//! Building it from the records of all feeds. Both are sorted, so that no more
//! than a package's records are held at once, and the threats that count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Error};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Statement, Transaction, params};

use super::error::IndexError;
use super::schema::{FORMAT, TABLES, day, pack, severity, status};
use crate::feeds::line::{Format, Line};
use crate::feeds::shelf::Shelf;
use crate::model::{Advisory, CveId, Distribution, PackageName, Threat, Word};
use crate::os::files;

/// The first of these that is kept has the advisories: they say the same in
/// different words, and the distribution's own count.
const ADVISORIES: [Format; 3] = [Format::DebianTracker, Format::Updateinfo, Format::Osv];
const THREATS: [Format; 3] = [Format::Kev, Format::Epss, Format::Ssvc];

/// Builds the index of this release at `path` from what is on the shelf.
pub(in crate::feeds) fn build(
    shelf: &Shelf,
    distribution: &Distribution,
    now: Timestamp,
    path: &Path,
) -> Result<(), IndexError> {
    let beside = path.with_extension("db.new");
    let built = fresh(&beside)
        .and_then(|()| fill(shelf, distribution, now, &beside))
        .and_then(|()| put(&beside, path));
    built.map_err(|cause| IndexError::Build {
        path: path.to_owned(),
        cause,
    })
}

/// An empty file of ours alone: of an attempt that was killed nothing is left.
fn fresh(path: &Path) -> io::Result<()> {
    File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(files::no_follow())
        .open(path)
        .map(drop)
}

fn put(beside: &Path, path: &Path) -> io::Result<()> {
    File::open(beside)?.sync_all()?;
    std::fs::rename(beside, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn fill(shelf: &Shelf, distribution: &Distribution, now: Timestamp, path: &Path) -> io::Result<()> {
    let mut database = Connection::open(path).map_err(Error::other)?;
    // It is synced as a whole at the end, and thrown away before that.
    let pragmas = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2048;";
    database.execute_batch(pragmas).map_err(Error::other)?;
    let filling = database.transaction().map_err(Error::other)?;
    filling.execute_batch(TABLES).map_err(Error::other)?;
    let mut feeds = BTreeMap::new();
    let kept = |format: &Format| shelf.state(*format).content_for(distribution).is_some();
    let mut cves = BTreeSet::new();
    if let Some(format) = ADVISORIES.into_iter().find(|it| kept(it)) {
        let count = advise(shelf, format, &filling, &mut cves)?;
        feeds.insert(format.name(), count);
    }
    let mut threats = BTreeMap::new();
    for format in THREATS.into_iter().filter(|it| kept(it)) {
        feeds.insert(format.name(), gather(shelf, format, &cves, &mut threats)?);
    }
    write_threats(&filling, &threats)?;
    let header = params![
        FORMAT,
        serde_json::to_string(distribution)?,
        now.to_string(),
        serde_json::to_string(&feeds)?
    ];
    let insert = "INSERT INTO header VALUES (1, ?1, ?2, ?3, ?4)";
    filling.execute(insert, header).map_err(Error::other)?;
    filling.commit().map_err(Error::other)?;
    database.close().map_err(|(_, cause)| Error::other(cause))
}

/// What is said of a package, as it comes together.
#[derive(Default)]
struct Said {
    package: Option<PackageName>,
    words: Vec<(Word, Vec<CveId>)>,
}

fn advise(
    shelf: &Shelf,
    format: Format,
    filling: &Transaction<'_>,
    cves: &mut BTreeSet<CveId>,
) -> io::Result<u64> {
    let insert = "INSERT INTO advised VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut insert = filling.prepare(insert).map_err(Error::other)?;
    let mut said = Said::default();
    let mut count = 0;
    for line in shelf.records(format)? {
        let Line::Advisory(Advisory { package, cve, word }) = line? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        if said.package.as_ref() != Some(&package) {
            write_package(&mut insert, &said)?;
            said = Said {
                package: Some(package),
                words: Vec::new(),
            };
        }
        // The latest words are the likeliest to be said again.
        match said
            .words
            .iter_mut()
            .rev()
            .find(|(it, _)| is_same(it, &word))
        {
            Some((_, others)) => others.push(cve),
            None => said.words.push((word, vec![cve])),
        }
        cves.insert(cve);
        count += 1;
    }
    write_package(&mut insert, &said)?;
    Ok(count)
}

/// To the letter: versions that compare as equal are still written differently.
fn is_same(one: &Word, other: &Word) -> bool {
    one == other && status(&one.status).1 == status(&other.status).1
}

fn write_package(insert: &mut Statement<'_>, said: &Said) -> io::Result<()> {
    let Some(package) = &said.package else {
        return Ok(());
    };
    for (place, (word, cves)) in said.words.iter().enumerate() {
        let Word {
            status: of_status,
            severity: rated,
            channel,
            label,
            published,
        } = word;
        let (number, version) = status(of_status);
        insert
            .execute(params![
                package.as_str(),
                i64::try_from(place).map_err(Error::other)?,
                number,
                version,
                rated.map(severity),
                channel,
                label,
                published.map(day),
                pack(cves)
            ])
            .map_err(Error::other)?;
    }
    Ok(())
}

/// Of the vulnerabilities that this release has heard of, and of those that are
/// exploited.
fn gather(
    shelf: &Shelf,
    format: Format,
    cves: &BTreeSet<CveId>,
    threats: &mut BTreeMap<CveId, Threat>,
) -> io::Result<u64> {
    let mut count = 0;
    for line in shelf.records(format)? {
        let Line::Threat { cve, threat } = line? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        count += 1;
        if threat.exploited.is_some() || cves.contains(&cve) || threats.contains_key(&cve) {
            let known = threats.entry(cve).or_default();
            *known = Threat {
                exploited: known.exploited.or(threat.exploited),
                epss: known.epss.or(threat.epss),
                ssvc: known.ssvc.or(threat.ssvc),
                cvss: known.cvss.or(threat.cvss),
            };
        }
    }
    Ok(count)
}

fn write_threats(filling: &Transaction<'_>, threats: &BTreeMap<CveId, Threat>) -> io::Result<()> {
    let insert = "INSERT INTO threat VALUES (?1, ?2)";
    let mut insert = filling.prepare(insert).map_err(Error::other)?;
    for (cve, threat) in threats {
        let body = serde_json::to_string(threat)?;
        insert
            .execute(params![cve.to_bits(), body])
            .map_err(Error::other)?;
    }
    Ok(())
}
