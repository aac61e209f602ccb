//! A program that is told something: on its standard input and in its
//! environment. It is a question all the same, with a timeout and a cap.

use std::process::Stdio;

use rustix::process::{Pid, Signal};
use tokio::io::AsyncWriteExt;
use tokio::process::Child;

use super::{Command, CommandError, Output, code, read_capped};

/// The program with its process group, all of which is gone when nobody waits
/// any more.
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let _gone_already = rustix::process::kill_process_group(id, Signal::KILL);
        }
    }
}

impl Command {
    /// Runs it to its end with this input, and these variables beside those that
    /// all programs have. A non-zero status is an answer, not an error.
    pub async fn tell(
        &self,
        input: &[u8],
        facts: &[(String, String)],
    ) -> Result<Output, CommandError> {
        let child = self
            .prepare()?
            .envs(facts.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| self.start_error(cause))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let mut group = Group {
            child,
            id: id.and_then(Pid::from_raw),
        };
        let told = tokio::time::timeout(self.timeout, self.converse_once(&mut group.child, input));
        told.await.unwrap_or_else(|_| {
            Err(CommandError::TimedOut {
                program: self.program.to_string(),
                timeout: self.timeout,
            })
        })
    }

    async fn converse_once(&self, child: &mut Child, input: &[u8]) -> Result<Output, CommandError> {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // Whoever does not want to hear it need not.
                let _not_read = stdin.write_all(input).await;
            }
            Ok(())
        };
        let cap = self.output_cap;
        let ((), stdout, stderr) =
            tokio::try_join!(write, self.read(stdout, cap), self.read(stderr, cap))?;
        let status = child.wait().await.map_err(|cause| self.lost(cause))?;
        Ok(Output {
            status: code(status),
            stdout,
            stderr,
        })
    }

    /// At once an error beyond the cap, so that the other stream is not waited for.
    async fn read(
        &self,
        source: Option<impl tokio::io::AsyncRead + Unpin>,
        cap: u64,
    ) -> Result<Vec<u8>, CommandError> {
        let bytes = read_capped(source, cap).await;
        let bytes = bytes.map_err(|cause| self.lost(cause))?;
        if bytes.len() as u64 > cap {
            return Err(CommandError::TooMuch {
                program: self.program.to_string(),
                cap,
            });
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn shell(script: &str) -> Command {
        Command::new("/bin/sh").args(["-c", script])
    }

    #[tokio::test]
    async fn it_hears_what_it_is_told_and_answers() {
        let facts = [("PATCHD_KIND".to_owned(), "test".to_owned())];
        let program = shell("cat; echo $PATCHD_KIND; exit 4");
        let output = program.tell(b"word ", &facts).await.expect("ran");
        assert_eq!((output.text().as_str(), output.status), ("word test\n", 4));
    }

    #[tokio::test]
    async fn who_does_not_listen_is_no_fault() {
        let long = vec![b'x'; 1 << 20];
        let output = shell("exit 0").tell(&long, &[]).await.expect("ran");
        assert_eq!(output.status, 0);
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_its_children() {
        let folder = tempfile::tempdir().expect("a folder");
        let note = folder.path().join("pid");
        let script = format!("sleep 60 & echo $! > {}; wait", note.display());
        let hanging = shell(&script).timeout(Duration::from_millis(500));
        let error = hanging.tell(b"", &[]).await.expect_err("timed out");
        assert!(matches!(error, CommandError::TimedOut { .. }), "{error}");
        let pid = crate::os::files::read_bounded(&note, 64).expect("there");
        let pid: u32 = pid.trim().parse().expect("a pid");
        if let Some(process) = crate::os::process::Process::of(pid) {
            process.ended().await.expect("ended");
        }
    }
}
