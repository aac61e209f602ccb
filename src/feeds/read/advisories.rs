//! Advisories by the hundred thousand, in little memory: package and word are
//! kept once for all that share them.

use std::collections::BTreeMap;

use super::tally::Tally;
use super::unreadable::Unreadable;
use crate::feeds::Reason;
use crate::model::{Advisory, CveId, PackageName, Word};

/// What may be taken, bytes: sixteen times what a whole release does.
const ROOM: usize = 32 << 20;

/// What a text takes beside its own bytes, about.
const TEXT: usize = 64;

/// What a word takes beside its texts, about.
const WORD: usize = 4 * TEXT;

/// Gathers advisories in any order.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    packages: BTreeMap<PackageName, u32>,
    words: BTreeMap<Word, u32>,
    rows: Vec<Row>,
    taken: usize,
}

/// One advisory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    package: u32,
    cve: CveId,
    kind: Kind,
    word: u32,
}

/// What a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// It is a record.
    Record,
    /// It lends its label and its date to the record of the same fix.
    Label,
}

impl Gathering {
    /// Takes one in. What there is no room for is dropped, and the end says so.
    pub fn add(&mut self, kind: Kind, package: &PackageName, word: &Word, cve: CveId) {
        if self.taken > ROOM {
            return;
        }
        let (packages, words) = (self.packages.len(), self.words.len());
        let package = number(&mut self.packages, package);
        let word = number(&mut self.words, word);
        self.rows.push(Row {
            package,
            cve,
            kind,
            word,
        });
        self.taken += size_of::<Row>()
            + TEXT * (self.packages.len() - packages)
            + WORD * (self.words.len() - words);
    }

    /// Ascending; what is said twice is said once.
    pub fn sorted(self, tally: &mut Tally) -> Result<Advisories, Unreadable> {
        if self.taken > ROOM {
            let sentence = format!("its records take more than {} MiB", ROOM >> 20);
            return Err(Unreadable::TooBig(sentence));
        }
        let (packages, package_ranks) = ranked(self.packages);
        let (words, word_ranks) = ranked(self.words);
        let mut rows = self.rows;
        for row in &mut rows {
            row.package = rank(&package_ranks, row.package);
            row.word = rank(&word_ranks, row.word);
        }
        rows.sort_unstable();
        let all = rows.len();
        rows.dedup();
        tally.skip_all(Reason::Repeated, (all - rows.len()) as u64);
        Ok(Advisories {
            packages,
            words,
            rows,
        })
    }
}

/// The number of something, which is new or not.
fn number<T: Ord + Clone>(known: &mut BTreeMap<T, u32>, it: &T) -> u32 {
    if let Some(number) = known.get(it) {
        return *number;
    }
    // There is no room for so many.
    let number = u32::try_from(known.len()).unwrap_or(u32::MAX);
    known.insert(it.clone(), number);
    number
}

/// In order, and for each number its place in it.
fn ranked<T>(known: BTreeMap<T, u32>) -> (Vec<T>, BTreeMap<u32, u32>) {
    let (sorted, numbers): (Vec<T>, Vec<u32>) = known.into_iter().unzip();
    (sorted, numbers.into_iter().zip(0..).collect())
}

fn rank(ranks: &BTreeMap<u32, u32>, number: u32) -> u32 {
    ranks.get(&number).copied().unwrap_or(number)
}

/// All of a feed's advisories, ascending by package, then by vulnerability.
#[derive(Debug, Default)]
pub struct Advisories {
    packages: Vec<PackageName>,
    words: Vec<Word>,
    rows: Vec<Row>,
}

impl Advisories {
    /// Whether there is no record among them.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.kind == Kind::Label)
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Advisory> {
        let of_one = |a: &Row, b: &Row| (a.package, a.cve) == (b.package, b.cve);
        self.rows.chunk_by(of_one).flat_map(|rows| {
            let records = rows.iter().filter(|row| row.kind == Kind::Record);
            records.filter_map(|row| self.advisory(row, rows))
        })
    }

    /// A record, and what others of the same package and vulnerability lend it.
    fn advisory(&self, row: &Row, siblings: &[Row]) -> Option<Advisory> {
        let mut word = self.word(row)?.clone();
        let lenders = siblings.iter().filter(|row| row.kind == Kind::Label);
        let mut lenders = lenders.filter_map(|row| self.word(row));
        let same = |it: &&Word| it.status == word.status && it.channel == word.channel;
        if word.label.is_none()
            && let Some(lender) = lenders.find(same)
        {
            word.label.clone_from(&lender.label);
            word.published = lender.published;
        }
        let package = usize::try_from(row.package).ok();
        Some(Advisory {
            package: self.packages.get(package?)?.clone(),
            cve: row.cve,
            word,
        })
    }

    fn word(&self, row: &Row) -> Option<&Word> {
        self.words.get(usize::try_from(row.word).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Status, Version};

    fn fixed(version: &str, label: Option<&str>) -> Word {
        let version = Version::try_from(version.to_owned()).expect("valid");
        Word {
            status: Status::Fixed { version },
            severity: None,
            channel: None,
            label: label.map(str::to_owned),
            published: None,
        }
    }

    fn add(gathering: &mut Gathering, kind: Kind, package: &str, word: &Word, cve: &str) {
        let package = package.to_owned().try_into().expect("valid");
        let cve = cve.to_owned().try_into().expect("valid");
        gathering.add(kind, &package, word, cve);
    }

    #[test]
    fn they_come_out_in_order_and_each_once() {
        let mut gathering = Gathering::default();
        for (package, version, cve) in [
            ("zlib", "2", "CVE-2026-0001"),
            ("bash", "9", "CVE-2026-0003"),
            ("bash", "1", "CVE-2026-0002"),
            ("zlib", "2", "CVE-2026-0001"),
            ("bash", "3", "CVE-2025-9999"),
        ] {
            let word = fixed(version, None);
            add(&mut gathering, Kind::Record, package, &word, cve);
        }
        let mut tally = Tally::default();
        let sorted = gathering.sorted(&mut tally).expect("there is room");
        let shown = sorted.iter().map(|it| format!("{} {}", it.package, it.cve));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                "bash CVE-2025-9999",
                "bash CVE-2026-0002",
                "bash CVE-2026-0003",
                "zlib CVE-2026-0001",
            ]
        );
        assert_eq!(tally.words(), "1 repeated");
    }

    #[test]
    fn a_label_goes_to_the_record_of_the_same_fix() {
        let mut gathering = Gathering::default();
        let cve = "CVE-2026-0001";
        let (one, two) = (
            fixed("1", Some("DSA-5001-1")),
            fixed("2", Some("DSA-5001-2")),
        );
        add(&mut gathering, Kind::Label, "zlib", &two, cve);
        add(&mut gathering, Kind::Label, "zlib", &one, cve);
        add(&mut gathering, Kind::Label, "bash", &one, cve);
        assert!(
            Gathering::default()
                .sorted(&mut Tally::default())
                .expect("room")
                .is_empty()
        );
        add(&mut gathering, Kind::Record, "zlib", &fixed("2", None), cve);
        let sorted = gathering.sorted(&mut Tally::default()).expect("room");
        assert!(!sorted.is_empty());
        let labels = sorted.iter().map(|it| it.word.label);
        assert_eq!(labels.collect::<Vec<_>>(), [Some("DSA-5001-2".to_owned())]);
    }

    #[test]
    fn more_than_there_is_room_for_is_no_feed() {
        let mut gathering = Gathering::default();
        let word = fixed("1", None);
        for number in 0..ROOM / size_of::<Row>() + 10 {
            let bits = CveId::from_bits(u32::try_from(number).expect("few"));
            gathering.add(
                Kind::Record,
                &"bash".to_owned().try_into().expect("valid"),
                &word,
                bits,
            );
        }
        let fault = gathering.sorted(&mut Tally::default());
        assert!(matches!(fault, Err(Unreadable::TooBig(_))));
    }
}
