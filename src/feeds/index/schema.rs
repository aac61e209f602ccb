//! How it lies in the file: the tables, and what stands for what in them.

use jiff::civil::Date;
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};

use crate::model::{CveId, FixPlan, Severity, Status, Version, Word};

/// Changes with whatever an older patchd would misread.
pub(super) const FORMAT: i64 = 1;

/// No row ids: what belongs to a package lies together.
pub(super) const TABLES: &str = "
CREATE TABLE header (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    format      INTEGER NOT NULL,
    distribution TEXT NOT NULL,         -- model::Distribution as JSON
    built_at    TEXT NOT NULL,          -- RFC 3339
    feeds       TEXT NOT NULL           -- names and how many records, as JSON
) STRICT;

CREATE TABLE advised (
    package     TEXT NOT NULL,
    place       INTEGER NOT NULL,       -- 0, 1, … within the package
    status      INTEGER NOT NULL,
    version     TEXT,                   -- of a fix
    severity    INTEGER,
    channel     TEXT,
    label       TEXT,
    published   TEXT,
    cves        BLOB NOT NULL,          -- ascending, four bytes each, big end first
    PRIMARY KEY (package, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE threat (
    cve         INTEGER PRIMARY KEY,
    body        TEXT NOT NULL           -- model::Threat as JSON
) STRICT;
";

/// As a number, and with a fix its version.
pub(super) fn status(status: &Status) -> (i64, Option<&str>) {
    match status {
        Status::NotAffected => (0, None),
        Status::Fixed { version } => (1, Some(version.as_str())),
        Status::Undetermined => (2, None),
        Status::Open { plan } => (10 + plan_number(*plan), None),
    }
}

fn plan_number(plan: FixPlan) -> i64 {
    match plan {
        FixPlan::Undecided => 0,
        FixPlan::Minor => 1,
        FixPlan::Postponed => 2,
        FixPlan::Ignored => 3,
        FixPlan::EndOfLife => 4,
    }
}

pub(super) fn severity(severity: Severity) -> i64 {
    match severity {
        Severity::None => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

/// A row's word; its columns are those of the table from `status` on.
pub(super) fn word(row: &Row<'_>, from: usize) -> Result<Word> {
    let severity: Option<i64> = row.get(from + 2)?;
    let published: Option<String> = row.get(from + 5)?;
    let severity = severity.map(|it| severity_of(it).ok_or(wrong(from + 2, Type::Integer)));
    let published = published.map(|it| it.parse().map_err(|_| wrong(from + 5, Type::Text)));
    Ok(Word {
        status: status_of(row.get(from)?, row.get(from + 1)?).ok_or(wrong(from, Type::Integer))?,
        severity: severity.transpose()?,
        channel: row.get(from + 3)?,
        label: row.get(from + 4)?,
        published: published.transpose()?,
    })
}

fn status_of(number: i64, version: Option<String>) -> Option<Status> {
    let open = |plan| Some(Status::Open { plan });
    match number {
        0 => Some(Status::NotAffected),
        1 => {
            let version = Version::try_from(version?).ok()?;
            Some(Status::Fixed { version })
        }
        2 => Some(Status::Undetermined),
        10 => open(FixPlan::Undecided),
        11 => open(FixPlan::Minor),
        12 => open(FixPlan::Postponed),
        13 => open(FixPlan::Ignored),
        14 => open(FixPlan::EndOfLife),
        _ => None,
    }
}

fn severity_of(number: i64) -> Option<Severity> {
    match number {
        0 => Some(Severity::None),
        1 => Some(Severity::Low),
        2 => Some(Severity::Medium),
        3 => Some(Severity::High),
        4 => Some(Severity::Critical),
        _ => None,
    }
}

fn wrong(column: usize, kind: Type) -> Error {
    Error::InvalidColumnType(column, "a word's".to_owned(), kind)
}

/// Days as they are sorted.
pub(super) fn day(date: Date) -> String {
    date.to_string()
}

pub(super) fn pack(cves: &[CveId]) -> Vec<u8> {
    cves.iter()
        .flat_map(|cve| cve.to_bits().to_be_bytes())
        .collect()
}

/// `None` when that is no list of ids.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<CveId>> {
    let (ids, rest) = bytes.as_chunks();
    let ids = ids
        .iter()
        .map(|it| CveId::from_bits(u32::from_be_bytes(*it)));
    rest.is_empty().then(|| ids.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_what_it_was_made_from() {
        let plans = [
            FixPlan::Undecided,
            FixPlan::Minor,
            FixPlan::Postponed,
            FixPlan::Ignored,
            FixPlan::EndOfLife,
        ];
        let version = Version::try_from("1:2-3".to_owned()).expect("valid");
        let open = plans.map(|plan| Status::Open { plan });
        let others = [
            Status::NotAffected,
            Status::Undetermined,
            Status::Fixed { version },
        ];
        for it in open.into_iter().chain(others) {
            let (number, version) = status(&it);
            assert_eq!(status_of(number, version.map(str::to_owned)), Some(it));
        }
        for it in [
            Severity::None,
            Severity::Low,
            Severity::Medium,
            Severity::High,
            Severity::Critical,
        ] {
            assert_eq!(severity_of(severity(it)), Some(it));
        }
        assert_eq!(status_of(1, None), None);
        assert_eq!(status_of(99, None), None);
        assert_eq!(unpack(&[1, 2, 3]), None);
    }
}
