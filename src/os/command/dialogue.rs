//! Talking with a program of our own.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::ChildStdout;

use super::{Command, CommandError, code};

/// A program of ours that answers line by line. Dropping it does not end it.
#[derive(Debug)]
pub struct Dialogue {
    child: tokio::process::Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Dialogue {
    /// The next line; `None` when there are no more.
    pub async fn next_line(&mut self) -> std::io::Result<Option<String>> {
        match &mut self.lines {
            Some(lines) => lines.next_line().await,
            None => Ok(None),
        }
    }

    /// Waits for its end. Returns its exit status.
    pub async fn wait(&mut self) -> std::io::Result<i32> {
        self.child.wait().await.map(code)
    }
}

impl Command {
    /// Starts our own program with `input` as its standard input; its answers
    /// are read line by line. It goes on when we die.
    pub async fn converse(&self, input: &[u8]) -> Result<Dialogue, CommandError> {
        let mut child = self
            .prepare()?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(false)
            .spawn()
            .map_err(|cause| self.start_error(cause))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ended at once is noticed when its answers end.
            let _broken_pipe = stdin.write_all(input).await;
        }
        let lines = child
            .stdout
            .take()
            .map(|stdout| BufReader::new(stdout).lines());
        Ok(Dialogue { child, lines })
    }
}
