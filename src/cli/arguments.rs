//! The command line as data.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Keeps this machine patched, and says why or why not.
#[derive(Debug, Parser)]
#[command(name = "patchd", version, propagate_version = true, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    /// Read this configuration file only, and no drop-ins
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer in JSON; the shapes are stable and have schemas
    #[arg(long, global = true)]
    pub json: bool,
    /// Log more to standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List pending updates, and what becomes of each and why; needs no root
    Check {
        /// Decide by this policy
        #[arg(long, value_name = "NAME", default_value = "default")]
        policy: String,
        /// Exit 100 when updates are pending
        #[arg(long)]
        exit_code: bool,
    },
    /// Patch this machine: check, decide, apply, verify
    Run {
        /// Begin at once
        #[arg(long)]
        now: bool,
        /// Decide by this policy
        #[arg(long, value_name = "NAME", default_value = "default")]
        policy: String,
        /// Only these packages; overrides soaking and not-selected, never a hold or a rejection
        #[arg(value_name = "PACKAGE")]
        packages: Vec<String>,
    },
    /// Show how the last run ended and what is owed; exits with its code
    Status,
    /// Show what becomes of a package, and how each rule answers
    Explain {
        /// Name of an installed package
        package: String,
        /// Decide by this policy
        #[arg(long, value_name = "NAME", default_value = "default")]
        policy: String,
    },
    /// List past runs, or tell one run in full
    History {
        /// A run's id
        run: Option<String>,
        /// How many runs to list
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        count: u32,
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
    /// Look for what could keep this machine from being patched
    Doctor,
    /// Print a completion script
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Carry out one order from standard input
    #[command(hide = true)]
    Worker,
    /// Compare a transaction with its plan
    #[command(hide = true)]
    TransactionGuard {
        /// The plan
        plan: PathBuf,
    },
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

const EXIT_CODES: &str = "\
Exit codes, the first that applies:
  78  the configuration is invalid
   2  wrong usage
  77  not permitted
   1  failed
   7  needs a human, or the answer is incomplete
   5  partial: something was left out, or a check warns
   4  deferred: a lock is held, or an operator cancelled
   3  patched, a reboot is owed
 100  updates are pending, for `check --exit-code`
   0  all is well";
