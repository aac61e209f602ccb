//! What a schedule wants at this moment.

use jiff::Timestamp;

use super::calendar::{Calendar, Window, earlier, later};
use super::settings::CatchUp;

/// Missed windows are counted up to here; whoever was away for a year does not
/// wait until every second of it is counted.
const COUNTED: usize = 100;

/// What is to be done now. Asked again whenever something was done, when the
/// time has come, and when the clock or the zone may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Nothing before this moment.
    Wait {
        /// When to ask again.
        until: Timestamp,
    },
    /// A window is open, this host's turn has come, and nothing was started in
    /// it. Once something was, or was refused, the window is handled.
    Start(Window),
    /// Windows closed and nothing had started in them. Once this is told, the
    /// latest of them is handled.
    Missed(Missed),
}

/// Windows that nobody used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// How many; 100 are 100 or more.
    pub count: usize,
    /// The last one.
    pub latest: Window,
    /// One that is opened for them now, as `catch_up = "now"` wants. Not where a
    /// regular one is open anyway.
    pub make_up: Option<Window>,
}

impl Calendar<'_> {
    /// `handled` is when the window opened that was handled last, or since when
    /// the schedule is known here: nothing before it is missed.
    #[must_use]
    pub fn due(&self, handled: Timestamp, now: Timestamp) -> Due {
        let closed = self.latest_at(earlier(now, self.schedule.window));
        let handled = match &closed {
            _ if self.is_believable(handled, now) => handled,
            Some(closed) => closed.opens,
            None => Timestamp::MIN,
        };
        let unhandled = |window: &Window| window.opens > handled;
        if let Some(latest) = closed.filter(unhandled) {
            return Due::Missed(self.missed(handled, latest, now));
        }
        match self.latest_at(earlier(now, self.place)).filter(unhandled) {
            Some(window) => Due::Start(window),
            None => Due::Wait {
                until: self
                    .next_after(handled)
                    .map_or(Timestamp::MAX, |window| window.starts),
            },
        }
    }

    /// A clock that was set back makes what was handled lie in the future. When
    /// it is the next window that was, it must not be used twice. With others
    /// before it the clock had been wrong by more than a whole period, and to
    /// believe it could silence the schedule for years.
    fn is_believable(&self, handled: Timestamp, now: Timestamp) -> bool {
        handled <= now
            || self
                .next_after(now)
                .is_none_or(|next| next.opens >= handled)
    }

    fn missed(&self, handled: Timestamp, latest: Window, now: Timestamp) -> Missed {
        let behind = |window: &Window| self.next_after(window.opens);
        let count = std::iter::successors(self.next_after(handled), behind)
            .take_while(|window| window.opens <= latest.opens)
            .take(COUNTED)
            .count();
        let wanted = self.schedule.catch_up == CatchUp::Now && self.open_at(now).is_none();
        let make_up = wanted.then(|| Window {
            opens: now,
            starts: now,
            closes: later(now, self.schedule.window),
        });
        Missed {
            count,
            latest,
            make_up,
        }
    }
}
