//! One schedule on this host: its windows, and this host's place in them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::settings::{Freeze, Schedule};
use crate::model::Host;

/// From when to when something may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The cron time; it names the window.
    pub opens: Timestamp,
    /// When this host's turn is.
    pub starts: Timestamp,
    /// What does not end before, does not start.
    pub closes: Timestamp,
}

/// A schedule with all that its windows depend on.
#[derive(Debug, Clone)]
pub struct Calendar<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) zone: TimeZone,
    /// How far behind the cron time this host's turn is, always.
    pub(super) place: SignedDuration,
}

impl<'a> Calendar<'a> {
    /// `zone` is the schedule's own or else the host's, as it is now.
    #[must_use]
    pub fn new(name: &str, schedule: &'a Schedule, host: &Host, zone: TimeZone) -> Self {
        Self {
            schedule,
            zone,
            place: place(name, schedule.spread, host),
        }
    }

    /// In which zone its cron times are.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What its cron times follow from. Under another rule, what was handled
    /// before says nothing about what was missed.
    #[must_use]
    pub fn rule(&self) -> String {
        let zone = self.zone.iana_name().unwrap_or("local");
        format!("{} {zone}", self.schedule.cron)
    }

    /// The windows that open at this moment or later, in order.
    pub fn windows(&self, from: Timestamp) -> impl Iterator<Item = Window> {
        let before = earlier(from, SignedDuration::from_nanos(1));
        std::iter::successors(self.next_after(before), |window| {
            self.next_after(window.opens)
        })
    }

    /// The window that is open now. Of several, the one that closes last.
    #[must_use]
    pub fn open_at(&self, now: Timestamp) -> Option<Window> {
        self.latest_at(now).filter(|window| now < window.closes)
    }

    /// The freeze that forbids to start anything now.
    #[must_use]
    pub fn frozen<'f>(&self, freezes: &'f [Freeze], now: Timestamp) -> Option<&'f Freeze> {
        freezes.iter().find(|freeze| freeze.covers(&self.zone, now))
    }

    /// The same window, closed before a freeze begins in it.
    #[must_use]
    pub fn clipped(&self, window: Window, freezes: &[Freeze]) -> Window {
        let begins = freezes.iter().map(|freeze| freeze.begins(&self.zone));
        let in_it = begins.filter(|begins| *begins > window.starts);
        let closes = in_it.fold(window.closes, Timestamp::min);
        Window { closes, ..window }
    }

    pub(super) fn next_after(&self, at: Timestamp) -> Option<Window> {
        let opens = self.schedule.cron.next_after(&self.zone, at)?;
        Some(self.window(opens))
    }

    pub(super) fn latest_at(&self, at: Timestamp) -> Option<Window> {
        let opens = self.schedule.cron.latest_at(&self.zone, at)?;
        Some(self.window(opens))
    }

    fn window(&self, opens: Timestamp) -> Window {
        Window {
            opens,
            starts: later(opens, self.place),
            closes: later(opens, self.schedule.window),
        }
    }
}

/// Stable, different for each schedule, and evenly spread over hosts. A clone
/// has a machine id of its own, so it finds a place of its own.
fn place(schedule: &str, spread: SignedDuration, host: &Host) -> SignedDuration {
    let machine = host.machine_id.as_ref().map_or(&host.name, |id| &id.0);
    let hash = Sha256::new()
        .chain_update(machine)
        .chain_update([0])
        .chain_update(schedule)
        .finalize();
    let number = hash
        .iter()
        .take(7)
        .fold(0, |number: i64, byte| number << 8 | i64::from(*byte));
    SignedDuration::from_secs(number % spread.as_secs().max(1))
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}
