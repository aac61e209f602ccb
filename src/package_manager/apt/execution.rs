//! Running apt to its end: what it writes, how far it is, its last words.

use std::path::{Path, PathBuf};

use super::super::contract::{Activity, Watch};
use super::super::fault::Fault;
use super::credentials;
use super::status_fd::{self, Line, Tail};
use crate::os::command::{Command, CommandError, Runner, Transaction};
use crate::os::{files, process};

/// Output and status beyond this lose their beginning.
const LOG_CAP: u64 = 64 << 20;

/// A length in digits.
const NUMBER_CAP: u64 = 32;

/// Stands for an exit status that nobody could read.
const UNKNOWN_STATUS: i32 = -1;

/// The end of an output file is enough for last words.
const LAST_WORDS: u64 = 64 << 10;

/// Errors of apt that only say that there were others.
const SUMMARIES: [&str; 3] = [
    "Unable to fetch some archives",
    "Some files failed to download",
    "Some index files failed to download",
];

/// Where one transaction writes.
#[derive(Debug, Clone)]
pub struct Log {
    /// Standard output and error.
    pub output: PathBuf,
    /// apt's progress.
    pub status: PathBuf,
}

/// How a transaction ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; never a proof.
    pub status: i32,
    /// Where its output begins in the file.
    pub output_from: u64,
    /// What went wrong around it once it was started.
    pub trouble: Option<Fault>,
}

impl Ended {
    /// For operations that may simply fail: whatever went wrong around it is an error.
    pub fn untroubled(mut self) -> Result<Self, Fault> {
        self.trouble.take().map_or(Ok(self), Err)
    }
}

impl Log {
    /// One output for the whole run, one status for each phase: what went before
    /// must not be taken for progress.
    #[must_use]
    pub fn of(folder: &Path, phase: &str) -> Self {
        Self {
            output: folder.join("output.log"),
            status: folder.join(format!("{phase}-status.log")),
        }
    }

    /// Remembers that what is told from now on belongs to a new attempt: who
    /// failed in an earlier one is not to be blamed again.
    pub fn begin_attempt(&self) -> Result<(), Fault> {
        let from = std::fs::metadata(&self.status).map_or(0, |file| file.len());
        let mark = self.attempt();
        files::replace(&mark, from.to_string().as_bytes(), 0o640).map_err(file_fault(&mark))
    }

    /// What apt told of its progress in the present attempt; nothing when it
    /// never started.
    pub fn read_status(&self) -> Result<String, Fault> {
        if !self.status.exists() {
            return Ok(String::new());
        }
        let from = files::read_bounded(&self.attempt(), NUMBER_CAP)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        read_end(&self.status, from, LOG_CAP).map_err(file_fault(&self.status))
    }

    /// The file that holds where the present attempt begins.
    fn attempt(&self) -> PathBuf {
        self.status.with_extension("from")
    }

    /// Takes passwords of URLs, which apt's errors show, out of the output.
    pub fn scrub(&self) -> Result<(), Fault> {
        if !self.output.exists() {
            return Ok(());
        }
        scrub(&self.output).map_err(file_fault(&self.output))
    }

    /// The last words of what was written behind `from`.
    pub fn last_words(&self, ended: &Ended) -> Result<String, Fault> {
        let output = self.read(ended.output_from, LAST_WORDS)?;
        Ok(last_words(&output, ended.status))
    }

    /// What was written behind `from`, at most the end of it.
    pub fn read(&self, from: u64, cap: u64) -> Result<String, Fault> {
        read_end(&self.output, from, cap).map_err(file_fault(&self.output))
    }
}

/// Runs a transaction to its end, however long it takes, and tells its
/// progress. An error means that nothing was started.
pub async fn perform(
    runner: &dyn Runner,
    command: &Command,
    log: &Log,
    descriptor: impl FnOnce(i32) -> Vec<String>,
    watch: Watch<'_>,
) -> Result<Ended, Fault> {
    // Whoever wrote last may have died before he could.
    log.scrub()?;
    let output_from = std::fs::metadata(&log.output).map_or(0, |file| file.len());
    let mut tail = Tail::from_end(&log.status);
    let mut running =
        Transaction::start(runner, command, &log.output, Some(&log.status), descriptor)?;
    if let Some(process) = process::Process::of(running.pid) {
        watch(Activity::Started {
            pid: process.pid,
            start_time: process.start_time,
        });
    }
    let pid = running.pid;
    let meanwhile = &mut || {
        tell(&mut tail, watch);
        watch(Activity::AtWork { pid });
    };
    let ended = running.wait(meanwhile).await;
    tell(&mut tail, watch);
    let (status, lost) = match ended {
        Ok(status) => (status, None),
        Err(cause) => (UNKNOWN_STATUS, Some(lost(command, cause))),
    };
    Ok(Ended {
        status,
        output_from,
        trouble: lost.or(log.scrub().err()),
    })
}

fn lost(command: &Command, cause: std::io::Error) -> Fault {
    Fault::Command(CommandError::Lost {
        program: command.argv().first().copied().unwrap_or_default().into(),
        cause,
    })
}

/// In place: the name may be a link to where logs are kept, and owner, group
/// and mode are those of who made the file. What is shown is never longer.
fn scrub(path: &Path) -> std::io::Result<()> {
    use std::io::Write;
    let text = read_end(path, 0, LOG_CAP)?;
    let shown = credentials::hidden(&text);
    if shown == text {
        return Ok(());
    }
    let mut file = std::fs::File::options().write(true).open(path)?;
    file.write_all(shown.as_bytes())?;
    file.set_len(shown.len() as u64)?;
    file.sync_all()
}

/// Only the newest line: whoever watches wants to know where we are.
fn tell(tail: &mut Tail, watch: Watch<'_>) {
    let newest = tail
        .lines()
        .iter()
        .rev()
        .find_map(|line| match status_fd::parse(line) {
            Line::Progress { percent, doing } => Some(Activity::Progress { percent, doing }),
            Line::Error { .. } | Line::Other => None,
        });
    if let Some(activity) = newest {
        watch(activity);
    }
}

/// At most the last `cap` bytes behind `from`.
fn read_end(path: &Path, from: u64, cap: u64) -> std::io::Result<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(path)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(from.max(end.saturating_sub(cap))))?;
    let mut bytes = Vec::new();
    file.take(cap).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last `E:` line that is not only a summary, else the last line at all.
#[must_use]
pub fn last_words(output: &str, status: i32) -> String {
    let mut errors = output
        .lines()
        .filter_map(|line| line.strip_prefix("E: ").or(line.strip_prefix("Error: ")));
    let telling = |line: &&str| !SUMMARIES.iter().any(|summary| line.starts_with(summary));
    errors
        .rfind(telling)
        .or_else(|| output.lines().rfind(|line| !line.trim().is_empty()))
        .map_or_else(
            || format!("exit status {status}"),
            |line| credentials::hidden(line.trim()),
        )
}

/// The system's words about one file.
pub fn file_fault(path: &Path) -> impl FnOnce(std::io::Error) -> Fault + use<> {
    let path = path.to_owned();
    move |cause| Fault::File { path, cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::command::System;

    #[test]
    fn last_words_are_the_last_error_without_a_password() {
        for (output, words) in [
            (
                "E: one\nE: Failed to fetch http://u:p@h/x  404  Not Found\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n",
                "Failed to fetch http://h/x  404  Not Found",
            ),
            (
                "E: Failed to fetch http://h/x  Hash Sum mismatch\n   Hashes of expected file:\nE: Some files failed to download\n",
                "Failed to fetch http://h/x  Hash Sum mismatch",
            ),
            ("Setting up a\ndied\n\n", "died"),
            ("", "exit status 100"),
        ] {
            assert_eq!(last_words(output, 100), words);
        }
    }

    #[tokio::test]
    async fn the_progress_of_a_transaction_is_told_and_its_log_has_no_password() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::of(folder.path(), "test");
        let command = Command::new("/bin/sh");
        let mut told = Vec::new();
        let script = |descriptor: i32| {
            let script = format!(
                "echo http://u:secret@h/; echo pmstatus:a1:50.0:half >> /proc/self/fd/{descriptor}; sleep 0.5; exit 3"
            );
            vec!["-c".to_owned(), script]
        };
        let ended = perform(&System, &command, &log, script, &mut |activity| {
            told.push(activity);
        })
        .await
        .expect("ended");
        assert_eq!(ended.status, 3);
        assert!(matches!(told.first(), Some(Activity::Started { .. })));
        assert!(told.contains(&Activity::Progress {
            percent: 50,
            doing: "half".to_owned()
        }));
        assert_eq!(log.read(0, 100).expect("readable"), "http://h/\n");
    }

    #[test]
    fn a_log_that_is_scrubbed_keeps_its_mode_and_stays_behind_its_link() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let folder = tempfile::tempdir().expect("a folder");
        let kept = folder.path().join("run.log");
        files::replace(&kept, b"http://u:secret@h/\nmore\n", 0o600).expect("written");
        std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o606)).expect("set");
        let inode = std::fs::metadata(&kept).expect("there").ino();
        let log = Log::of(folder.path(), "test");
        std::os::unix::fs::symlink(&kept, &log.output).expect("made");
        log.scrub().expect("written");
        let after = std::fs::metadata(&kept).expect("there");
        assert_eq!((after.ino(), after.mode() & 0o777), (inode, 0o606));
        assert_eq!(
            std::fs::read_to_string(&kept).expect("there"),
            "http://h/\nmore\n"
        );
    }

    #[tokio::test]
    async fn what_a_dead_predecessor_left_is_scrubbed_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::of(folder.path(), "test");
        files::replace(&log.output, b"http://u:secret@h/\n", 0o640).expect("written");
        let ended = perform(
            &System,
            &Command::new("/bin/echo").arg("done"),
            &log,
            |_| Vec::new(),
            &mut |_| {},
        )
        .await
        .expect("ended");
        assert_eq!(ended.output_from, 10);
        assert_eq!(
            log.read(ended.output_from, 100).expect("readable"),
            "done\n"
        );
    }

    #[test]
    fn an_attempt_knows_nothing_of_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::of(folder.path(), "apply");
        assert_eq!(log.read_status().expect("none"), "");
        files::replace(&log.status, b"pmerror:bad:1.0:old\n", 0o640).expect("written");
        assert!(log.read_status().expect("all of it").contains("bad"));
        log.begin_attempt().expect("remembered");
        assert_eq!(log.read_status().expect("nothing yet"), "");
    }

    #[tokio::test]
    async fn a_log_is_for_its_group_and_nobody_else() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::of(folder.path(), "test");
        perform(
            &System,
            &Command::new("/bin/true"),
            &log,
            |_| Vec::new(),
            &mut |_| {},
        )
        .await
        .expect("ended");
        for path in [&log.output, &log.status] {
            let mode = std::fs::metadata(path).expect("there").mode();
            assert_eq!(mode & 0o137, 0, "{mode:o}");
        }
    }
}
