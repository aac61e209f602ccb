//! What is known of a feed beside its records.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::line::{Format, Reason};
use super::settings::Settings;
use crate::model::Distribution;
use crate::os::files;

/// More than any state has, bytes.
const CAP: u64 = 64 << 10;

/// Of one feed; all of it is absent before the first attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What its records are, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// When it was tried last, with or without success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<Timestamp>,
    /// Why the last attempt brought nothing; absent when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How many attempts in a row brought nothing.
    #[serde(default)]
    pub failures: u32,
}

/// Records that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Where they are from: a URL, or nowhere that could be asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of which release they are, if they are of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Distribution>,
    /// The publisher's name of this very content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When it changed last, in the publisher's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// When they were taken in.
    pub taken_at: Timestamp,
    /// When they were last known to be what the publisher has.
    pub current_at: Timestamp,
    /// How many.
    pub records: u64,
    /// What of the feed is not among them.
    #[serde(default)]
    pub skipped: BTreeMap<Reason, u64>,
}

/// Whether a feed can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Known to be current within the bound.
    Fresh,
    /// Not for longer than that.
    Stale,
    /// There are no records, or those of another release.
    Missing,
}

/// One feed as reports tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub format: Format,
    /// Whether it can be relied on.
    pub freshness: Freshness,
    /// Seconds since it was last known to be current; absent when it is missing.
    pub age_seconds: Option<u64>,
    /// All that is known.
    pub state: State,
}

impl State {
    /// One that cannot be read is none: the feed is fetched anew.
    pub(super) fn read(path: &Path) -> Self {
        let text = files::read_bounded(path, CAP).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(super) fn write(&self, path: &Path) -> std::io::Result<()> {
        files::replace(path, &serde_json::to_vec_pretty(self)?, 0o600)
    }

    /// The records, if they are of this release.
    #[must_use]
    pub fn content_for(&self, distribution: &Distribution) -> Option<&Content> {
        let fits = |it: &&Content| it.release.as_ref().is_none_or(|it| it == distribution);
        self.content.as_ref().filter(fits)
    }

    /// How it stands now.
    #[must_use]
    pub fn standing(
        self,
        format: Format,
        distribution: &Distribution,
        settings: &Settings,
        now: Timestamp,
    ) -> Standing {
        let age = self
            .content_for(distribution)
            .map(|it| now.duration_since(it.current_at).max(SignedDuration::ZERO));
        let bound = settings.stale_after.max(format.pace(settings) * 2);
        let bound = SignedDuration::try_from(bound).unwrap_or(SignedDuration::MAX);
        Standing {
            format,
            freshness: match age {
                None => Freshness::Missing,
                Some(age) if age > bound => Freshness::Stale,
                Some(_) => Freshness::Fresh,
            },
            age_seconds: age.and_then(|age| u64::try_from(age.as_secs()).ok()),
            state: self,
        }
    }

    /// When it is to be looked at again: after its pace; after a failure sooner,
    /// and each time later, so that a publisher in trouble has peace.
    #[must_use]
    pub fn due_at(&self, pace: Duration, first: Duration) -> Option<Timestamp> {
        let wait = match self.failures {
            0 => pace,
            failures => (first * 2_u32.saturating_pow(failures - 1)).min(pace),
        };
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        self.tried_at
            .map(|at| at.saturating_add(wait).unwrap_or(Timestamp::MAX))
    }
}

impl Freshness {
    /// For reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Missing => "missing",
        }
    }
}

/// When something of this day was current at the latest, unless that lies ahead.
pub(super) fn current_at(date: Option<Date>, now: Timestamp) -> Timestamp {
    let end = date.and_then(|date| date.tomorrow().ok());
    let end = end.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    end.map_or(now, |end| end.timestamp().min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3600).expect("in range")
    }

    fn debian(version: &str) -> Distribution {
        Distribution {
            id: "debian".to_owned(),
            version: Some(version.to_owned()),
            codename: None,
        }
    }

    fn state(release: Option<Distribution>) -> State {
        State {
            content: Some(Content {
                url: None,
                release,
                etag: None,
                last_modified: None,
                taken_at: at(0),
                current_at: at(10),
                records: 1,
                skipped: BTreeMap::new(),
            }),
            ..State::default()
        }
    }

    #[test]
    fn a_feed_is_fresh_until_nobody_knows_any_more() {
        let settings = Settings::default();
        let standing = |state: State, format, now| {
            let it = state.standing(format, &debian("12"), &settings, at(now));
            (it.freshness, it.age_seconds)
        };
        let kev = || state(None);
        assert_eq!(
            standing(kev(), Format::Kev, 11),
            (Freshness::Fresh, Some(3600))
        );
        assert_eq!(standing(kev(), Format::Kev, 5), (Freshness::Fresh, Some(0)));
        assert_eq!(standing(kev(), Format::Kev, 82).0, Freshness::Fresh);
        assert_eq!(standing(kev(), Format::Kev, 83).0, Freshness::Stale);
        // It is looked at once a week.
        assert_eq!(standing(kev(), Format::Ssvc, 83).0, Freshness::Fresh);
        assert_eq!(standing(kev(), Format::Ssvc, 347).0, Freshness::Stale);
        let missing = (Freshness::Missing, None);
        assert_eq!(standing(State::default(), Format::Kev, 1), missing);
        let other = state(Some(debian("11")));
        assert_eq!(standing(other, Format::DebianTracker, 11), missing);
    }

    #[test]
    fn failures_are_tried_again_sooner_but_ever_more_seldom() {
        let due = |failures| {
            let state = State {
                tried_at: Some(at(100)),
                failures,
                ..State::default()
            };
            state.due_at(6 * HOUR, HOUR).expect("tried")
        };
        let hours = [0, 1, 2, 3, 4, 99].map(due);
        assert_eq!(
            hours,
            [at(106), at(101), at(102), at(104), at(106), at(106)]
        );
        assert_eq!(State::default().due_at(HOUR, HOUR), None);
    }

    #[test]
    fn what_was_damaged_counts_as_never_tried() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kev.json");
        assert_eq!(State::read(&path), State::default());
        state(None).write(&path).expect("written");
        assert_eq!(State::read(&path), state(None));
        files::replace(&path, b"{\"content\": 7", 0o600).expect("written");
        assert_eq!(State::read(&path), State::default());
    }

    #[test]
    fn an_old_file_is_not_current() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().expect("a time");
        let date = |text: &str| Some(text.parse::<Date>().expect("a day"));
        assert_eq!(current_at(None, now), now);
        assert_eq!(current_at(date("2026-11-22"), now), now);
        assert_eq!(current_at(date("2030-01-01"), now), now);
        let end = "2026-08-08T00:00:00Z".parse().expect("a time");
        assert_eq!(current_at(date("2026-08-07"), now), end);
    }
}
