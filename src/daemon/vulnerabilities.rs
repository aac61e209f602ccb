//! What is open here: all that is installed, held against all that feeds say. It
//! gathers; the judging is `vulnerability`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;

use super::feeds::{Ways, library};
use super::parts::Parts;
use crate::feeds::{Freshness, Index, IndexError, Library, Standing};
use crate::model::{
    CveId, CveVerdict, Decided, InstalledPackage, LiveLook, PackageId, PackageName, PendingUpdate,
    RunningKernel, SourceVersion, Threat, Version,
};
use crate::policy::SeenVersions;
use crate::running;
use crate::vulnerability::{
    Advice, Aftermath, Case, Doubt, Feed, FeedState, Judgement, Machine, Ranking, Settings, Tally,
    judge, sources, stale_sources,
};
use crate::worker::FOLDER;

/// Everything that one look needs to know.
#[derive(Debug)]
pub struct Knowledge {
    installed: Vec<InstalledPackage>,
    kernel: RunningKernel,
    advice: Advice,
    state: FeedState,
    threats: BTreeMap<CveId, Threat>,
    settings: Settings,
}

/// Where a look finds what it needs to know.
#[derive(Debug, Clone)]
pub struct Lookup {
    library: Library,
    settings: Settings,
    kernel: RunningKernel,
    /// Who ran old code when somebody looked last in this boot.
    pub live: Option<LiveLook>,
}

/// What is open here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vulnerabilities {
    /// In numbers.
    pub tally: Tally,
    /// The most urgent first.
    pub open: Vec<OpenSource>,
    /// Whom nobody can vouch for, by the reason.
    pub unknown: BTreeMap<Doubt, Vec<String>>,
}

/// A source with something open, and what is built from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSource {
    /// What is installed; of a kernel, what runs.
    pub source: SourceVersion,
    /// Its packages here.
    pub packages: Vec<PackageId>,
    /// What is open, most urgent first.
    pub cases: Vec<Case>,
}

/// What became of the updates, and who runs what.
pub struct Since<'a> {
    /// What is on offer.
    pub updates: &'a [PendingUpdate],
    /// What becomes of each, in the same order.
    pub decisions: &'a [Decided],
    /// When each version was first seen on offer.
    pub clocks: &'a BTreeMap<PackageId, SeenVersions>,
    /// Who ran old code when somebody looked last in this boot.
    pub live: Option<&'a LiveLook>,
    /// Whose package each replaced file is.
    pub owners: &'a BTreeMap<String, PackageName>,
}

impl Lookup {
    /// On this machine; `None` in an image, of which nothing runs, and where nobody
    /// knows of which release it is.
    #[must_use]
    pub fn of<P>(parts: &Parts<P>) -> Option<Self> {
        let library = library(parts, Ways::OfThisMachine).ok();
        library.filter(|_| !parts.at_rest).map(|library| Self {
            library,
            settings: parts.settings.deadline,
            kernel: running::running_kernel(&running::kernel(Path::new("/"))),
            live: running::live_look(Path::new(FOLDER), &parts.host.boot_id),
        })
    }

    /// What the index says of all that is installed. Without one nothing is known,
    /// and that is told; it stops nobody.
    #[must_use]
    pub fn gather(&self, installed: Vec<InstalledPackage>, now: Timestamp) -> Knowledge {
        let mut knowledge = Knowledge {
            installed,
            kernel: self.kernel.clone(),
            advice: Advice::new(),
            state: FeedState::Absent,
            threats: BTreeMap::new(),
            settings: self.settings,
        };
        let index = self.library.open();
        let read = index.and_then(|index| knowledge.read(&index));
        knowledge.state = match read {
            Ok(()) => state(&self.library.standings(now)),
            Err(_) => FeedState::Absent,
        };
        knowledge
    }

    /// Files that somebody runs in a version that is gone.
    #[must_use]
    pub fn replaced_files(&self) -> Vec<String> {
        let old = self.live.iter().flat_map(|look| &look.old);
        let files: BTreeSet<&String> = old.flat_map(|old| &old.files).collect();
        files.into_iter().cloned().collect()
    }
}

impl Knowledge {
    fn read(&mut self, index: &Index) -> Result<(), IndexError> {
        for source in sources(&self.installed) {
            let advised = index.advised(&source)?;
            if !advised.is_empty() {
                self.advice.insert(source, advised);
            }
        }
        self.state = FeedState::Current;
        let matters = |verdict| !matches!(verdict, CveVerdict::NotAffected);
        let judged = self.judged(&[]);
        let groups = judged.judged.iter().flat_map(|judged| &judged.groups);
        let groups = groups.filter(|group| matters(group.verdict));
        let cves: BTreeSet<CveId> = groups
            .flat_map(|group| group.cves.iter().copied())
            .collect();
        self.threats = index.threats(cves)?;
        Ok(())
    }

    fn judged<'a>(&'a self, updates: &'a [PendingUpdate]) -> Judgement<'a> {
        let machine = Machine {
            installed: &self.installed,
            kernel: &self.kernel,
            updates,
        };
        let feed = Feed {
            advice: &self.advice,
            state: self.state,
        };
        judge(&machine, &feed)
    }

    /// Tells each version on offer what it would close here.
    pub fn tell_remedies(&self, updates: &mut [PendingUpdate]) {
        if self.state == FeedState::Absent {
            return;
        }
        let ranking = Ranking::new(&self.threats, &self.settings);
        let judgement = self.judged(updates);
        let of = |update: &PendingUpdate| {
            let offers = update.offers.iter();
            let remedies = offers.map(|offer| judgement.remedy(update, offer, &ranking));
            remedies.collect::<Vec<_>>()
        };
        let remedies: Vec<_> = updates.iter().map(of).collect();
        for (update, remedies) in updates.iter_mut().zip(remedies) {
            for (offer, remedy) in update.offers.iter_mut().zip(remedies) {
                offer.remedy = Some(remedy);
            }
        }
    }

    /// What is open, with what becomes of it.
    #[must_use]
    pub fn vulnerabilities(&self, since: &Since<'_>) -> Vulnerabilities {
        let judgement = self.judged(since.updates);
        let ranking = Ranking::new(&self.threats, &self.settings);
        let aftermath = self.aftermath(since);
        let first_seen = |source: &PackageName, fixed: &Version| since.first_seen(source, fixed);
        let mut open: Vec<OpenSource> = Vec::new();
        for judged in &judgement.judged {
            let cases = judged.open(&ranking, &aftermath, &first_seen);
            if !cases.is_empty() {
                let packages = judged.subject.packages.iter();
                open.push(OpenSource {
                    source: judged.subject.source.clone(),
                    packages: packages.map(|package| package.id.clone()).collect(),
                    cases,
                });
            }
        }
        open.sort_by_key(|open| open.cases.first().map(|case| (case.tier, case.due)));
        let mut unknown: BTreeMap<Doubt, Vec<String>> = BTreeMap::new();
        for it in &judgement.unknown {
            let named = it
                .package
                .map_or("kernel".to_owned(), |package| package.id.to_string());
            unknown.entry(it.why).or_default().push(named);
        }
        Vulnerabilities {
            tally: judgement.tally(),
            open,
            unknown,
        }
    }

    fn aftermath<'a>(&self, since: &Since<'a>) -> Aftermath<'a> {
        let source = |package: &PackageName| {
            let mut installed = self.installed.iter();
            let found = installed.find(|it| it.id.name == *package);
            found.map(|it| it.source.name.clone())
        };
        let owner = |file: &str| since.owners.get(file).and_then(&source);
        Aftermath {
            decided: since.updates.iter().zip(since.decisions).collect(),
            stale: since
                .live
                .map(|look| stale_sources(look, owner))
                .unwrap_or_default(),
            looked_at: since.live.map(|look| look.at),
            ..Aftermath::default()
        }
    }
}

impl Since<'_> {
    /// The first sight of a version of this source that has the fix. What was
    /// superseded counts, too.
    fn first_seen(&self, source: &PackageName, fixed: &Version) -> Option<Timestamp> {
        let ours = self
            .updates
            .iter()
            .filter(|update| update.source == *source);
        let sights = ours.flat_map(|update| {
            let seen = self.clocks.get(&update.id).map(|seen| seen.0.as_slice());
            let has_it = |version: &Version| {
                let mut offers = update.offers.iter();
                let offer = offers.find(|offer| offer.version == *version);
                let built_from = offer.and_then(|offer| offer.built_from.as_ref());
                built_from.map_or(version, |it| &it.version) >= fixed
            };
            let seen = seen.unwrap_or_default().iter();
            seen.filter(move |seen| has_it(&seen.version))
                .map(|seen| seen.at)
        });
        sights.min()
    }
}

/// The feed that names packages decides; the others only add to what it says.
fn state(standings: &[Standing]) -> FeedState {
    let of_release = standings.iter().filter(|it| it.format.is_of_release());
    let best = of_release.map(|it| match it.freshness {
        Freshness::Fresh => FeedState::Current,
        Freshness::Stale => FeedState::Stale,
        Freshness::Missing => FeedState::Absent,
    });
    let order = |state: &FeedState| match state {
        FeedState::Current => 0,
        FeedState::Stale => 1,
        FeedState::EndOfLife => 2,
        FeedState::Absent => 3,
    };
    best.min_by_key(order).unwrap_or(FeedState::Absent)
}
