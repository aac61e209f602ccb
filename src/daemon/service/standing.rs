//! Which configuration is in force, and how a new one comes into force: the
//! worker checks what is in /etc and keeps it as the last good copy; only then
//! do we take it.

use std::path::Path;
use std::rc::Rc;

use super::keeper::{Done, Keeper};
use crate::config::{self, Faults, InForce, Reader, Settings, Sources};
use crate::control::{ControlError, Replies};
use crate::daemon::events::event;
use crate::daemon::handover::order;
use crate::daemon::hands::Hands;
use crate::daemon::parts::Parts;
use crate::model::{ExitCode, Phase, Report};
use crate::os::service;
use crate::package_manager::{Fault, PackageManager};
use crate::worker::{FOLDER, LAST_GOOD};

/// Puts the parts together from settings; a reload does it again.
pub(super) type Assemble<P> = Box<dyn Fn(Settings) -> Result<Parts<P>, Fault>>;

/// How the configuration stands.
pub(super) struct Standing<P> {
    pub assemble: Assemble<P>,
    /// What is wrong with the files in /etc, if anything is.
    pub faults: Option<String>,
    /// Whether anything good is in force, be it the last good copy.
    pub in_force: bool,
    /// Whether the worker has still to keep what is in force.
    pub unkept: bool,
}

/// What came of reading the configuration anew, and who waits for it.
pub(super) struct Verdict {
    found: Found,
    replies: Option<Replies>,
}

/// What the worker says of the files in /etc.
enum Found {
    /// They are sound, and kept as the last good copy.
    Kept,
    /// They have these faults.
    Faulty(String),
    /// It is at work on a run, or cannot be reached: they are kept later.
    Later,
}

impl<P> Standing<P> {
    /// The faults, where nothing good is in force.
    pub fn without_configuration(&self) -> Option<&str> {
        self.faults.as_deref().filter(|_| !self.in_force)
    }
}

/// The configuration at a start: what is in /etc, else its last good copy, else
/// the defaults, under which nothing is installed.
pub(super) fn at_start() -> (Settings, Option<String>, bool) {
    match in_force() {
        Ok(InForce { loaded, faults }) => (
            loaded.settings,
            faults.map(|faults| faults.to_string()),
            true,
        ),
        Err(faults) => (Settings::default(), Some(faults.to_string()), false),
    }
}

/// The worker's copy is also what we read where a file is for root alone.
fn in_force() -> Result<InForce, Faults> {
    let copy = Path::new(FOLDER).join(LAST_GOOD);
    config::in_force(&Sources::default(), &copy, &Reader::this_process())
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
    pub async fn configure(&mut self, verdict: Verdict) {
        self.standing.unkept = matches!(verdict.found, Found::Later);
        let taken = match verdict.found {
            Found::Kept | Found::Later => self.take().await,
            Found::Faulty(faults) => Err(faults),
        };
        match &taken {
            Ok(()) => {
                let count = self.schedules().len();
                event!(
                    CONFIG_LOADED,
                    "the configuration is in force; schedules: {count}"
                );
                self.standing.faults = None;
                self.standing.in_force = true;
                self.forget_other_schedules();
                self.forget_other_receivers();
                self.prove_configuration();
                self.consider_all();
            }
            Err(faults) => {
                event!(
                    CONFIG_INVALID,
                    PATCHD_FILE = "/etc/patchd",
                    "the configuration has faults and the last good one stays in force: {faults}"
                );
                self.standing.faults = Some(faults.clone());
            }
        }
        service::ready();
        self.tell_configuration();
        self.show_status();
        match (verdict.replies, taken) {
            (Some(replies), Ok(())) => replies.done(),
            (Some(replies), Err(faults)) => {
                replies.refuse(ControlError::failed(faults, ExitCode::ConfigInvalid));
            }
            (None, _) => {}
        }
    }

    async fn take(&mut self) -> Result<(), String> {
        let InForce { loaded, faults } = in_force().map_err(|faults| faults.to_string())?;
        if let Some(faults) = faults.filter(|_| self.standing.unkept) {
            return Err(faults.to_string());
        }
        let parts = (self.standing.assemble)(loaded.settings).map_err(|fault| fault.to_string())?;
        let replaced = self.triggers.replace(&parts.settings.schedules).await;
        replaced.map_err(|fault| fault.to_string())?;
        self.parts = Rc::new(parts);
        Ok(())
    }
}

async fn accept<H: Hands>(hands: &mut H) -> Found {
    match order(hands, Phase::AcceptConfig).await {
        Ok(Report::AcceptConfig { faults: None }) => Found::Kept,
        Ok(Report::AcceptConfig {
            faults: Some(faults),
        }) => Found::Faulty(faults),
        Ok(_) | Err(_) => Found::Later,
    }
}
