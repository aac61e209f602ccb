//! Which configuration is in force, and how a new one comes into force: the
//! worker checks what is in /etc and keeps it as the last good copy; only then
//! do we take it.

use std::rc::Rc;

use super::keeper::{Done, Keeper};
use crate::config::{self, Reader, Settings, Sources};
use crate::control::{ControlError, Replies};
use crate::daemon::driver::opening;
use crate::daemon::events::event;
use crate::daemon::hands::{Hands, Work};
use crate::daemon::parts::Parts;
use crate::model::{ExitCode, Order, Phase, Plan, Report, WorkerEvent};
use crate::os::{clock, service};
use crate::package_manager::{Fault, PackageManager};

/// Puts the parts together from settings; a reload does it again.
pub(super) type Assemble<P> = Box<dyn Fn(Settings) -> Result<Parts<P>, Fault>>;

/// How the configuration stands.
pub(super) struct Standing<P> {
    pub assemble: Assemble<P>,
    /// What is wrong with the files in /etc, if anything is.
    pub faults: Option<String>,
    /// Whether anything good is in force, be it the last good copy.
    pub in_force: bool,
}

/// What came of reading the configuration anew, and who waits for it.
pub(super) struct Verdict {
    pub found: Result<(), String>,
    pub replies: Option<Replies>,
}

impl<P> Standing<P> {
    /// The faults, where nothing good is in force.
    pub fn without_configuration(&self) -> Option<&str> {
        self.faults.as_deref().filter(|_| !self.in_force)
    }
}

/// The configuration at a start: what is in /etc, else the last good copy, else
/// the defaults, under which nothing is installed.
pub(super) fn at_start() -> (Settings, Option<String>, bool) {
    let reader = Reader::this_process();
    let faults = match config::load(&Sources::default(), &reader) {
        Ok(loaded) => return (loaded.settings, None, true),
        Err(faults) => faults.to_string(),
    };
    match config::last_good(&reader) {
        Some(settings) => (settings, Some(faults), true),
        None => (Settings::default(), Some(faults), false),
    }
}

impl<P: PackageManager + 'static, H: Hands + Clone + 'static> Keeper<P, H> {
    /// Has the worker look at /etc; what it finds comes back as a verdict.
    pub fn reload(&mut self, replies: Option<Replies>) {
        let mut hands = self.hands.clone();
        self.tasks.spawn_local(async move {
            let found = accept(&mut hands).await;
            Done::Configured(Verdict { found, replies })
        });
    }

    /// Takes what was found good; keeps what there is when it was not.
    pub fn configure(&mut self, verdict: Verdict) {
        let taken = verdict.found.and_then(|()| self.take());
        match &taken {
            Ok(()) => {
                let count = self.schedules().len();
                event!(CONFIG_LOADED, "the configuration is in force; schedules: {count}");
                self.standing.faults = None;
                self.standing.in_force = true;
                self.consider_all();
            }
            Err(faults) => {
                event!(CONFIG_INVALID, PATCHD_FILE = "/etc/patchd",
                    "the configuration has faults and the last good one stays in force: {faults}");
                self.standing.faults = Some(faults.clone());
            }
        }
        service::ready();
        self.show_status();
        match (verdict.replies, taken) {
            (Some(replies), Ok(())) => replies.done(),
            (Some(replies), Err(faults)) => {
                replies.refuse(ControlError::failed(faults, ExitCode::ConfigInvalid));
            }
            (None, _) => {}
        }
    }

    fn take(&mut self) -> Result<(), String> {
        let settings = load_accepted()?;
        let parts = (self.standing.assemble)(settings).map_err(|fault| fault.to_string())?;
        self.triggers.replace(&parts);
        self.parts = Rc::new(parts);
        Ok(())
    }
}

/// What the worker accepted: read in /etc, or where a file is for root alone,
/// from the worker's copy of it.
fn load_accepted() -> Result<Settings, String> {
    let reader = Reader::this_process();
    match config::load(&Sources::default(), &reader) {
        Ok(loaded) => Ok(loaded.settings),
        Err(faults) => config::last_good(&reader).ok_or_else(|| faults.to_string()),
    }
}

async fn accept<H: Hands>(hands: &mut H) -> Result<(), String> {
    let order = Order::new(opening::new_id(clock::now(), None), Phase::AcceptConfig, Plan::default());
    let mut work = hands.order(&order).await.map_err(|lost| lost.to_string())?;
    loop {
        match work.next().await.map_err(|lost| lost.to_string())? {
            WorkerEvent::Done { report: Report::AcceptConfig { faults: None } } => return Ok(()),
            WorkerEvent::Done { report: Report::AcceptConfig { faults: Some(faults) } } => return Err(faults),
            WorkerEvent::Refused { refusal } => return Err(refusal.to_string()),
            WorkerEvent::Done { .. } => return Err("the worker reported on something else".to_owned()),
            _ => {}
        }
    }
}
