//! The clock of the shell. Pure code gets `now` as a value.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Wall-clock time now.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// How long the machine has been up, sleep included. Nobody can set this clock.
#[must_use]
pub fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// This zone, or the host's, as it is now: a zone's rules change with tzdata, and
/// the host's zone with a word of its operator. Both are noticed within minutes.
#[must_use]
pub fn zone(configured: Option<&TimeZone>) -> TimeZone {
    let Some(known) = configured else {
        return TimeZone::system();
    };
    let anew = known.iana_name().map(TimeZone::get);
    anew.and_then(Result::ok).unwrap_or_else(|| known.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_configured_is_found_by_its_name() {
        let berlin = TimeZone::get("Europe/Berlin").expect("known");
        assert_eq!(zone(Some(&berlin)), berlin);
        let fixed = TimeZone::fixed(jiff::tz::offset(3));
        assert_eq!(zone(Some(&fixed)), fixed);
    }
}
