//! Scripts of packages that take too long. One that hangs would hold the
//! package manager, and its lock, for ever. It alone is asked to end, never the
//! package manager: dpkg then knows that the package has failed, and goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::os::files;
use crate::os::process::{self, Process};
use crate::package_manager::Script;

/// From here on it is told that a script is still at work, and told again.
const LONG: Duration = Duration::from_mins(5);

/// How often all processes are looked through.
const LOOK: Duration = Duration::from_secs(5);

/// In the run's folder: the names of scripts that were asked to end, a line each.
const ASKED: &str = "asked-to-end";
const ASKED_CAP: u64 = 64 << 10;

/// Looks after the scripts that one order has started.
pub(super) struct Overseer<'a> {
    timeout: Duration,
    /// Whoever hung once in this run hangs again while the database is mended,
    /// and is not waited for as long.
    asked: BTreeSet<String>,
    folder: PathBuf,
    /// Those below a process.
    scripts: &'a dyn Fn(u32) -> Vec<Script>,
    looked: Option<Instant>,
    /// At which age a script is spoken of next.
    due: BTreeMap<Process, Duration>,
}

impl<'a> Overseer<'a> {
    /// A script that takes longer than `timeout` is asked to end.
    pub fn new(timeout: Duration, folder: &Path, scripts: &'a dyn Fn(u32) -> Vec<Script>) -> Self {
        let asked = files::read_bounded(&folder.join(ASKED), ASKED_CAP).unwrap_or_default();
        Self {
            timeout,
            asked: asked.lines().map(str::to_owned).collect(),
            folder: folder.to_owned(),
            scripts,
            looked: None,
            due: BTreeMap::new(),
        }
    }

    /// What is to be told about the scripts below a process. May be called often.
    pub fn look(&mut self, below: u32) -> Vec<String> {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Vec::new();
        }
        self.looked = Some(Instant::now());
        let scripts = (self.scripts)(below).into_iter();
        scripts.filter_map(|script| self.judge(&script)).collect()
    }

    fn judge(&mut self, script: &Script) -> Option<String> {
        let age = script.process.age();
        let timeout = if self.asked.contains(&script.name) {
            LONG.min(self.timeout)
        } else {
            self.timeout
        };
        let long = LONG.min(timeout / 2);
        let due = self.due.entry(script.process).or_insert(long);
        if age < *due {
            return None;
        }
        let inner = process::below(script.process.pid);
        let said = told(script, &inner, age);
        if age < timeout {
            *due = timeout.min(age + LONG);
            return Some(said);
        }
        *due = age + long;
        self.remember(&script.name);
        script.process.ask_to_stop();
        for process in inner {
            process.ask_to_stop();
        }
        Some(format!(
            "{said}; [package_manager] script_timeout is over, so it was asked to end"
        ))
    }

    fn remember(&mut self, name: &str) {
        self.asked.insert(name.to_owned());
        let lines: Vec<&str> = self.asked.iter().map(String::as_str).collect();
        // On a full disk it is only waited for longer.
        let _full_disk =
            files::replace(&self.folder.join(ASKED), lines.join("\n").as_bytes(), 0o640);
    }
}

/// Names only: what they were started with may hold a password.
fn told(script: &Script, inner: &[Process], age: Duration) -> String {
    let Script { process, name } = script;
    let seconds = age.as_secs();
    let age = match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, _) => format!("{minutes} min"),
    };
    let mut said = format!(
        "the script {name} (pid {}) has been at work for {age}",
        process.pid
    );
    let names = inner
        .iter()
        .filter_map(|it| Some(format!("{} (pid {})", process::name(it.pid)?, it.pid)));
    let names: Vec<String> = names.collect();
    if !names.is_empty() {
        said.push_str(" and waits for ");
        said.push_str(&names.join(", "));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::command::Transaction;

    const NOWHERE: &str = "/nonexistent";

    /// A script that hangs, and what it waits for.
    fn hanging() -> Transaction {
        let shell = process::shell("sleep 600; true");
        while process::below(shell.pid).is_empty() {
            std::thread::yield_now();
        }
        shell
    }

    async fn ended(mut script: Transaction) -> i32 {
        for process in process::below(script.pid) {
            process.ask_to_stop();
        }
        script.wait(&mut || ()).await.expect("ours")
    }

    fn script(pid: u32) -> Vec<Script> {
        let process = Process::of(pid);
        let name = "lab.postinst".to_owned();
        process
            .map(|process| Script { process, name })
            .into_iter()
            .collect()
    }

    #[tokio::test]
    async fn a_script_within_its_time_is_left_alone() {
        let child = hanging();
        let mut overseer = Overseer::new(Duration::from_hours(1), Path::new(NOWHERE), &script);
        assert_eq!(overseer.look(child.pid), Vec::<String>::new());
        assert_eq!(ended(child).await, 0);
    }

    #[tokio::test]
    async fn one_that_takes_long_is_told_with_what_it_waits_for() {
        let child = hanging();
        let mut overseer = Overseer::new(Duration::from_hours(1), Path::new(NOWHERE), &script);
        let process = Process::of(child.pid).expect("at work");
        overseer.due.insert(process, Duration::ZERO);
        let said = overseer.look(child.pid).join("; ");
        let expected = format!("lab.postinst (pid {}) has been at work for ", child.pid);
        assert!(said.contains(&expected), "{said}");
        assert!(said.contains(" and waits for sleep (pid "), "{said}");
        assert_eq!(ended(child).await, 0);
    }

    #[tokio::test]
    async fn one_whose_time_is_over_is_asked_to_end_with_all_it_waits_for() {
        let mut child = hanging();
        let inner = process::below(child.pid);
        let folder = tempfile::tempdir().expect("a folder");
        let mut overseer = Overseer::new(Duration::ZERO, folder.path(), &script);
        let said = overseer.look(child.pid).join("; ");
        assert!(said.ends_with("asked to end"), "{said}");
        let status = child.wait(&mut || ()).await.expect("ours");
        assert_eq!(status, 128 + 15);
        while inner.iter().any(|process| process.is_alive()) {
            std::thread::yield_now();
        }
        let next = Overseer::new(Duration::ZERO, folder.path(), &script);
        assert!(next.asked.contains("lab.postinst"), "{:?}", next.asked);
    }
}
