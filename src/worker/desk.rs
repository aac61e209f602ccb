//! Where a phase tells what it does.

use std::path::PathBuf;

use super::caller::Caller;
use super::overseer::Overseer;
use super::record::{Line, Record};
use crate::model::{RunId, WorkerEvent};
use crate::os::clock;
use crate::package_manager::Activity;

/// Where events go: first into the record, then to whoever listens.
pub(super) struct Desk<'a> {
    run: RunId,
    record: Record,
    caller: &'a mut Caller,
    overseer: Overseer<'a>,
}

impl<'a> Desk<'a> {
    pub fn new(run: RunId, record: Record, caller: &'a mut Caller, overseer: Overseer<'a>) -> Self {
        Self {
            run,
            record,
            caller,
            overseer,
        }
    }

    pub fn run(&self) -> RunId {
        self.run
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    pub fn folder(&self) -> PathBuf {
        self.record.folder().to_owned()
    }

    pub fn tell(&mut self, activity: Activity) {
        let event = match activity {
            Activity::Started { pid, start_time } => WorkerEvent::Started { pid, start_time },
            Activity::Progress { percent, doing } => WorkerEvent::Progress { percent, doing },
            Activity::Waiting { holder } => WorkerEvent::Waiting { holder },
            Activity::AtWork { pid } => return self.oversee(pid),
        };
        self.emit(&event);
    }

    /// Looks after the scripts that a process of the package manager has started.
    fn oversee(&mut self, pid: u32) {
        for sentence in self.overseer.look(pid) {
            self.note(sentence);
        }
    }

    pub fn waiting(&mut self, holder: String) {
        self.emit(&WorkerEvent::Waiting { holder });
    }

    pub fn note(&mut self, sentence: String) {
        self.emit(&WorkerEvent::Note { sentence });
    }

    pub fn progress(&mut self, percent: u8, doing: &str) {
        self.emit(&WorkerEvent::Progress {
            percent,
            doing: doing.to_owned(),
        });
    }

    fn emit(&mut self, event: &WorkerEvent) {
        if !matches!(event, WorkerEvent::Progress { .. }) {
            // A full disk must not stop a transaction that is at work; what is
            // lost here is judged by the package database later.
            let _full_disk = self.write(event);
        }
        self.say(event);
    }

    /// To whoever listens, and nowhere else.
    pub fn say(&mut self, event: &WorkerEvent) {
        self.caller.tell(event);
    }

    /// The run is over. On a full disk the next worker closes it.
    pub fn close(&mut self) {
        let _full_disk = self.record.append(Line::End { at: clock::now() });
    }

    pub fn write(&mut self, event: &WorkerEvent) -> std::io::Result<()> {
        let event = Box::new(event.clone());
        self.record.append(Line::Event {
            at: clock::now(),
            event,
        })
    }
}
