//! Starting other programs. A *question* has a timeout and an output cap and is
//! killed beyond them; a *transaction* has neither, writes to files, and is
//! never killed by us.

mod again;
mod companion;
mod deputy;
mod dialogue;
mod opened;
mod replacement;
#[cfg(test)]
pub mod replay;
mod told;
mod transaction;

use std::borrow::Cow;
use std::fs::File;
use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::jail::{Image, PROGRAM};
use super::process;

pub use again::{start_again, start_ourselves};
pub use companion::Companion;
pub use deputy::Deputy;
pub use dialogue::Dialogue;
pub use opened::Opened;
pub use replacement::{are_we_a_copy, become_copy, become_program};
pub use transaction::Transaction;

/// How long a question may take unless it says otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);

/// How much a question may answer unless it says otherwise, bytes.
const OUTPUT_CAP: u64 = 64 << 20;

/// What every program of ours gets instead of our own environment
/// (a question about why is answered in DESIGN section 6).
const ENVIRONMENT: [(&str, &str); 9] = [
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("HOME", "/root"),
    ("LC_ALL", "C.UTF-8"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("DEBIAN_PRIORITY", "critical"),
    ("UCF_FORCE_CONFFOLD", "1"),
    ("NEEDRESTART_SUSPEND", "1"),
    ("APT_LISTCHANGES_FRONTEND", "none"),
    ("APT_LISTBUGS_FRONTEND", "none"),
];

/// A program with its arguments, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    program: Cow<'static, str>,
    arguments: Vec<String>,
    folder: Cow<'static, Path>,
    timeout: Duration,
    output_cap: u64,
    network: bool,
}

/// What a question answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit status; 128 + signal when it was ended by one.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// A question that has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("cannot start {program}: {cause}; is the package that brings it installed?")]
    Start {
        /// Which program.
        program: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// It was started, and then something failed.
    #[error("lost track of {program}: {cause}; run it by hand to see what it says")]
    Lost {
        /// Which program.
        program: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// It did not end in time and was killed.
    #[error("{program} gave no answer within {timeout:?}; run it by hand to see what it waits for")]
    TimedOut {
        /// Which program.
        program: String,
        /// How long we waited.
        timeout: Duration,
    },
    /// It answered more than any sane answer holds and was killed.
    #[error("{program} answered more than {cap} bytes; run it by hand to see what it prints")]
    TooMuch {
        /// Which program.
        program: String,
        /// The cap, bytes.
        cap: u64,
    },
}

/// A future that need not move between threads: the program has one.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Who reads an answer that is too long to be kept. It runs on a thread of its own.
pub type Reader = Box<dyn FnOnce(&mut dyn BufRead) + Send>;

/// Who runs programs: the system, or a fake that replays recorded answers.
pub trait Runner {
    /// Runs a question to its end. A non-zero status is an answer, not an error.
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>>;

    /// As [`Self::ask`], but standard output goes through `reader` while the
    /// program runs, and is not part of the answer. Beyond the cap it just ends.
    fn pour<'a>(
        &'a self,
        question: &'a Command,
        reader: Reader,
    ) -> Answer<'a, Result<Output, CommandError>> {
        Box::pin(async move {
            let mut output = self.ask(question).await?;
            reader(&mut std::mem::take(&mut output.stdout).as_slice());
            Ok(output)
        })
    }

    /// What a transaction is started as; with the number of the descriptor that
    /// it inherits, if it does.
    fn transaction(&self, command: &Command, _kept: Option<i32>) -> Command {
        command.clone()
    }

    /// Starts a program that goes with us, see [`Command::accompany`]. Who only
    /// replays answers has none.
    fn accompany<'a>(
        &'a self,
        program: &'a Command,
    ) -> Answer<'a, Result<Companion, CommandError>> {
        let nobody = program.start_error(std::io::ErrorKind::NotFound.into());
        Box::pin(std::future::ready(Err(nobody)))
    }
}

/// Runs programs on this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Command {
    /// `program` is an absolute path.
    #[must_use]
    pub fn new(program: impl Into<Cow<'static, str>>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            folder: Path::new("/").into(),
            timeout: TIMEOUT,
            output_cap: OUTPUT_CAP,
            network: false,
        }
    }

    /// The program that runs, once more.
    #[must_use]
    pub fn ourselves() -> Self {
        Self::new(process::own_program().to_string_lossy().into_owned())
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments in order.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// In another folder than the root.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        self.folder = folder.to_owned().into();
        self
    }

    /// Another timeout than 60 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Another cap than 64 MiB.
    #[must_use]
    pub fn output_cap(mut self, bytes: u64) -> Self {
        self.output_cap = bytes;
        self
    }

    /// It fetches something: whoever keeps programs from the network lets this
    /// one have it.
    #[must_use]
    pub fn reaching_out(mut self) -> Self {
        self.network = true;
        self
    }

    /// Whether it needs the network.
    #[must_use]
    pub fn reaches_out(&self) -> bool {
        self.network
    }

    /// The same, but another program is given all its words behind its own, and
    /// the folder to start in last of those.
    #[must_use]
    pub fn through(&self, other: Command) -> Self {
        let folder = self.folder.to_string_lossy().into_owned();
        Self {
            folder: Path::new("/").into(),
            timeout: self.timeout,
            output_cap: self.output_cap,
            network: self.network,
            ..other.arg(folder).args(self.argv())
        }
    }

    /// Program and arguments, for fakes, logs and messages.
    #[must_use]
    pub fn argv(&self) -> Vec<&str> {
        std::iter::once(&*self.program)
            .chain(self.arguments.iter().map(String::as_str))
            .collect()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts programs"
    )]
    fn prepare(&self) -> Result<tokio::process::Command, CommandError> {
        self.may_start()?;
        let mut command = tokio::process::Command::new(&*self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        Ok(command)
    }

    /// In an image we keep all rights of this machine, and its programs must have
    /// none of them: whoever forgets their jail starts nothing.
    fn may_start(&self) -> Result<(), CommandError> {
        if self.program == PROGRAM || !Image::is_around_us() {
            return Ok(());
        }
        Err(self.start_error(std::io::Error::new(
            std::io::ErrorKind::PermissionDenied,
            "a program of an image is started in a jail only",
        )))
    }

    fn start_error(&self, cause: std::io::Error) -> CommandError {
        CommandError::Start {
            program: self.program.to_string(),
            cause,
        }
    }

    fn lost(&self, cause: std::io::Error) -> CommandError {
        CommandError::Lost {
            program: self.program.to_string(),
            cause,
        }
    }
}

impl Output {
    /// Standard output as text; what is not UTF-8 is shown as U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The last line that says something on standard error, else on standard output.
    #[must_use]
    pub fn last_words(&self) -> String {
        let last = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.lines()
                .rev()
                .find(|line| !line.trim().is_empty())
                .map(str::to_owned)
        };
        last(&self.stderr)
            .or_else(|| last(&self.stdout))
            .unwrap_or_else(|| format!("exit status {}", self.status))
    }
}

impl Runner for System {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        Box::pin(in_time(question, run(question)))
    }

    fn pour<'a>(
        &'a self,
        question: &'a Command,
        reader: Reader,
    ) -> Answer<'a, Result<Output, CommandError>> {
        Box::pin(in_time(question, run_into(question, reader)))
    }

    fn accompany<'a>(
        &'a self,
        program: &'a Command,
    ) -> Answer<'a, Result<Companion, CommandError>> {
        Box::pin(program.accompany())
    }
}

async fn in_time(
    question: &Command,
    answer: impl Future<Output = Result<Output, CommandError>>,
) -> Result<Output, CommandError> {
    tokio::time::timeout(question.timeout, answer)
        .await
        .unwrap_or_else(|_| {
            Err(CommandError::TimedOut {
                program: question.program.to_string(),
                timeout: question.timeout,
            })
        })
}

/// A question's process: in a group of its own, gone when nobody waits any more.
fn start(question: &Command) -> Result<tokio::process::Child, CommandError> {
    question
        .prepare()?
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|cause| question.start_error(cause))
}

async fn run_into(question: &Command, reader: Reader) -> Result<Output, CommandError> {
    let mut child = start(question)?;
    let stderr = child.stderr.take();
    let stdout = child
        .stdout
        .take()
        .map(tokio::process::ChildStdout::into_owned_fd)
        .transpose()
        .map_err(|cause| question.lost(cause))?;
    let cap = question.output_cap;
    let reading = tokio::task::spawn_blocking(move || {
        if let Some(stdout) = stdout {
            reader(&mut BufReader::with_capacity(
                1 << 18,
                File::from(stdout).take(cap),
            ));
        }
    });
    let (stderr, read) = tokio::join!(read_capped(stderr, cap), reading);
    let stderr = stderr.map_err(|cause| question.lost(cause))?;
    read.map_err(|cause| question.lost(std::io::Error::other(cause)))?;
    let status = child.wait().await.map_err(|cause| question.lost(cause))?;
    Ok(Output {
        status: code(status),
        stdout: Vec::new(),
        stderr,
    })
}

async fn run(question: &Command) -> Result<Output, CommandError> {
    let mut child = start(question)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let cap = question.output_cap;
    let (stdout, stderr) = tokio::try_join!(read_capped(stdout, cap), read_capped(stderr, cap))
        .map_err(|cause| question.lost(cause))?;
    if stdout.len() as u64 > cap || stderr.len() as u64 > cap {
        return Err(CommandError::TooMuch {
            program: question.program.to_string(),
            cap,
        });
    }
    let status = child.wait().await.map_err(|cause| question.lost(cause))?;
    Ok(Output {
        status: code(status),
        stdout,
        stderr,
    })
}

/// Reads to the end, or to one byte beyond the cap.
async fn read_capped(source: Option<impl AsyncRead + Unpin>, cap: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(source) = source {
        source.take(cap + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
