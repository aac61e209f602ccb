//! Tells when the clock was set or the zone changed. Windows follow by
//! themselves; this is for whoever wonders why a run came when it did.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::daemon::events::event;
use crate::os::clock;

/// Less is a clock that is being adjusted.
const STEP: SignedDuration = SignedDuration::from_secs(5);

/// What every clock showed at the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timekeeping {
    wall: Timestamp,
    /// Since the boot, sleep included: nobody can set it.
    steady: Duration,
    zone: String,
}

impl Timekeeping {
    /// What they show now.
    pub fn begin() -> Self {
        let zone = clock::zone(None);
        Self {
            wall: clock::now(),
            steady: clock::since_boot(),
            zone: zone.iana_name().unwrap_or("without a name").to_owned(),
        }
    }

    /// Looks again, and tells what does not go together with the last look.
    pub fn look(&mut self) {
        let before = std::mem::replace(self, Self::begin());
        if let Some(step) = self.step_since(&before) {
            let seconds = step.as_secs();
            let way = if seconds < 0 { "back" } else { "forward" };
            event!(
                CLOCK_STEPPED,
                PATCHD_SECONDS = seconds,
                "the clock was set {way} by {} s; windows are computed anew",
                seconds.unsigned_abs()
            );
        }
        if self.zone != before.zone {
            let zone = &self.zone;
            event!(
                ZONE_CHANGED,
                PATCHD_ZONE = zone.as_str(),
                "the time zone was {} and is {zone}",
                before.zone
            );
        }
    }

    fn step_since(&self, before: &Self) -> Option<SignedDuration> {
        let passed = SignedDuration::try_from(self.steady.saturating_sub(before.steady)).ok()?;
        let step = self.wall.duration_since(before.wall) - passed;
        (step.abs() >= STEP).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, steady: u64) -> Timekeeping {
        Timekeeping {
            wall: Timestamp::from_second(wall).expect("in range"),
            steady: Duration::from_secs(steady),
            zone: "UTC".to_owned(),
        }
    }

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_runs_on() {
        let before = at(1000, 10);
        let step = |wall, steady| at(wall, steady).step_since(&before).map(|it| it.as_secs());
        assert_eq!(step(1060, 70), None);
        assert_eq!(step(1061, 70), None);
        assert_eq!(step(4660, 70), Some(3600));
        assert_eq!(step(-2540, 70), Some(-3600));
        // Asleep for an hour.
        assert_eq!(step(4600, 3610), None);
    }
}
