//! The clock of the shell. Pure code gets `now` as a value.

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

/// The zone of this machine, as it is set now.
#[must_use]
pub fn zone() -> TimeZone {
    TimeZone::system()
}
