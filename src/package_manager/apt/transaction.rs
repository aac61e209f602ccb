//! Everything that runs apt for real: fetching the archives of a plan, and
//! installing exactly the plan. The package database, not an exit code, tells
//! what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::contract::{Activity, Applied, Watch};
use super::super::fault::Fault;
use super::audit::Record;
use super::commands::{self, Bonds};
use super::guard::{VERDICT, Verdict};
use super::status_fd::{self, Line, Tail};
use super::{audit, conffiles, credentials, marks, uris};
use crate::model::{Change, PackageId, Plan, Version};
use crate::os::command::{Command, Runner, Transaction};
use crate::os::{files, process};

/// How often the status file is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// The end of an output file is enough for last words.
const LAST_WORDS: u64 = 64 << 10;

/// Output and status beyond this lose their beginning.
const LOG_CAP: u64 = 64 << 20;

/// What the guard compares with: the part of the plan that is still to be done.
const PLAN: &str = "guard-plan.json";

/// Where one transaction writes.
#[derive(Debug, Clone)]
pub struct Log {
    /// Standard output and error.
    pub output: PathBuf,
    /// apt's progress.
    pub status: PathBuf,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status; never a proof.
    pub status: i32,
    /// Where its output begins in the file.
    pub output_from: u64,
}

impl Log {
    /// `output.log` and `status.log` for `apply`, the others with their name in front.
    #[must_use]
    pub fn of(folder: &Path, phase: Option<&str>) -> Self {
        let prefix = phase.map(|phase| format!("{phase}-")).unwrap_or_default();
        Self {
            output: folder.join(format!("{prefix}output.log")),
            status: folder.join(format!("{prefix}status.log")),
        }
    }

    /// What was written behind `from`, at most the end of it.
    pub fn read(&self, from: u64, cap: u64) -> Result<String, Fault> {
        read_end(&self.output, from, cap).map_err(file_fault(&self.output))
    }
}

/// Runs a transaction to its end, however long it takes, and tells its progress.
pub async fn perform(
    command: &Command,
    log: &Log,
    descriptor: impl FnOnce(i32) -> Vec<String>,
    watch: Watch<'_>,
) -> Result<Ended, Fault> {
    let output_from = std::fs::metadata(&log.output).map_or(0, |file| file.len());
    let mut tail = Tail::from_end(&log.status);
    let mut running = Transaction::start(command, &log.output, Some(&log.status), descriptor)?;
    if let Some(process) = process::Process::of(running.pid) {
        watch(Activity::Started {
            pid: process.pid,
            start_time: process.start_time,
        });
    }
    let status = loop {
        match tokio::time::timeout(LOOK, running.wait()).await {
            Ok(ended) => break ended.map_err(file_fault(&log.output))?,
            Err(_) => tell(&mut tail, watch),
        }
    };
    tell(&mut tail, watch);
    scrub(&log.output).map_err(file_fault(&log.output))?;
    Ok(Ended {
        status,
        output_from,
    })
}

/// Takes passwords of URLs, which apt's errors show, out of a log.
fn scrub(path: &Path) -> std::io::Result<()> {
    let text = read_end(path, 0, LOG_CAP)?;
    let shown = credentials::hidden(&text);
    if shown == text {
        return Ok(());
    }
    files::replace(path, shown.as_bytes(), 0o640)
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

/// Fetches the archives of the plan. Returns the bytes that were missing.
pub async fn download(
    runner: &dyn Runner,
    plan: &Plan,
    folder: &Path,
    watch: Watch<'_>,
) -> Result<u64, Fault> {
    let missing = uris::missing(runner, plan).await?;
    let log = Log::of(folder, Some("download"));
    let ended = perform(&commands::download(plan), &log, commands::apt_status, watch).await?;
    if ended.status == 0 {
        return Ok(missing.iter().map(|archive| archive.bytes).sum());
    }
    Err(Fault::Failed {
        program: "apt-get install --download-only",
        words: last_words(&log.read(ended.output_from, LAST_WORDS)?, ended.status),
        advice: "nothing was changed; patchd tries again in the next run",
    })
}

/// Installs exactly the plan. Safe to repeat: what is already as planned is
/// left out, and when nothing is left to do, apt is not started.
pub async fn apply(
    runner: &dyn Runner,
    plan: &Plan,
    folder: &Path,
    watch: Watch<'_>,
) -> Result<Applied, Fault> {
    let rest = remaining(plan, &installed(&audit::records(runner).await?, plan))?;
    marks::shield(folder)?;
    conffiles::remember_start(folder)?;
    let mut failure = None;
    if !rest.is_empty() {
        let guard = arm(&rest, folder)?;
        let copy = marks::copy_in(folder);
        let bonds = Bonds {
            guard: &guard,
            marks: &copy,
        };
        let command = commands::apply(&rest, bonds);
        let log = Log::of(folder, None);
        let ended = perform(&command, &log, commands::apt_status, watch).await?;
        refuse_if_stale(folder)?;
        if ended.status != 0 {
            let output = log.read(ended.output_from, LAST_WORDS)?;
            failure = Some(last_words(&output, ended.status));
        }
    }
    let mut applied = settle(runner, plan, folder).await?;
    // Without a failed package, apt itself knows best why it stopped.
    if applied.culprits.is_empty() && applied.failure.is_some() {
        applied.failure = failure.or(applied.failure);
    }
    Ok(applied)
}

/// Restores what apt leaves undone behind the transaction, and tells what is
/// different now. Safe to repeat at any time.
pub async fn settle(runner: &dyn Runner, plan: &Plan, folder: &Path) -> Result<Applied, Fault> {
    let records = audit::records(runner).await?;
    let now = installed(&records, plan);
    let changed: Vec<Change> = plan
        .changes()
        .iter()
        .filter(|change| now.get(&change.id) != change.from.as_ref())
        .cloned()
        .map(|change| Change {
            to: now.get(&change.id).cloned(),
            ..change
        })
        .collect();
    marks::restore(runner, &changed).await?;
    let kept_conffiles = conffiles::kept(runner, &changed, folder).await?;
    let mut applied = Applied {
        changed,
        kept_conffiles,
        ..Applied::default()
    };
    let log = Log::of(folder, None);
    if log.output.exists() {
        // Whoever started the transaction may have died before he could.
        scrub(&log.output).map_err(file_fault(&log.output))?;
    }
    let mut wrong = audit::sentences(&records);
    let unreached = |change: &&Change| now.get(&change.id) != change.to.as_ref();
    let unreached = plan.changes().iter().filter(unreached);
    wrong.extend(unreached.map(|change| format!("{change} was not done")));
    if let Some(first) = wrong.first() {
        let status = read_status(&log.status)?;
        applied.failure = status_fd::first_failure(&status).or_else(|| Some(first.clone()));
        applied.culprits = status_fd::culprits(&status);
    }
    Ok(applied)
}

fn installed(records: &[Record], plan: &Plan) -> BTreeMap<PackageId, Version> {
    let wanted: BTreeSet<&PackageId> = plan.changes().iter().map(|change| &change.id).collect();
    records
        .iter()
        .filter(|record| wanted.contains(&record.id))
        .filter_map(|record| Some((record.id.clone(), record.version.clone()?)))
        .collect()
}

/// What is not yet as planned. A third version means that somebody else was here.
fn remaining(plan: &Plan, now: &BTreeMap<PackageId, Version>) -> Result<Plan, Fault> {
    let mut differences = Vec::new();
    let mut rest = Vec::new();
    for change in plan.changes() {
        let at = now.get(&change.id);
        if at == change.to.as_ref() {
            continue;
        }
        if at == change.from.as_ref() {
            rest.push(change.clone());
        } else {
            let at = at.map_or("absent", Version::as_str);
            differences.push(format!("{change} is planned, and it is {at} now"));
        }
    }
    if differences.is_empty() {
        Ok(Plan::new(rest))
    } else {
        Err(Fault::Stale { differences })
    }
}

/// Writes the guard's plan, and returns the words by which apt calls it.
fn arm(plan: &Plan, folder: &Path) -> Result<String, Fault> {
    let path = folder.join(PLAN);
    let verdict = folder.join(VERDICT);
    match std::fs::remove_file(&verdict) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            return Err(Fault::File {
                path: verdict,
                cause,
            });
        }
        _ => {}
    }
    serde_json::to_vec(plan)
        .map_err(std::io::Error::other)
        .and_then(|json| files::replace(&path, &json, 0o640))
        .map_err(file_fault(&path))?;
    let program = std::env::current_exe().map_err(file_fault(Path::new("/proc/self/exe")))?;
    Ok(format!(
        "{} transaction-guard {}",
        plain(&program)?,
        plain(&path)?
    ))
}

/// apt hands the guard's words to a shell, so they may hold nothing that a
/// shell looks at.
fn plain(path: &Path) -> Result<&str, Fault> {
    path.to_str()
        .filter(|text| {
            text.starts_with('/')
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte))
        })
        .ok_or_else(|| Fault::File {
            path: path.to_owned(),
            cause: std::io::Error::new(
                std::io::ErrorKind::InvalidFilename,
                "a path that a shell would not leave alone",
            ),
        })
}

fn refuse_if_stale(folder: &Path) -> Result<(), Fault> {
    let path = folder.join(VERDICT);
    let text = match files::read_bounded(&path, LOG_CAP) {
        Ok(text) => text,
        // apt ended before it came to its hooks; nothing was changed either.
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(file_fault(&path)(cause)),
    };
    let verdict: Verdict = serde_json::from_str(&text)
        .map_err(std::io::Error::other)
        .map_err(file_fault(&path))?;
    if verdict.differences.is_empty() {
        return Ok(());
    }
    Err(Fault::Stale {
        differences: verdict.differences,
    })
}

fn read_status(path: &Path) -> Result<String, Fault> {
    if path.exists() {
        read_end(path, 0, LOG_CAP).map_err(file_fault(path))
    } else {
        Ok(String::new())
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
    let telling = |line: &&str| !line.starts_with("Unable to fetch some archives");
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

    fn change(from: Option<&str>, to: Option<&str>) -> Change {
        let version = |text: &str| Version::try_from(text.to_owned()).expect("valid");
        Change {
            id: PackageId::parse("nginx", "amd64").expect("valid"),
            from: from.map(version),
            to: to.map(version),
        }
    }

    fn at(text: &str) -> BTreeMap<PackageId, Version> {
        let change = change(None, Some(text));
        change
            .to
            .map(|version| (change.id, version))
            .into_iter()
            .collect()
    }

    #[test]
    fn what_is_done_is_not_done_again_and_a_third_version_is_stale() {
        let plan = Plan::new(vec![change(Some("1"), Some("2"))]);
        assert_eq!(remaining(&plan, &at("1")).expect("to do"), plan);
        assert!(remaining(&plan, &at("2")).expect("done").is_empty());
        for other in [at("3"), BTreeMap::new()] {
            assert!(matches!(remaining(&plan, &other), Err(Fault::Stale { .. })));
        }
        let removal = Plan::new(vec![change(Some("1"), None)]);
        assert!(
            remaining(&removal, &BTreeMap::new())
                .expect("done")
                .is_empty()
        );
    }

    #[test]
    fn a_path_that_a_shell_would_look_at_is_refused() {
        assert!(plain(Path::new("/var/lib/patchd-worker/runs/01J/guard-plan.json")).is_ok());
        for bad in [
            "/a b",
            "/a;b",
            "/$HOME",
            "relative",
            "/a\nb",
            "/a'b",
            "/bin/patchd (deleted)",
        ] {
            assert!(plain(Path::new(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn last_words_are_the_last_error_without_a_password() {
        for (output, words) in [
            (
                "E: one\nE: Failed to fetch http://u:p@h/x  404  Not Found\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n",
                "Failed to fetch http://h/x  404  Not Found",
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
        let log = Log::of(folder.path(), Some("test"));
        let command = Command::new("/bin/sh");
        let mut told = Vec::new();
        let script = |descriptor: i32| {
            let script = format!(
                "echo http://u:secret@h/; echo pmstatus:a1:50.0:half >> /proc/self/fd/{descriptor}; sleep 0.5; exit 3"
            );
            vec!["-c".to_owned(), script]
        };
        let ended = perform(&command, &log, script, &mut |activity| told.push(activity))
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
}
