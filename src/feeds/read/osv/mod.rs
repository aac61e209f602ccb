//! OSV records. What they all have in common is little: which id names the
//! vulnerability, what a package is, where the rating stands, and what it means
//! that there is no fix, each distribution decides for itself.

mod ecosystem;
mod record;

use std::collections::{BTreeMap, BTreeSet};

use ecosystem::Ecosystem;
use record::{Affected, Package, Range, Rating, Record, Specific};
use serde_json::value::RawValue;

use super::advisories::{Gathering, Kind};
use super::archive;
use super::bounded::Bounded;
use super::intake::{Container, whole};
use super::tally::Tally;
use super::unreadable::Unreadable;
use super::words;
use crate::feeds::{Reason, Request};
use crate::model::{CveId, FixPlan, PackageName, Severity, Status, Version, Word};

/// The longest record that comes without a zip.
const ALONE: usize = 16 << 20;

/// Ids of advisories of which each vulnerability has a record of its own.
const LABELS: [&str; 4] = ["DSA-", "DLA-", "DTSA-", "USN-"];

/// Live patches: they replace no package.
const LIVE_PATCH: &str = "LSN-";

/// Reads one record, or a zip of them.
pub(super) fn read(
    container: Container<'_>,
    request: &Request,
    tally: &mut Tally,
) -> Result<Gathering, Unreadable> {
    let mut reading = Reading {
        ecosystem: Ecosystem::of(request)?,
        gathering: Gathering::default(),
        tally,
    };
    match container {
        Container::Zip(packed) => archive::each_json(packed, |text| {
            reading.take(text);
            Ok(())
        })?,
        Container::Text(text) => {
            let mut record = Vec::new();
            whole(text, ALONE, &mut record)?;
            reading.take(&record);
        }
    }
    Ok(reading.gathering)
}

struct Reading<'a> {
    ecosystem: Ecosystem<'a>,
    gathering: Gathering,
    tally: &'a mut Tally,
}

/// What a record is about, whatever packages it names.
struct Subject {
    kind: Kind,
    cves: BTreeSet<CveId>,
    /// The word of each package, but for its status and channel.
    word: Word,
}

impl Reading<'_> {
    fn take(&mut self, text: &[u8]) {
        let record = serde_json::from_slice::<Record>(text).map_err(|_| Reason::Malformed);
        let Some(record) = self.tally.kept(record) else {
            return;
        };
        let Some(subject) = self.tally.kept(subject(&record)) else {
            return;
        };
        let mut found: Result<(), Reason> = Err(Reason::Elsewhere);
        // Several sources of a SUSE record name the same binaries.
        let mut said: BTreeSet<(PackageName, Word)> = BTreeSet::new();
        for affected in &record.affected.0 {
            match self.words(affected, &subject.word) {
                Ok(words) => {
                    said.extend(words);
                    found = Ok(());
                }
                // The record is counted once, below.
                Err(Reason::Elsewhere) => {}
                Err(Reason::OtherChannel) => found = found.or(Err(Reason::OtherChannel)),
                Err(reason) => {
                    self.tally.skip(reason);
                    found = Ok(());
                }
            }
        }
        self.tally.kept(found);
        for (package, word) in &said {
            for cve in &subject.cves {
                self.gathering.add(subject.kind, package, word, *cve);
            }
        }
    }

    /// What is said of one package, or of each binary package of a source.
    fn words(
        &self,
        affected: &RawValue,
        common: &Word,
    ) -> Result<Vec<(PackageName, Word)>, Reason> {
        let affected: Affected =
            serde_json::from_str(affected.get()).map_err(|_| Reason::Malformed)?;
        let package = affected.package.as_ref().ok_or(Reason::Malformed)?;
        let channel = self.ecosystem.channel(package)?;
        let specific = affected.ecosystem_specific.as_ref();
        let urgency = specific.and_then(|it| it.urgency.as_deref());
        let priority = specific.and_then(|it| it.ubuntu_priority.as_deref());
        let rating = priority.or(urgency).and_then(words::severity);
        let word = |status| Word {
            status,
            severity: common.severity.or(rating),
            channel: channel.clone(),
            label: common.label.clone(),
            published: common.published,
        };
        let binaries = binaries(package, specific)?;
        if binaries.is_empty() {
            let plan = match urgency {
                Some("end-of-life") => FixPlan::EndOfLife,
                _ => FixPlan::Undecided,
            };
            let status = status(&affected.ranges.0, plan)?;
            return Ok(vec![(words::package(&package.name)?, word(status))]);
        }
        let said = binaries.into_iter().map(|(name, version)| {
            let version = words::version(&version)?;
            Ok((words::package(&name)?, word(Status::Fixed { version })))
        });
        said.collect()
    }
}

/// SUSE names the binary packages of each source with their fixed versions.
type Binaries = Bounded<BTreeMap<String, String>, 4096>;

fn binaries(
    package: &Package,
    specific: Option<&Specific>,
) -> Result<BTreeMap<String, String>, Reason> {
    let names = ["SUSE:", "openSUSE:"];
    let is_suse = names.iter().any(|it| package.ecosystem.starts_with(it));
    match specific.and_then(|it| it.binaries).filter(|_| is_suse) {
        Some(text) => {
            let lists: Binaries =
                serde_json::from_str(text.get()).map_err(|_| Reason::Malformed)?;
            Ok(lists.0.into_iter().flatten().collect())
        }
        None => Ok(BTreeMap::new()),
    }
}

/// The last event of a package's history decides. Without one, what is listed as
/// affected is.
fn status(ranges: &[Range], plan: FixPlan) -> Result<Status, Reason> {
    let ranges = ranges.iter().filter(|it| it.kind == "ECOSYSTEM");
    let mut fixed: Option<Version> = None;
    for event in ranges.flat_map(|it| &it.events.0) {
        match (&event.fixed, &event.introduced) {
            (Some(version), _) => fixed = fixed.max(Some(words::version(version)?)),
            (None, Some(since)) if since != "0" => {
                let since = words::version(since)?;
                fixed = fixed.filter(|fixed| *fixed > since);
            }
            _ => {}
        }
    }
    Ok(match fixed {
        Some(version) if version.as_str() == "0" => Status::NotAffected,
        Some(version) => Status::Fixed { version },
        None => Status::Open { plan },
    })
}

fn subject(record: &Record) -> Result<Subject, Reason> {
    if record.withdrawn.is_some() {
        return Err(Reason::Withdrawn);
    }
    let id = record.id.as_ref();
    if id.starts_with(LIVE_PATCH) {
        return Err(Reason::Elsewhere);
    }
    let own = words::cve(id);
    let others = [&record.aliases, &record.upstream, &record.related];
    let others = others.into_iter().flat_map(|it| &it.0);
    let cves: BTreeSet<CveId> = match own {
        Some(cve) => BTreeSet::from([cve]),
        None => others.filter_map(|it| words::cve(it)).collect(),
    };
    if cves.is_empty() {
        return Err(Reason::NoCve);
    }
    let lends = LABELS.iter().any(|name| id.starts_with(name));
    // The date of a vulnerability is not that of an advisory.
    let published = record.published.as_deref().filter(|_| own.is_none());
    Ok(Subject {
        kind: if lends { Kind::Label } else { Kind::Record },
        cves,
        word: Word {
            status: Status::Undetermined,
            severity: severity(record),
            channel: None,
            label: own.is_none().then(|| words::label(id)).flatten(),
            published: published.and_then(words::day),
        },
    })
}

/// Ubuntu has it among the ratings, `AlmaLinux` before the colon of its summary.
fn severity(record: &Record) -> Option<Severity> {
    let by_ubuntu = |it: &&Rating| it.by.as_deref() == Some("Ubuntu");
    let rating = record.severity.0.iter().find(by_ubuntu);
    let rating = rating.and_then(|it| words::severity(it.score.as_deref()?));
    rating.or_else(|| words::severity(record.summary.as_deref()?.split_once(": ")?.0))
}

#[cfg(test)]
mod tests;
