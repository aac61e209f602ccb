//! A worker at work on a fake machine, and what is said to it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use crate::config::Sources;
use crate::model::{
    BootId, Change, Host, Installed, Order, Phase, Plan, Refusal, Report, RunId, Task, WorkerEvent,
};
use crate::os::command::{Answer, Command, CommandError, Output, Runner};
use crate::os::files;
use crate::os::signals::Noted;
use crate::package_manager::fake::{Fake, upgrade};
use crate::policy::{Hooks, Restarts, Rollbacks};
use crate::restore::Site;
use crate::verify;
use crate::worker::caller::Caller;
use crate::worker::record::{Line, run_folder};
use crate::worker::serve::serve;
use crate::worker::tools::{Rules, Tools};

/// A machine without a program on it.
pub(super) struct Bare;

impl Runner for Bare {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        let error = CommandError::Start {
            program: question.argv().concat(),
            cause: std::io::ErrorKind::NotFound.into(),
        };
        Box::pin(std::future::ready(Err(error)))
    }
}

/// Where a worker works.
pub(super) struct Post {
    pub machine: Fake,
    pub root: TempDir,
    pub rules: Rules,
    pub host: Host,
    pub sources: Sources,
    pub site: Site,
    pub noted: Noted,
}

impl Post {
    pub fn on(machine: &Fake) -> Self {
        let verify = verify::Settings {
            retries: 1,
            interval: Duration::ZERO,
            probes: Vec::new(),
        };
        let root = tempfile::tempdir().expect("a folder");
        let system = root.path().join("machine");
        std::fs::create_dir(&system).expect("made");
        Self {
            site: Site::below(&system).expect("there"),
            machine: machine.clone(),
            sources: Sources::default().below(&root.path().join("machine")),
            root,
            rules: Rules {
                restarts: Restarts::default(),
                hooks: Hooks::default(),
                rollbacks: Rollbacks::default(),
                packages_only: false,
                reboots: false,
                verify,
                removals: Vec::new(),
                rehearse: false,
                script_timeout: Duration::from_hours(1),
                unsound: None,
            },
            host: Host {
                name: "lab".to_owned(),
                machine_id: None,
                boot_id: BootId("boot".to_owned()),
            },
            noted: Noted::default(),
        }
    }

    pub async fn serve(&self, caller: &mut Caller) {
        self.serve_with(&Bare, caller).await;
    }

    pub async fn serve_with(&self, runner: &dyn Runner, caller: &mut Caller) {
        let tools = Tools {
            at_rest: false,
            site: &self.site,
            package_manager: &self.machine,
            runner,
            rules: &self.rules,
            host: &self.host,
            root: self.root.path(),
            logs: &self.root.path().join("logs"),
            sources: &self.sources,
            unit: Some("patchd-worker@7.service".to_owned()),
            noted: &self.noted,
        };
        serve(&tools, caller).await;
    }

    /// All events of an order.
    pub async fn events(&self, text: &str) -> Vec<WorkerEvent> {
        self.events_with(&Bare, text).await
    }

    pub async fn events_with(&self, runner: &dyn Runner, text: &str) -> Vec<WorkerEvent> {
        let (mut caller, mut theirs) = connection(text);
        self.serve_with(runner, &mut caller).await;
        drop(caller);
        let mut told = Vec::new();
        // Who was not heard to his end is told so, and then cut off.
        let _cut_off = theirs.read_to_end(&mut told);
        let told = String::from_utf8(told).expect("text");
        let event = |line| serde_json::from_str(line).expect("an event");
        told.lines().map(event).collect()
    }

    /// The last event of an order.
    pub async fn ends(&self, run: RunId, phase: Phase, plan: &Plan) -> WorkerEvent {
        let events = self.events(&order(run, phase, plan)).await;
        events.into_iter().next_back().expect("a last word")
    }

    pub async fn does(&self, run: RunId, phase: Phase, plan: &Plan) -> Report {
        match self.ends(run, phase, plan).await {
            WorkerEvent::Done { report } => report,
            other => panic!("{phase}: {other:?}"),
        }
    }

    pub async fn refuses(&self, run: RunId, phase: Phase, plan: &Plan) -> Refusal {
        match self.ends(run, phase, plan).await {
            WorkerEvent::Refused { refusal } => refusal,
            other => panic!("{phase}: {other:?}"),
        }
    }

    /// A run that has begun.
    pub async fn opened(&self, run: RunId) {
        self.does(run, Phase::Repair, &none()).await;
    }

    /// A run that has its archives and its restore point.
    pub async fn prepared(&self, run: RunId, plan: &Plan) {
        self.opened(run).await;
        self.does(run, Phase::Download, plan).await;
        self.preserves(run, plan).await;
        self.machine.world().calls.clear();
    }

    /// Takes a restore point of what is installed in this world.
    pub async fn preserves(&self, run: RunId, plan: &Plan) {
        let dpkg = self.root.path().join("machine/var/lib/dpkg");
        for folder in ["info", "updates"] {
            std::fs::create_dir_all(dpkg.join(folder)).expect("made");
        }
        let write = |name: &str, text: &str| {
            files::replace(&dpkg.join(name), text.as_bytes(), 0o644).expect("written");
        };
        let mut status = String::new();
        for (id, version) in &self.machine.world().installed {
            let (name, architecture) = (&id.name, &id.architecture);
            let stanza = format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: {architecture}\nVersion: {version}\n\n"
            );
            status.push_str(&stanza);
            write(&format!("info/{name}.list"), "/.\n");
        }
        write("status", &status);
        write("diversions", "");
        self.does(run, Phase::RestorePoint, plan).await;
    }

    /// Serves an order that never ends, and is killed. The clock must be paused.
    pub async fn dies(&self, run: RunId, phase: Phase, plan: &Plan) {
        let (mut caller, _theirs) = connection(&order(run, phase, plan));
        let work = self.serve(&mut caller);
        let ended = tokio::time::timeout(Duration::from_mins(1), work).await;
        assert!(ended.is_err(), "it ended");
    }

    pub fn record(&self, run: RunId) -> PathBuf {
        run_folder(self.root.path(), run).join("record.jsonl")
    }

    pub fn lines(&self, run: RunId) -> Vec<Line> {
        let text = std::fs::read_to_string(self.record(run)).expect("there");
        let line = |line| serde_json::from_str(line).expect("a line");
        text.lines().map(line).collect()
    }
}

/// Whoever says `text`, and his end of the connection.
pub(super) fn connection(text: &str) -> (Caller, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let again = ours.try_clone().expect("another");
    let caller = Caller::new(ours.into(), again.into()).expect("usable");
    let (mut saying, text) = (theirs.try_clone().expect("another"), text.to_owned());
    // Longer than a socket holds, it is said while it is heard.
    std::thread::spawn(move || {
        let _cut_short = saying.write_all(text.as_bytes());
        let _gone = saying.shutdown(std::net::Shutdown::Write);
    });
    (caller, theirs)
}

pub(super) const ONE: u64 = 1_000;
pub(super) const TWO: u64 = 2_000;

pub(super) fn run(at: u64) -> RunId {
    RunId::new(at, 7)
}

pub(super) fn none() -> Plan {
    Plan::default()
}

pub(super) fn order(run: RunId, phase: Phase, plan: &Plan) -> String {
    let order = Order::new(run, Task::with_plan(phase, plan.clone()));
    serde_json::to_string(&order).expect("an order") + "\n"
}

pub(super) fn plan_of(names: &[&str]) -> Plan {
    Plan::new(names.iter().map(|name| upgrade(name)).collect())
}

pub(super) fn installed(report: Report) -> Vec<Change> {
    match report {
        Report::Apply {
            installed: Installed { changed, .. },
            ..
        }
        | Report::Repair {
            installed: Installed { changed, .. },
            ..
        } => changed,
        other => panic!("{other:?}"),
    }
}
