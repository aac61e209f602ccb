//! The command line as data.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::os::jail;

/// Keeps this machine patched, and says why or why not.
#[derive(Debug, Parser)]
#[command(name = "patchd", version, propagate_version = true, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    /// Read this configuration file only, and no drop-ins
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Work on the image that is mounted here instead of on this machine; for root
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "no_daemon")]
    pub root: Option<PathBuf>,
    /// Answer in JSON, of trouble as well; the shapes are stable and have schemas
    #[arg(long, global = true)]
    pub json: bool,
    /// Do without the daemon, even where it is installed; for root
    #[arg(long, global = true)]
    pub no_daemon: bool,
    /// Log more to standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Where orders go, for root's command that has started this one
    #[arg(long, global = true, hide = true, value_name = "SOCKET")]
    pub orders: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List pending updates, and what becomes of each and why; needs no root
    Check {
        /// Decide by this policy instead of "default"
        #[arg(long, value_name = "NAME")]
        policy: Option<String>,
        /// Exit 100 when updates are pending
        #[arg(long)]
        exit_code: bool,
    },
    /// Patch this machine: check, decide, apply, verify
    Run(RunArguments),
    /// Try the updates in a throw-away view of this machine; changes nothing
    Rehearse(RehearseArguments),
    /// Put back what a run has replaced; data is never rolled back
    Rollback(RollbackArguments),
    /// End the run at work before its next phase
    Cancel,
    /// Start no further run until `resume`; one that is at work goes on
    Pause {
        /// Why; shown to everybody
        reason: Option<String>,
    },
    /// Take a pause back
    Resume,
    /// Show how the last run ended and what is owed; exits with its code
    Status,
    /// Show what becomes of a package, and how each rule answers
    Explain {
        /// Name of an installed package
        package: String,
        /// Decide by this policy instead of "default"
        #[arg(long, value_name = "NAME")]
        policy: Option<String>,
    },
    /// Show the windows to come
    Schedule {
        /// Of this schedule alone
        name: Option<String>,
        /// From then on: 2026-12-24, 2026-12-24T03:00, or with an offset
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// How many of each
        #[arg(short = 'n', long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
    },
    /// List past runs and what was skipped, or tell one run in full
    History {
        /// A run's id
        run: Option<String>,
        /// How many of each to list
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
    },
    /// List what did harm here and is kept away, or change that
    Quarantine {
        #[command(subcommand)]
        command: Option<QuarantineCommand>,
    },
    /// Show what is known of vulnerabilities and how current that is, or renew it
    Feeds {
        #[command(subcommand)]
        command: Option<FeedsCommand>,
    },
    /// Look whether notifications arrive
    Notify {
        #[command(subcommand)]
        command: NotifyCommand,
    },
    /// Print what the package manager printed in a run; the latest by default
    Logs {
        /// A run's id
        run: Option<String>,
        /// Go on until the run ends
        #[arg(short, long)]
        follow: bool,
    },
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Have the daemon read its configuration anew; with a fault it keeps the old one
    Reload,
    /// Disable what else would patch this machine, with a record
    Takeover {
        /// Let all of it be as it was
        #[arg(long)]
        undo: bool,
    },
    /// Look for what could keep this machine from being patched
    Doctor,
    /// Print a completion script
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Run as a service: patch in the windows of the schedules, answer on the sockets
    Daemon,
    /// Carry out one order from standard input
    #[command(hide = true)]
    Worker,
    /// Make one exchange with the network, ordered on standard input
    #[command(hide = true)]
    Net,
    /// Read one raw feed from standard input into records
    #[command(hide = true)]
    Feed,
    /// Be a part of a jail
    #[command(hide = true)]
    Jail {
        /// Which part
        part: jail::Part,
        /// What the part is told
        words: Vec<String>,
    },
    /// Do inside a rehearsal's jail what a run does outside
    #[command(hide = true)]
    RehearsalInside,
    /// Take the place of a program inside a rehearsal's jail
    #[command(hide = true)]
    RehearsalStandIn {
        /// The path it was called by
        path: PathBuf,
        /// What it was called with
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compare a transaction with its plan
    #[command(hide = true)]
    TransactionGuard {
        /// The plan
        plan: PathBuf,
    },
}

/// How a run is asked for.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Begin at once instead of in a window; a freeze is kept all the same
    #[arg(long)]
    pub now: bool,
    /// In the window of this schedule, and by its policy
    #[arg(long, value_name = "NAME", conflicts_with = "policy")]
    pub schedule: Option<String>,
    /// Decide by this policy instead of the schedule's or "default"
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// Watch the run that is at work instead of starting one; needs no root
    #[arg(long, conflicts_with_all = ["now", "schedule", "policy", "packages"])]
    pub attach: bool,
    /// Only these packages; overrides soaking and not-selected, never a hold or a rejection
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
}

/// What can be done with the quarantine.
#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// List what is kept away, why, and until when; needs no root
    List,
    /// Keep a version away for 7 days, from upgrades by hand too; a newer one may come
    Add {
        /// A package or source package, at the version on offer or at this one
        #[arg(value_name = "PACKAGE[=VERSION]")]
        package: String,
        /// Why; shown to everybody
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let it in again
    Remove {
        /// A package or source package
        package: String,
    },
}

/// What can be done with feeds.
#[derive(Debug, Subcommand)]
pub(super) enum FeedsCommand {
    /// Show every feed: how current it is, and what stands in its way; needs no root
    Status,
    /// Look whether feeds have changed, and take what is new
    Update,
    /// Take feeds from files, as on a machine without a way out; for root
    Import {
        /// Take one that has lost more than a tenth of its records
        #[arg(long)]
        smaller: bool,
        /// Feeds as they are published, packed by gzip or not; "-" is standard input
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

/// What can be done with notifications.
#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Tell one receiver at once that this is a test
    Test {
        /// The NAME of a table [notify.NAME] in the configuration
        name: String,
    },
}

/// What is rehearsed.
#[derive(Debug, Args)]
pub(super) struct RehearseArguments {
    /// Decide by this policy instead of "default"
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// Only these packages; overrides soaking and not-selected, never a hold or a rejection
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
}

/// What is rolled back.
#[derive(Debug, Args)]
pub(super) struct RollbackArguments {
    /// Show the restore points that are kept, and what they take on disk
    #[arg(long, conflicts_with = "run")]
    pub list: bool,
    /// A run's id; the latest that was not rolled back by default
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
}

/// What can be asked of the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check all files and report every fault at once
    Check,
    /// Print the configuration that is in force
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print the JSON schema of the configuration file
    Schema,
    /// Print the shipped configuration file, every key explained
    Default,
}

impl Command {
    /// Whether it has to do with past runs and clocks, which only one user may open.
    pub fn opens_ledger(&self) -> bool {
        matches!(
            self,
            Self::Check { .. }
                | Self::Run(_)
                | Self::Rehearse(_)
                | Self::Rollback(_)
                | Self::Explain { .. }
                | Self::Status
                | Self::History { .. }
                | Self::Quarantine { .. }
                | Self::Feeds {
                    command: None | Some(FeedsCommand::Status | FeedsCommand::Update),
                }
                | Self::Doctor
        )
    }

    /// Whether its answer has no JSON form.
    pub fn is_text_only(&self) -> bool {
        match self {
            Self::Logs { .. } | Self::Completions { .. } => true,
            Self::Config { command } => {
                matches!(command, ConfigCommand::Show { .. } | ConfigCommand::Default)
            }
            _ => false,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes, the first that applies:
  78  the configuration is invalid
   2  wrong usage
  77  not permitted
  69  the daemon cannot be reached
   1  failed
   7  needs a human, or the answer is incomplete
   5  partial: something was left out, or a check warns
   4  deferred: no window is open, a freeze, a pause, a lock, another run, a cancel
   3  patched, a reboot is owed
 100  updates are pending, for `check --exit-code`
   0  all is well";
