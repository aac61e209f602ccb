//! Starting our own program once more, and becoming another one: what a jail is
//! made with. Except for [`start_ourselves`] this waits without a runtime.

use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use super::super::process::OURSELVES;
use super::{Command, CommandError, ENVIRONMENT, Output, code};

/// What it is called in process lists.
const NAME: &str = "patchd";

/// Starts us with other arguments and these streams; killed when nobody holds
/// it any more.
pub fn start_ourselves(
    arguments: &[&str],
    streams: [Stdio; 3],
) -> std::io::Result<tokio::process::Child> {
    let [stdin, stdout, stderr] = streams;
    let mut command: tokio::process::Command = ourselves(arguments).into();
    command
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// As [`start_ourselves`], without a runtime; it goes on when nobody holds it.
pub fn start_again(arguments: &[&str], streams: [Stdio; 3]) -> std::io::Result<Child> {
    let [stdin, stdout, stderr] = streams;
    let mut command = ourselves(arguments);
    command.stdin(stdin).stdout(stdout).stderr(stderr).spawn()
}

#[expect(
    clippy::disallowed_methods,
    reason = "starts no program but the one that runs"
)]
fn ourselves(arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(OURSELVES);
    command
        .arg0(NAME)
        .args(arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir("/");
    command
}

impl Command {
    /// Becomes this program, with the streams that we have. Returns only when
    /// that fails.
    #[must_use]
    pub fn exec(&self) -> std::io::Error {
        self.blocking().exec()
    }

    /// Asks where there is no runtime: waits for the answer, however long.
    pub fn ask_and_wait(&self) -> Result<Output, CommandError> {
        self.may_start()?;
        let output = self.blocking().stdin(Stdio::null()).output();
        let output = output.map_err(|cause| self.start_error(cause))?;
        Ok(Output {
            status: code(output.status),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the same as `prepare`, for where there is no runtime"
    )]
    fn blocking(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&*self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir(&self.folder);
        command
    }
}
