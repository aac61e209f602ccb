//! The worker's own memory: one folder a run, one append-only file of JSON
//! lines in it, each on disk before the worker goes on. It tells the next
//! worker what this one was doing, whatever became of it.

mod applies;
mod rollbacks;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use applies::applies;

use crate::model::{
    BootId, Digest, Installed, MachineId, Order, Phase, Plan, Report, Repository, RunId,
    WorkerEvent,
};
use crate::os::files::{self, no_follow};
use crate::os::process::Process;

/// Where the records of this machine are.
pub const FOLDER: &str = "/var/lib/patchd-worker";

/// A record's name in the folder of its run.
const FILE: &str = "record.jsonl";

/// Where the last line of a record is looked for, bytes from its end.
const TAIL: u64 = 64 << 10;

/// The largest record that is read back, bytes.
const CAP: u64 = 64 << 20;

/// One line of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// An order came in.
    Order {
        /// When.
        at: Timestamp,
        /// On which machine; a clone finds another one than itself here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        machine: Option<MachineId>,
        /// In which boot.
        boot: BootId,
        /// The systemd unit that it is carried out in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// The order.
        order: Box<Order>,
    },
    /// Something happened in it.
    Event {
        /// When.
        at: Timestamp,
        /// What.
        event: Box<WorkerEvent>,
    },
    /// The run is over; another may begin.
    End {
        /// When.
        at: Timestamp,
    },
}

/// What a record says before an order for its run is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// There is none.
    None,
    /// The run goes on.
    Open {
        /// Whether the package database was judged in it.
        repaired: bool,
        /// The plans whose archives are there.
        downloaded: Vec<Digest>,
        /// The plans that can be undone.
        preserved: Vec<Digest>,
    },
    /// The run is over, and its record is closed for good.
    Over,
}

/// The record of one run.
#[derive(Debug)]
pub struct Record {
    folder: PathBuf,
    file: File,
    lines: Vec<Line>,
}

/// The folder of a run.
#[must_use]
pub fn run_folder(root: &Path, run: RunId) -> PathBuf {
    root.join("runs").join(run.to_string())
}

impl Record {
    /// Opens or creates the record of a run.
    pub fn open(root: &Path, run: RunId) -> std::io::Result<Self> {
        let folder = run_folder(root, run);
        if !folder.is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o750)
                .create(&folder)?;
            // The names must survive a power cut as well as what stands in them.
            for made in [root, &root.join("runs")] {
                File::open(made)?.sync_all()?;
            }
        }
        let file = open(
            &folder,
            File::options()
                .create(true)
                .read(true)
                .append(true)
                .mode(0o640),
        )?;
        let lines = read(&file)?;
        File::open(&folder)?.sync_all()?;
        let mut record = Self {
            folder,
            file,
            lines,
        };
        record.mend()?;
        Ok(record)
    }

    /// The run whose record has a beginning and no end, if any. All are looked
    /// at: with a clock that was set back it need not be the latest.
    pub fn find_open(root: &Path) -> std::io::Result<Option<RunId>> {
        for run in runs(root)?.into_iter().rev() {
            if is_open(&run_folder(root, run).join(FILE))? {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// What is known of a run before an order for it is taken. Makes nothing.
    pub fn past(root: &Path, run: RunId) -> std::io::Result<Past> {
        let folder = run_folder(root, run);
        let file = match open(&folder, File::options().read(true)) {
            Ok(file) => file,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Past::None),
            Err(cause) => return Err(cause),
        };
        let lines = read(&file)?;
        let record = Self {
            folder,
            file,
            lines,
        };
        Ok(match record.lines.last() {
            None => Past::None,
            Some(Line::End { .. }) => Past::Over,
            Some(_) => Past::Open {
                repaired: record.repaired(),
                downloaded: record
                    .digests(|report| matches!(report, Report::Download { failure: None, .. })),
                preserved: record.digests(|report| matches!(report, Report::RestorePoint(_))),
            },
        })
    }

    /// Drops the records of the oldest runs beyond `kept`, but never `current`:
    /// a clock that was set back makes it look old.
    pub fn drop_oldest(root: &Path, kept: usize, current: RunId) -> std::io::Result<()> {
        let runs = runs(root)?;
        let surplus = runs.len().saturating_sub(kept.max(1));
        let mut oldest = runs.into_iter().take(surplus).filter(|run| *run != current);
        oldest.try_for_each(|run| std::fs::remove_dir_all(run_folder(root, run)))
    }

    /// Where the run's files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends a line; it is on disk when this returns. Of a line that does not
    /// fit nothing is left, so that the next one begins at its beginning.
    pub fn append(&mut self, line: Line) -> std::io::Result<()> {
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        let before = self.file.metadata()?.len();
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data());
        if let Err(cause) = written {
            self.file.set_len(before)?;
            return Err(cause);
        }
        self.lines.push(line);
        Ok(())
    }

    /// The plan of the last apply if it began and has no report, or reported a
    /// failure: what it did has to be read from the package database.
    #[must_use]
    pub fn unsettled(&self) -> Option<&Plan> {
        let failed = |report: &Report| {
            matches!(
                report,
                Report::Apply {
                    failure: Some(_),
                    ..
                }
            )
        };
        let last = applies(&self.lines).pop()?;
        (last.began && last.report.is_none_or(failed)).then_some(last.plan)
    }

    /// What the last apply reported, or the repair that settled it; its driver
    /// may have died before it heard.
    #[must_use]
    pub fn reported(&self) -> Option<&Installed> {
        match applies(&self.lines).last()?.report? {
            Report::Apply { installed, .. } | Report::Repair { installed, .. } => Some(installed),
            _ => None,
        }
    }

    /// The package manager's process that was started last in this boot, if it is alive.
    #[must_use]
    pub fn survivor(&self, boot: &BootId) -> Option<Process> {
        let last_boot = self.lines.iter().rev().find_map(|line| match line {
            Line::Order { boot, .. } => Some(boot),
            _ => None,
        });
        let started = self.lines.iter().rev().find_map(|line| match line {
            Line::Event { event, .. } => match **event {
                WorkerEvent::Started { pid, start_time } => Some(Process { pid, start_time }),
                _ => None,
            },
            _ => None,
        });
        started.filter(|process| last_boot == Some(boot) && process.is_alive())
    }

    /// The plans that went through according to their reports, in order.
    pub fn completed(&self) -> impl Iterator<Item = &Plan> {
        let whole = |report: &Report| matches!(report, Report::Apply { failure: None, .. });
        applies(&self.lines)
            .into_iter()
            .filter(move |apply| apply.report.is_some_and(whole))
            .map(|apply| apply.plan)
    }

    /// The repositories as the latest refresh found them.
    #[must_use]
    pub fn repositories(&self) -> &[Repository] {
        let latest = self.lines.iter().rev().find_map(|line| match line {
            Line::Event { event, .. } => match &**event {
                WorkerEvent::Done {
                    report: Report::Refresh { repositories },
                } => Some(repositories.as_slice()),
                _ => None,
            },
            _ => None,
        });
        latest.unwrap_or_default()
    }

    /// The plans that apply began with, whatever became of them.
    pub fn begun(&self) -> impl Iterator<Item = &Plan> {
        applies(&self.lines)
            .into_iter()
            .filter(|apply| apply.began)
            .map(|apply| apply.plan)
    }

    /// The plan that was ordered last, whatever became of it.
    #[must_use]
    pub fn ordered(&self) -> Option<&Plan> {
        let plans = self.lines.iter().rev().filter_map(|line| match line {
            Line::Order { order, .. } => Some(&order.plan),
            _ => None,
        });
        plans.into_iter().find(|plan| !plan.is_empty())
    }

    /// Whether this phase was ordered in an earlier boot than this one.
    #[must_use]
    pub fn ordered_before(&self, phase: Phase, now: &BootId) -> bool {
        self.lines.iter().any(|line| match line {
            Line::Order { boot, order, .. } => order.phase == phase && boot != now,
            _ => false,
        })
    }

    /// Whether a repair has reported in this run.
    fn repaired(&self) -> bool {
        self.lines.iter().any(|line| match line {
            Line::Event { event, .. } => matches!(
                **event,
                WorkerEvent::Done {
                    report: Report::Repair { .. }
                }
            ),
            _ => false,
        })
    }

    /// The digests of the plans for which this was reported in this run.
    fn digests(&self, reported: impl Fn(&Report) -> bool) -> Vec<Digest> {
        let (mut ordered, mut found) = (None, Vec::new());
        for line in &self.lines {
            match line {
                Line::Order { order, .. } => ordered = Some(&order.digest),
                Line::Event { event, .. } => {
                    if let WorkerEvent::Done { report } = &**event
                        && reported(report)
                    {
                        found.extend(ordered.cloned());
                    }
                }
                Line::End { .. } => {}
            }
        }
        found
    }

    /// A crash may have left half a line; the next one must not continue it.
    fn mend(&mut self) -> std::io::Result<()> {
        use std::os::unix::fs::FileExt;
        let length = self.file.metadata()?.len();
        let mut last = [b'\n'];
        if length > 0 {
            self.file.read_exact_at(&mut last, length - 1)?;
        }
        if last != [b'\n'] {
            self.file.write_all(b"\n")?;
            self.file.sync_data()?;
        }
        Ok(())
    }
}

/// The run that the worker's record has not closed, if any.
pub fn open_run(root: &Path) -> std::io::Result<Option<RunId>> {
    Record::find_open(root)
}

/// All runs with a folder, oldest first.
pub(super) fn runs(root: &Path) -> std::io::Result<Vec<RunId>> {
    let names = files::names(&root.join("runs"))?;
    let runs = names.into_iter().map(RunId::try_from);
    let mut runs: Vec<RunId> = runs.filter_map(Result::ok).collect();
    runs.sort();
    Ok(runs)
}

fn open(folder: &Path, options: &OpenOptions) -> std::io::Result<File> {
    let mut options = options.clone();
    options.custom_flags(no_follow()).open(folder.join(FILE))
}

/// Whether a record has a whole line, and the last one is not its end.
fn is_open(path: &Path) -> std::io::Result<bool> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(cause),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    Ok(match read(&file)?.last() {
        Some(line) => !matches!(line, Line::End { .. }),
        // A torn line alone is no beginning, and a line this long is no end.
        None => length > TAIL,
    })
}

/// All whole lines; one that was torn by a crash is skipped.
fn read(file: &File) -> std::io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for line in BufReader::new(file).take(CAP).split(b'\n') {
        if let Ok(line) = serde_json::from_slice(&line?) {
            lines.push(line);
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests;
