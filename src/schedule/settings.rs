//! What the operator can say about when.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;
use crate::model::Action;

/// Every schedule, and the days on which none starts anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// By name.
    pub schedules: BTreeMap<String, Schedule>,
    /// In no order; they may overlap.
    pub freezes: Vec<Freeze>,
}

/// When, what, and under which policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When its windows open.
    pub cron: Cron,
    /// In which zone that is meant; `None` is the host's.
    pub timezone: Option<TimeZone>,
    /// What a run of it does.
    pub action: Action,
    /// The policy's name.
    pub policy: String,
    /// How long a window stays open.
    pub window: SignedDuration,
    /// Over how much of the window's beginning hosts are spread; shorter than the window.
    pub spread: SignedDuration,
    /// What becomes of windows that passed while the machine was off.
    pub catch_up: CatchUp,
}

/// What becomes of windows that passed while the machine was off. Each is told
/// as a skip, whatever follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// They count as missed, and the next window does the work.
    NextWindow,
    /// A window of the same length opens at once.
    Now,
    /// They were not wanted; only noted.
    Skip,
}

/// Days on which nothing starts, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// The operator's words.
    pub reason: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            schedules: BTreeMap::from([("nightly".to_owned(), Schedule::default())]),
            freezes: Vec::new(),
        }
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            cron: "0 3 * * *".parse().expect("a test parses it"),
            timezone: None,
            action: Action::Patch,
            policy: "default".to_owned(),
            window: SignedDuration::from_hours(2),
            spread: SignedDuration::from_mins(30),
            catch_up: CatchUp::NextWindow,
        }
    }
}

impl Freeze {
    /// Whether this moment lies in it.
    #[must_use]
    pub fn covers(&self, zone: &TimeZone, at: Timestamp) -> bool {
        (self.from..=self.to).contains(&zone.to_datetime(at).date())
    }

    /// Its first moment.
    #[must_use]
    pub fn begins(&self, zone: &TimeZone) -> Timestamp {
        midnight(self.from, zone).unwrap_or(Timestamp::MIN)
    }

    /// The first moment that is free again.
    #[must_use]
    pub fn ends(&self, zone: &TimeZone) -> Timestamp {
        let free = self.to.tomorrow().ok();
        free.and_then(|day| midnight(day, zone))
            .unwrap_or(Timestamp::MAX)
    }
}

/// The day's first moment: where midnight is skipped, the one after the gap.
fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let start = day.to_zoned(zone.clone()).ok()?;
    Some(start.timestamp())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_built_in_schedule_is_nightly_at_three() {
        let settings = Settings::default();
        assert_eq!(settings.schedules["nightly"].cron.to_string(), "0 3 * * *");
    }

    #[test]
    fn a_freeze_is_whole_days_of_the_zone_both_included() {
        let freeze = Freeze {
            from: date(2026, 12, 18),
            to: date(2027, 1, 4),
            reason: "year's end".to_owned(),
        };
        let berlin = TimeZone::get("Europe/Berlin").expect("known");
        let covers = |text: &str| freeze.covers(&berlin, text.parse().expect("a time"));
        assert!(!covers("2026-12-17T22:59:59Z"));
        assert!(covers("2026-12-17T23:00:00Z"));
        assert!(covers("2027-01-04T22:59:59Z"));
        assert!(!covers("2027-01-04T23:00:00Z"));
        assert_eq!(freeze.begins(&berlin).to_string(), "2026-12-17T23:00:00Z");
        assert_eq!(freeze.ends(&berlin).to_string(), "2027-01-04T23:00:00Z");
    }

    #[test]
    fn a_day_without_midnight_begins_after_the_gap() {
        let cuba = TimeZone::get("America/Havana").expect("known");
        let day = date(2026, 3, 8);
        let freeze = Freeze {
            from: day,
            to: day,
            reason: "migration".to_owned(),
        };
        let begins = freeze.begins(&cuba);
        assert_eq!(begins.to_string(), "2026-03-08T05:00:00Z");
        assert!(freeze.covers(&cuba, begins));
        assert!(!freeze.covers(&cuba, begins - SignedDuration::from_secs(1)));
    }
}
