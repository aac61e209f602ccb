//! A program of somebody else's that was opened before: it is executed by its
//! descriptor, writes to a file, and is ended when its time is over.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::transaction::append;
use super::{Command, CommandError, code};

/// Between the request to end and the end.
const GRACE: Duration = Duration::from_secs(10);

/// A program that was judged and opened.
#[derive(Debug)]
pub struct Opened<'a> {
    /// Its file.
    pub program: &'a File,
    /// Its path, for messages.
    pub path: &'a Path,
    /// What it finds in its environment, beside what all find.
    pub facts: &'a [(String, String)],
    /// Where its output is appended.
    pub output: &'a Path,
    /// After this it is ended, with all of its process group.
    pub timeout: Duration,
}

impl Opened<'_> {
    /// Runs it to its end. Returns its exit status.
    pub async fn run(&self) -> Result<i32, CommandError> {
        // A script's interpreter opens the descriptor again, so the child keeps it.
        let kept = rustix::io::dup(self.program.as_fd());
        let named = Command::new(self.path.display().to_string());
        let lost = |cause: std::io::Error| named.lost(cause);
        let kept = kept.map_err(|cause| lost(cause.into()))?;
        let output = append(self.output).map_err(lost)?;
        let errors = output.try_clone().map_err(lost)?;
        let facts = self.facts.iter().map(|(name, value)| (name, value));
        let mut child = Command::new(format!("/proc/self/fd/{}", kept.as_raw_fd()))
            .prepare()?
            .envs(facts)
            .stdout(output)
            .stderr(errors)
            .arg0(self.path)
            .process_group(0)
            .kill_on_drop(false)
            .spawn()
            .map_err(|cause| named.start_error(cause))?;
        drop(kept);
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        if let Ok(status) = tokio::time::timeout(self.timeout, child.wait()).await {
            return status.map(code).map_err(lost);
        }
        signal(group, Signal::TERM);
        let _still_there = tokio::time::timeout(GRACE, child.wait()).await;
        // Whoever is left of its group, even if itself has gone.
        signal(group, Signal::KILL);
        let _gone = child.wait().await;
        Err(CommandError::TimedOut {
            program: self.path.display().to_string(),
            timeout: self.timeout,
        })
    }
}

fn signal(group: Option<i32>, signal: Signal) {
    if let Some(group) = group.and_then(Pid::from_raw) {
        let _gone_already = rustix::process::kill_process_group(group, signal);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;
    use crate::os::files;

    struct Desk {
        folder: tempfile::TempDir,
        output: PathBuf,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let output = folder.path().join("output");
            Self { folder, output }
        }

        async fn run(&self, script: &str, timeout: Duration) -> Result<i32, CommandError> {
            let path = self.folder.path().join("hook");
            files::replace(&path, script.as_bytes(), 0o755).expect("written");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("chmod");
            let program = File::open(&path).expect("there");
            let facts = [("PATCHD_POINT".to_owned(), "pre_apply".to_owned())];
            let opened = Opened {
                program: &program,
                path: &path,
                facts: &facts,
                output: &self.output,
                timeout,
            };
            // Whatever lies there now, what was opened is what runs.
            std::fs::remove_file(&path).expect("removed");
            opened.run().await
        }

        fn said(&self) -> String {
            files::read_bounded(&self.output, 1 << 20).expect("there")
        }
    }

    #[tokio::test]
    async fn a_script_runs_by_its_descriptor_with_its_facts() {
        let desk = Desk::new();
        let script = "#!/bin/sh\necho \"$PATCHD_POINT ${USER-nobody} $#\"\nexit 3\n";
        let status = desk.run(script, Duration::from_secs(20)).await;
        assert_eq!(status.expect("ran"), 3);
        assert_eq!(desk.said(), "pre_apply nobody 0\n");
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_its_children() {
        let desk = Desk::new();
        let script = "#!/bin/sh\necho $$\nsleep 60 & wait\n";
        let error = desk.run(script, Duration::from_millis(300)).await;
        let error = error.expect_err("timed out").to_string();
        assert!(error.contains("no answer within 300ms"), "{error}");
        let pid: u32 = desk.said().trim().parse().expect("its pid");
        assert!(crate::os::process::Process::of(pid).is_none());
    }

    #[tokio::test]
    async fn what_is_no_program_says_so() {
        let error = Desk::new()
            .run("no interpreter", Duration::from_secs(20))
            .await;
        assert!(
            matches!(error, Err(CommandError::Start { .. })),
            "{error:?}"
        );
    }
}
