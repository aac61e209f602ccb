//! Where log lines go: to the journal when systemd started us, else to standard
//! error. Never to both.

use std::os::fd::AsFd;

use tracing::level_filters::LevelFilter;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::Targets;
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

    /// The ticker's library tells of its own affairs as if they were news.
    fn filter(self) -> Targets {
        let level = match self {
            Self::Quiet => LevelFilter::OFF,
            Self::Usual => LevelFilter::INFO,
            Self::Verbose => LevelFilter::DEBUG,
        };
        Targets::new()
            .with_default(level)
            .with_target("tokio_cron_scheduler", level.min(LevelFilter::WARN))
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
            .with_filter(detail.filter());
        tracing::subscriber::set_global_default(registry.with(layer))
    };
    // Only a second call can fail, and the first one then still logs.
    drop(set);
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
    fn a_library_is_heard_only_when_something_is_wrong() {
        let passes = |detail: Detail, target, level| detail.filter().would_enable(target, &level);
        assert!(passes(Detail::Usual, "patchd::daemon", Level::INFO));
        assert!(!passes(
            Detail::Verbose,
            "tokio_cron_scheduler::job",
            Level::INFO
        ));
        assert!(passes(
            Detail::Verbose,
            "tokio_cron_scheduler::job",
            Level::WARN
        ));
        assert!(!passes(
            Detail::Quiet,
            "tokio_cron_scheduler::job",
            Level::ERROR
        ));
    }
}
