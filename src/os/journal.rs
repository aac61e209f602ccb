//! Where log lines go: to the journal when systemd started us, else to standard
//! error. Never to both.

use std::fmt::Debug;
use std::os::fd::AsFd;

use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use super::environment;

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Nothing: a person watches the progress instead.
    Quiet,
    /// What a run can be told from.
    Usual,
    /// Everything.
    Verbose,
}

impl Detail {
    /// From the command line and where it is read.
    #[must_use]
    pub fn of(verbose: bool, terminal: bool) -> Self {
        match (verbose, terminal) {
            (true, _) => Self::Verbose,
            (false, true) => Self::Quiet,
            (false, false) => Self::Usual,
        }
    }

    /// The ticker tells at *info* what only its developers want to know.
    fn filter(self) -> Targets {
        let level = match self {
            Self::Quiet => LevelFilter::OFF,
            Self::Usual => LevelFilter::INFO,
            Self::Verbose => LevelFilter::DEBUG,
        };
        let ticker = level.min(LevelFilter::WARN);
        Targets::new()
            .with_default(level)
            .with_target("tokio_cron_scheduler", ticker)
    }
}

/// Starts logging. Called once, before anything is logged.
pub fn start(detail: Detail) {
    let journal = if is_journal() {
        tracing_journald::layer().ok()
    } else {
        None
    };
    let registry = Registry::default();
    let set = if let Some(layer) = journal {
        let layer = layer
            .with_field_prefix(None)
            .with_syslog_identifier("patchd".to_owned())
            .with_priority_mappings(PriorityMappings {
                info: Priority::Informational,
                debug: Priority::Debug,
                trace: Priority::Debug,
                ..PriorityMappings::new()
            });
        let detail = if detail == Detail::Verbose {
            detail
        } else {
            Detail::Usual
        };
        tracing::subscriber::set_global_default(registry.with(layer.with_filter(detail.filter())))
    } else {
        let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let layer = layer
            .with_ansi(false)
            .with_target(false)
            .fmt_fields(debug_fn(sentence_first))
            .with_filter(detail.filter());
        tracing::subscriber::set_global_default(registry.with(layer))
    };
    // Only a second call can fail, and the first one then still logs.
    drop(set);
}

/// For people: the sentence, then the fields but the one for the message catalog.
fn sentence_first(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        "MESSAGE_ID" => Ok(()),
        name => write!(writer, " {name}={value:?}"),
    }
}

/// Whether standard error is the journal.
/// systemd puts device and inode of the journal's stream into the environment;
/// a redirected standard error has others.
#[must_use]
pub fn is_journal() -> bool {
    let Some(stream) = environment::journal_stream() else {
        return false;
    };
    let stat = rustix::fs::fstat(std::io::stderr().as_fd());
    stat.is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_ticker_is_heard_only_when_it_is_in_trouble() {
        for (detail, ours, tickers) in [
            (Detail::Quiet, None, None),
            (Detail::Usual, Some(Level::INFO), Some(Level::WARN)),
            (Detail::Verbose, Some(Level::DEBUG), Some(Level::WARN)),
        ] {
            let least = |target| {
                let levels = [Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
                let heard = |level: &Level| detail.filter().would_enable(target, level);
                levels.into_iter().find(heard)
            };
            assert_eq!(least("patchd::daemon"), ours, "{detail:?}");
            assert_eq!(least("tokio_cron_scheduler::job"), tickers, "{detail:?}");
        }
    }
}
