//! A program that goes with us: it lives as long as we hold it, and no longer
//! than we do, however we end.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};

use super::{Command, CommandError};

/// What is sent to hear whether it is there, and comes back.
const CALL: &[u8] = b"here\n";

/// How long it may take until it answers.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of what it says about its failure is kept, bytes.
const WORDS_CAP: u64 = 4 << 10;

/// A program that ends when this is dropped, or when we end.
#[derive(Debug)]
pub struct Companion {
    child: Child,
    /// Its end of file is the sign to go.
    _stdin: ChildStdin,
}

impl Companion {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

impl Command {
    /// Starts a program that ends with its standard input and repeats what it
    /// reads there, as cat(1) does. It is there when this returns.
    pub async fn accompany(&self) -> Result<Companion, CommandError> {
        let mut child = self
            .prepare()?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|cause| self.start_error(cause))?;
        let gone = || self.lost(std::io::ErrorKind::BrokenPipe.into());
        let mut stdin = child.stdin.take().ok_or_else(gone)?;
        let mut stdout = child.stdout.take().ok_or_else(gone)?;
        let answered = async {
            stdin.write_all(CALL).await?;
            let mut answer = [0; CALL.len()];
            stdout.read_exact(&mut answer).await
        };
        match tokio::time::timeout(TIMEOUT, answered).await {
            Ok(Ok(_)) => Ok(Companion {
                child,
                _stdin: stdin,
            }),
            Ok(Err(_)) => {
                drop(stdin);
                let mut words = Vec::new();
                if let Some(stderr) = child.stderr.take() {
                    let mut stderr = stderr.take(WORDS_CAP);
                    let _silent =
                        tokio::time::timeout(TIMEOUT, stderr.read_to_end(&mut words)).await;
                }
                let words = String::from_utf8_lossy(&words).trim().to_owned();
                Err(self.lost(std::io::Error::other(words)))
            }
            Err(_) => Err(CommandError::TimedOut {
                program: self.program.to_string(),
                timeout: TIMEOUT,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::process::Process;

    #[tokio::test]
    async fn a_companion_goes_when_nobody_holds_it() {
        let cat = Command::new("/bin/cat").accompany().await.expect("there");
        let process = Process::of(cat.pid()).expect("it runs");
        assert!(process.is_alive());
        drop(cat);
        process.ended().await.expect("ended");
    }

    #[tokio::test]
    async fn one_that_does_not_stay_says_why() {
        let missing = Command::new("/bin/cat").arg("/nowhere");
        let error = missing.accompany().await.expect_err("gone").to_string();
        assert!(error.contains("/nowhere"), "{error}");
    }
}
