//! All feeds of this machine: brought up to date, taken from a file, told of. A
//! feed that brings nothing leaves what there was, and stops no other.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::fetch::{FetchError, Fetched, fetch};
use super::guess;
use super::index::{Index, IndexError, build};
use super::intake::{IntakeError, take_in};
use super::line::{Format, PROTOCOL, Request};
use super::settings::Settings;
use super::shelf::{Lock, Shelf};
use super::source::{Source, sources};
use super::state::{Content, Standing, State, current_at};
use crate::model::Distribution;
use crate::os::attendant::Attendant;
use crate::os::clock;
use crate::os::net::{Door, Head};

/// The pause after a first failure; see [`State::due_at`].
const FIRST_PAUSE: Duration = Duration::from_mins(15);

/// Within which machines that have no feeds yet fetch them.
const FIRST_SPREAD: Duration = Duration::from_mins(5);

/// Where systemd listens for feeds to be read.
const READERS: &str = "/run/patchd-feed.sock";

/// What Ubuntu offers to subscribers; judged, whether it is enabled here or not.
const CHANNELS: [&str; 2] = ["esm-infra", "esm-apps"];

/// Why nothing could be done at all.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// The folder.
    #[error("cannot use the feeds' folder: {0}; look at its owner and its disk")]
    Folder(#[from] std::io::Error),
    /// Somebody else is at them.
    #[error("another patchd is at the feeds; try again in a minute")]
    Busy,
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A file that is none.
    #[error(
        "this is no feed that is known here; feeds are Debian's tracker (JSON), OSV (JSON or zip), updateinfo.xml, KEV (JSON), EPSS (CSV), SSVC (CVE records); each may be packed by gzip"
    )]
    Unknown,
}

/// Why a feed stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// It was not had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It was had, and not taken.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

/// What became of one feed.
#[derive(Debug)]
pub struct Tried {
    /// Which.
    pub format: Format,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a feed.
#[derive(Debug)]
pub enum Outcome {
    /// There is nothing newer.
    Unchanged,
    /// It was taken, with so many records.
    Taken(u64),
    /// It stays as it was.
    Failed(FeedError),
}

/// The feeds, and the index that is made of them.
#[derive(Debug, Clone)]
pub struct Library {
    /// What the operator wants.
    pub settings: Settings,
    /// Through which proxy.
    pub proxy: Option<String>,
    /// Of which release.
    pub distribution: Distribution,
    /// Where records are kept.
    pub shelf: Shelf,
    /// Where the index is.
    pub index: PathBuf,
    /// Who fetches.
    pub net: Door,
    /// Who reads.
    pub readers: Attendant,
}

impl Library {
    /// Who reads for the daemon, which starts no programs.
    #[must_use]
    pub fn readers_of_daemon() -> Attendant {
        Attendant::Socket(READERS.into())
    }

    /// Who reads where there may be no daemon.
    #[must_use]
    pub fn readers_of_this_machine() -> Attendant {
        Attendant::of_this_machine(READERS, "feed")
    }

    /// The index, open for questions.
    pub fn open(&self) -> Result<Index, IndexError> {
        Index::open(&self.index, &self.distribution)
    }

    /// Every feed that this machine has or should have.
    #[must_use]
    pub fn standings(&self, now: Timestamp) -> Vec<Standing> {
        let wanted = self.sources();
        let is_wanted = |format| wanted.iter().any(|it| it.format == format);
        let told = Format::ALL.into_iter().filter_map(|format| {
            let state = self.shelf.state(format);
            (is_wanted(format) || state.content.is_some())
                .then(|| state.standing(format, &self.distribution, &self.settings, now))
        });
        told.collect()
    }

    /// Which feeds are to be looked at now, and when one will be.
    #[must_use]
    pub fn due(&self, machine: &str, now: Timestamp) -> (Vec<Format>, Timestamp) {
        let mut due = Vec::new();
        let mut next = Timestamp::MAX;
        for source in self.sources() {
            let at = self.due_at(source.format, machine, now);
            if at <= now {
                due.push(source.format);
            } else {
                next = next.min(at);
            }
        }
        (due, next)
    }

    /// Machines have their own places within a tenth of the interval, so that
    /// not all of them ask at once.
    fn due_at(&self, format: Format, machine: &str, now: Timestamp) -> Timestamp {
        let pace = format.pace(&self.settings);
        let state = self.shelf.state(format);
        let has_any = state.content_for(&self.distribution).is_some();
        let (at, within) = match state.due_at(pace, FIRST_PAUSE) {
            // A clock that was set back must not put it off for years.
            Some(at) if state.tried_at.is_some_and(|it| it <= now) => {
                // Of a release that came today there is nothing yet.
                let at = if has_any || state.failures > 0 {
                    at
                } else {
                    now
                };
                (at, pace / 10)
            }
            _ => return now,
        };
        let spread = within.mul_f64(place(machine, format.name()));
        let spread = SignedDuration::try_from(spread).unwrap_or_default();
        at.saturating_add(spread).unwrap_or(Timestamp::MAX)
    }

    /// How long a machine that has no feed yet waits before it fetches them.
    #[must_use]
    pub fn first_wait(&self, machine: &str) -> Duration {
        FIRST_SPREAD.mul_f64(place(machine, "feeds"))
    }

    /// Looks at these feeds, takes what is new, and builds the index anew when it
    /// is needed. Feeds that this release does not have are passed over.
    pub async fn update(&self, formats: &[Format]) -> Result<Vec<Tried>, FeedsError> {
        let _alone = self.lock().await?;
        let mut tried = Vec::new();
        for source in self.sources() {
            if formats.contains(&source.format) {
                let done = self.renew(&source).await;
                tried.push(self.note(source.format, done)?);
            }
        }
        self.settle(&tried).await?;
        Ok(tried)
    }

    /// Takes a feed from a file, whatever it is; with `smaller`, however little
    /// is in it.
    pub async fn import(&self, mut file: File, smaller: bool) -> Result<Tried, FeedsError> {
        let _alone = self.lock().await?;
        let format = guess::format(&mut file)?.ok_or(FeedsError::Unknown)?;
        let raw = tokio::fs::File::from_std(file);
        let done = self.take(format, raw, Origin::default(), smaller).await;
        let tried = vec![self.note(format, done)?];
        self.settle(&tried).await?;
        let [only] = <[Tried; 1]>::try_from(tried).map_err(|_| FeedsError::Unknown)?;
        Ok(only)
    }

    fn sources(&self) -> Vec<Source> {
        sources(&self.distribution, &self.settings)
    }

    async fn lock(&self) -> Result<Lock, FeedsError> {
        self.shelf.lock().await.map_err(|cause| match cause.kind() {
            std::io::ErrorKind::ResourceBusy => FeedsError::Busy,
            _ => cause.into(),
        })
    }

    async fn renew(&self, source: &Source) -> Result<Outcome, FeedError> {
        let mut state = self.shelf.state(source.format);
        let kept = state.content_for(&self.distribution).cloned();
        let scratch = self.shelf.scratch().map_err(FetchError::from)?;
        let mut raw = tokio::fs::File::from_std(scratch);
        let proxy = self.proxy.as_deref();
        match fetch(&self.net, proxy, source, kept.as_ref(), &mut raw).await? {
            Fetched::New(head) => {
                let origin = Origin {
                    url: Some(source.url.clone()),
                    head,
                };
                self.take(source.format, raw, origin, false).await
            }
            Fetched::Unchanged => {
                if let Some(content) = &mut state.content {
                    content.current_at = clock::now();
                }
                let noted = self.shelf.set_state(source.format, &state);
                noted.map_err(FetchError::from)?;
                Ok(Outcome::Unchanged)
            }
        }
    }

    async fn take(
        &self,
        format: Format,
        raw: tokio::fs::File,
        origin: Origin,
        smaller: bool,
    ) -> Result<Outcome, FeedError> {
        let mut state = self.shelf.state(format);
        let before = state.content_for(&self.distribution).filter(|_| !smaller);
        let request = self.request(format);
        let (draft, end) = take_in(&self.readers, &self.shelf, &request, raw, before).await?;
        let now = clock::now();
        let is_fetched = origin.url.is_some();
        state.content = Some(Content {
            url: origin.url,
            release: format.is_of_release().then(|| self.distribution.clone()),
            etag: origin.head.etag,
            last_modified: origin.head.last_modified,
            taken_at: now,
            // A file may be older than its publisher's feed; it says how old.
            current_at: if is_fetched {
                now
            } else {
                current_at(end.date, now)
            },
            records: end.records,
            skipped: end.skipped,
        });
        // Killed between the two, the publisher is asked again: its old name is
        // not that of what it has.
        draft.keep().map_err(IntakeError::from)?;
        let noted = self.shelf.set_state(format, &state);
        noted.map_err(IntakeError::from)?;
        Ok(Outcome::Taken(end.records))
    }

    fn request(&self, format: Format) -> Request {
        let Distribution {
            id,
            version,
            codename,
        } = self.distribution.clone();
        let channels = CHANNELS.map(str::to_owned).to_vec();
        Request {
            protocol: PROTOCOL,
            format,
            channels: if id == "ubuntu" { channels } else { Vec::new() },
            distribution: id,
            version: version.unwrap_or_default(),
            codename: codename.unwrap_or_default(),
            architectures: Vec::new(),
        }
    }

    /// Writes down how it went.
    fn note(&self, format: Format, done: Result<Outcome, FeedError>) -> Result<Tried, FeedsError> {
        let mut state = self.shelf.state(format);
        state.tried_at = Some(clock::now());
        let outcome = match done {
            Ok(outcome) => {
                state.failure = None;
                state.failures = 0;
                outcome
            }
            Err(error) => {
                state.failure = Some(error.to_string());
                state.failures = state.failures.saturating_add(1);
                Outcome::Failed(error)
            }
        };
        self.shelf.set_state(format, &state)?;
        Ok(Tried { format, outcome })
    }

    /// Builds the index, unless there is one that has all of it.
    async fn settle(&self, tried: &[Tried]) -> Result<(), FeedsError> {
        let is_new = |it: &Tried| matches!(it.outcome, Outcome::Taken(_));
        if !tried.iter().any(is_new) && self.open().is_ok() {
            return Ok(());
        }
        let Self {
            shelf,
            distribution,
            index,
            ..
        } = self.clone();
        let building =
            tokio::task::spawn_blocking(move || build(&shelf, &distribution, clock::now(), &index));
        let ended = building.await.map_err(std::io::Error::other)?;
        Ok(ended?)
    }
}

/// Where a raw feed is from.
#[derive(Default)]
struct Origin {
    url: Option<String>,
    head: Head,
}

/// Somewhere from 0 to 1, always the same for a machine.
fn place(machine: &str, what: &str) -> f64 {
    let sum = Sha256::digest(format!("{machine} {what}"));
    let [first, second, ..] = <[u8; 32]>::from(sum);
    f64::from(u16::from_be_bytes([first, second])) / f64::from(u16::MAX)
}

impl State {
    /// Whether the last attempt brought nothing.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }
}
