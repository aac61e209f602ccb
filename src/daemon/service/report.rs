//! What the daemon tells of itself and of the runs it drove: to whoever watched,
//! to `systemctl status`, to node_exporter.

use std::collections::BTreeMap;
use std::path::Path;

use super::keeper::{AtWork, Done, Keeper};
use crate::control::ControlError;
use crate::daemon::answer;
use crate::daemon::driver::{RunError, RunReport};
use crate::daemon::events::event;
use crate::daemon::feeds::{Ways, library};
use crate::daemon::hands::Hands;
use crate::daemon::measure::measure;
use crate::metrics;
use crate::os::{clock, service};
use crate::package_manager::PackageManager;
use crate::schedule::{Schedule, Window};
use crate::worker::{FOLDER, PutBack, put_back};

/// A newer version of ours that the worker took away again. A note that cannot be
/// read is the worker's to mend.
pub(super) fn taken_away() -> Option<PutBack> {
    put_back(Path::new(FOLDER)).ok().flatten()
}

impl<P: PackageManager + 'static, H: Hands + Clone + 'static> Keeper<P, H> {
    /// The schedules in force, by name.
    pub fn schedules(&self) -> &BTreeMap<String, Schedule> {
        &self.parts.settings.schedules.schedules
    }

    /// What the ledger knows of schedules that are no more is forgotten: one that
    /// comes back has missed nothing.
    pub fn forget_other_schedules(&mut self) {
        let parts = std::rc::Rc::clone(&self.parts);
        let names: Vec<&str> = parts
            .settings
            .schedules
            .schedules
            .keys()
            .map(String::as_str)
            .collect();
        if let Err(fault) = self.ledger.keep_schedules(&names) {
            event!(
                LEDGER_UNWRITTEN,
                "schedules that are no more cannot be forgotten: {fault}"
            );
        }
    }

    /// The first line of a daemon's life, and what an operator should know at once.
    pub fn announce(&self) {
        let version = env!("CARGO_PKG_VERSION");
        let names: Vec<&str> = self.schedules().keys().map(String::as_str).collect();
        event!(
            SERVICE_STARTED,
            PATCHD_VERSION = version,
            "patchd {version} starts; schedules: {}",
            names.join(", ")
        );
        if let Some(PutBack { from, to, run, .. }) = taken_away() {
            event!(OWN_UPGRADE_PUT_BACK, PATCHD_RUN = %run, PATCHD_VERSION = %to,
                "patchd {to} did not become ready, and {from} was put back");
        }
        if let Some(faults) = &self.standing.faults {
            let in_force = if self.standing.in_force {
                "the last good one is in force"
            } else {
                "there is no last good one, so nothing is installed"
            };
            event!(
                CONFIG_INVALID,
                PATCHD_FILE = "/etc/patchd",
                "the configuration has faults; {in_force}: {faults}"
            );
        }
    }

    /// Looks for rivals beside the loop: nobody should wait for systemd's answer.
    pub fn look_for_rivals(&mut self) {
        self.tasks.spawn_local(async {
            for rival in answer::rivals().await.unwrap_or_default() {
                event!(
                    RIVAL_FOUND,
                    PATCHD_RIVAL = rival.as_str(),
                    "{rival} patches this machine too; `patchd takeover` switches that off"
                );
            }
            Done::Answered
        });
    }

    /// A run has ended: tells whoever watched, and the metrics.
    pub fn conclude(
        &mut self,
        ended: Result<Option<RunReport>, RunError>,
        at_work: Option<AtWork>,
    ) {
        let word = match ended {
            Ok(Some(report)) => {
                self.prove_run(&report);
                self.tell_run(&report);
                self.survey = report.survey.or(self.survey.take());
                answer::run(&self.ledger, report.run)
            }
            // There was none to be taken up again.
            Ok(None) => Err(ControlError::NoSuchRun { run: None }),
            Err(fault) => {
                event!(RUN_BROKEN_OFF, "a run could not be told on: {fault}");
                Err(ControlError::failed(fault.to_string(), fault.exit_code()))
            }
        };
        if let Some(at_work) = at_work {
            at_work.audience.dismiss(&word);
        }
        self.tell_reboot();
        self.measure();
    }

    /// Writes the textfile for node_exporter. That it cannot be written stops nothing.
    pub fn measure(&self) {
        let folder = self.parts.paths.metrics();
        let feeds = library(&self.parts, Ways::OfDaemon)
            .map(|library| library.standings(clock::now()))
            .unwrap_or_default();
        let written = measure(&self.ledger, self.survey.as_ref(), &feeds)
            .map_err(|fault| fault.to_string())
            .and_then(|measured| {
                metrics::write(&folder, &measured).map_err(|cause| cause.to_string())
            });
        if let Err(cause) = written {
            let file = folder.join(metrics::FILE);
            event!(METRICS_UNWRITTEN, PATCHD_FILE = %file.display(), "cannot write {}: {cause}", file.display());
        }
    }

    /// One line for `systemctl status`.
    pub fn show_status(&self) {
        if self.at_work.is_some() {
            return;
        }
        let doubt = match (&self.standing.faults, self.ledger.paused()) {
            (Some(_), _) => "configuration invalid; ",
            (None, Ok(Some(_))) => "paused; ",
            _ => "",
        };
        let next = match self.next_window() {
            Some((name, window)) => format!("{name} starts at {:.0}", window.starts),
            None => "no schedule".to_owned(),
        };
        service::status(&format!("{doubt}idle, {next}"));
    }

    /// The window that this host uses next.
    fn next_window(&self) -> Option<(&String, Window)> {
        let now = clock::now();
        let windows = self.schedules().iter().filter_map(|(name, schedule)| {
            let calendar = self.parts.calendar(name, schedule);
            let next = calendar.windows(now).next()?;
            Some((name, next))
        });
        windows.min_by_key(|(_, window)| window.starts)
    }
}
