//! Every kind of line that patchd writes to the journal, each once: its name
//! (`PATCHD_EVENT`), its `MESSAGE_ID`, how urgent it is, and what the message
//! catalog says about it to somebody who is called at night.
//!
//! A line is written with `event!`, which cannot forget the id or the name.
//! The catalog, and the table in `docs/logging.md`, are drawn from here. It
//! knows nothing of what happens; whoever writes the line does.

mod aftermath;
mod machine;
mod run;
mod schedule;
mod service;
mod told;

#[cfg(test)]
mod drawn;
#[cfg(test)]
mod written;

pub use aftermath::*;
pub use machine::*;
pub use run::*;
pub use schedule::*;
pub use service::*;
pub use told::*;

use tracing::Level;

/// A kind of line in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// `PATCHD_EVENT`; never changed, scripts wait for it.
    pub name: &'static str,
    /// What the catalog calls it, in a few words.
    pub subject: &'static str,
    /// `MESSAGE_ID`, 128 random bits; never changed, never used for another kind.
    pub id: &'static str,
    /// How urgent it is; the first unless the line says otherwise.
    pub priorities: &'static [Priority],
    /// The fields that each such line has.
    pub fields: &'static [&'static str],
    /// What happened, what it means, what to do. Lines are trimmed, `@FIELD@` is
    /// filled in by journalctl.
    pub text: &'static str,
}

/// How urgent a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// The course of things; journal priority 6.
    Info,
    /// Degraded or waiting, goes on by itself; 4.
    Warn,
    /// Somebody must act; 3.
    Error,
}

/// Fields that a line of any kind has when it belongs to a run or to a schedule.
pub const CONTEXT: [&str; 2] = ["PATCHD_RUN", "PATCHD_SCHEDULE"];

/// All kinds, in the order of the catalog.
#[must_use]
pub fn all() -> Vec<Kind> {
    [
        service::ALL,
        schedule::ALL,
        run::ALL,
        aftermath::ALL,
        machine::ALL,
        told::ALL,
    ]
    .concat()
}

impl Kind {
    /// Its priority unless the line names another.
    #[must_use]
    pub const fn usual(&self) -> Priority {
        match self.priorities {
            [first, ..] => *first,
            [] => Priority::Error,
        }
    }

    /// Whether a line of this kind may be as urgent as this.
    #[must_use]
    pub const fn may_be(&self, priority: Priority) -> bool {
        let mut rest = self.priorities;
        while let [first, more @ ..] = rest {
            if *first as u8 == priority as u8 {
                return true;
            }
            rest = more;
        }
        false
    }
}

impl Priority {
    /// What `tracing` calls it.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Info => Level::INFO,
            Self::Warn => Level::WARN,
            Self::Error => Level::ERROR,
        }
    }
}

/// Writes a line of a kind: `event!(SKIPPED, PATCHD_REASON = reason, "no run: …")`,
/// or `event!(SKIPPED as Error, …)` where the kind has more than one priority.
macro_rules! event {
    ($kind:ident as $priority:ident, $($line:tt)+) => {{
        const KIND: $crate::daemon::events::Kind = $crate::daemon::events::$kind;
        const PRIORITY: $crate::daemon::events::Priority = $crate::daemon::events::Priority::$priority;
        const { assert!(KIND.may_be(PRIORITY), "no priority of this kind") };
        tracing::event!(PRIORITY.level(), MESSAGE_ID = KIND.id, PATCHD_EVENT = KIND.name, $($line)+);
    }};
    ($kind:ident, $($line:tt)+) => {{
        const KIND: $crate::daemon::events::Kind = $crate::daemon::events::$kind;
        tracing::event!(KIND.usual().level(), MESSAGE_ID = KIND.id, PATCHD_EVENT = KIND.name, $($line)+);
    }};
}

/// Names the kinds of a table, and all of them together.
macro_rules! kinds {
    ($( $kind:ident { name: $name:literal, $($rest:tt)* } )+) => {
        $(
            #[doc = concat!("The lines `", $name, "`.")]
            pub const $kind: Kind = Kind { name: $name, $($rest)* };
        )+
        pub(super) const ALL: &[Kind] = &[$($kind),+];
    };
}

pub(crate) use event;
use kinds;
