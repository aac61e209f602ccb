//! The reboot phase, and how a new kernel came through it.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::desk::Desk;
use super::phases::{refusal, unable};
use super::tools::{Done, Tools};
use crate::model::{Class, Finding, Phase, Refusal, Report, RunId};
use crate::os::{clock, systemd};
use crate::package_manager::{Fault, PackageManager};
use crate::reboot::{self, Past, Standing, Trial};
use crate::running::{self, Kernel};

/// How long a machine may take from the order to the request that we stop:
/// whoever delays it has up to half a minute, and services stop before us.
const DOWN: Duration = Duration::from_mins(10);

/// How often it is looked whether it goes down.
const LOOK: Duration = Duration::from_millis(200);

impl<P: PackageManager> Tools<'_, P> {
    /// Reboots the machine, or says why not. A machine that goes down says
    /// nothing; asked again when it is up, it says that it has rebooted.
    pub async fn reboot(&self, desk: &mut Desk<'_>, until: Timestamp) -> Done {
        let boot = &self.host.boot_id;
        if desk.record().ordered_before(Phase::Reboot, boot) {
            return Ok(Report::Reboot { put_off: None });
        }
        let kernel = running::kernel(Path::new("/"));
        if let Some(why) = self.stands_against(desk, &kernel).await? {
            return Ok(put_off(why));
        }
        let noted = self.noted;
        let mut waiting = |who| {
            desk.waiting(who);
            !noted.stop_was_asked()
        };
        let asked = reboot::ask_everybody(self.runner, until, &mut waiting).await;
        self.goes_on()?;
        if let Err(why) = asked {
            return Ok(put_off(why));
        }
        let trial = self.on_trial(desk, &kernel).await;
        let mut past = Past::read(self.root).map_err(|cause| unable(&cause))?;
        past.add(self.root, desk.run(), clock::now())
            .map_err(|cause| unable(&cause))?;
        desk.note("systemd is told to reboot the machine".to_owned());
        if let Err(fault) = systemd::reboot(self.runner).await {
            // Whoever reboots later does not do it for us.
            if let Some(trial) = trial
                && let Err(why) = self.end(&trial).await
            {
                desk.note(format!("the next boot is still one for trial: {why}"));
            }
            return Ok(put_off(fault.to_string()));
        }
        let until = tokio::time::Instant::now() + DOWN;
        while tokio::time::Instant::now() < until {
            self.goes_on()?;
            tokio::time::sleep(LOOK).await;
        }
        Ok(put_off(format!(
            "systemd was told to reboot the machine and has not within {} minutes; see `systemctl list-jobs`",
            DOWN.as_secs() / 60
        )))
    }

    /// What the machine might not survive, or has had too much of.
    async fn stands_against(
        &self,
        desk: &mut Desk<'_>,
        kernel: &Kernel,
    ) -> Result<Option<String>, Refusal> {
        let root = Path::new("/");
        if !systemd::is_running(root) {
            return Ok(Some(
                "systemd does not run this machine; reboot it by hand".to_owned(),
            ));
        }
        let past = Past::read(self.root).map_err(|cause| unable(&cause))?;
        if let Some(why) = past.forbids(clock::now()) {
            return Ok(Some(why));
        }
        match self
            .package_manager
            .wait_for_lock(&mut |activity| desk.tell(activity))
            .await
        {
            Ok(()) => {}
            Err(Fault::Locked { holder, .. }) => {
                return Ok(Some(format!("{holder} holds the package manager's lock")));
            }
            Err(fault) => return Err(refusal(fault)),
        }
        if let Some(why) = reboot::unsound(&self.audit().await?) {
            return Ok(Some(why));
        }
        if !kernel.owned {
            return Ok(None);
        }
        let next = kernel.newest_installed.as_ref().unwrap_or(&kernel.running);
        if let Some(why) = reboot::incomplete(root, &kernel.running, next) {
            return Ok(Some(why));
        }
        match self.trial(kernel)? {
            Standing::Failed(trial) if trial.kernel == *next => Ok(Some(failed(&trial, kernel))),
            _ => Ok(None),
        }
    }

    /// Has a new kernel booted for one time only, where that can be had.
    async fn on_trial(&self, desk: &mut Desk<'_>, kernel: &Kernel) -> Option<Trial> {
        let newest = kernel.newest_installed.as_ref();
        let newest = newest.filter(|_| kernel.is_outdated())?;
        let trial = Trial {
            run: desk.run(),
            kernel: newest.clone(),
            previous: kernel.running.clone(),
            boot: self.host.boot_id.clone(),
        };
        let begun = trial.begin(self.runner, Path::new("/"), self.root).await;
        desk.note(match &begun {
            Ok(()) => format!(
                "kernel {newest} is booted for one time; {} stays the default until the machine is verified",
                kernel.running
            ),
            Err(why) => format!("kernel {newest} is booted, and no fallback is promised: {why}"),
        });
        begun.ok().map(|()| trial)
    }

    async fn end(&self, trial: &Trial) -> Result<(), String> {
        trial.end(self.runner, Path::new("/"), self.root).await
    }

    fn trial(&self, kernel: &Kernel) -> Result<Standing, Refusal> {
        let boot = &self.host.boot_id;
        Trial::standing(Path::new("/"), self.root, boot, &kernel.running)
            .map_err(|cause| unable(&cause))
    }

    /// What became of a kernel that was booted for one time. It becomes the
    /// default when nothing else is `broken`. One that failed is the harm of the
    /// run that rebooted for it, and of no later one.
    pub(super) async fn judge_trial(
        &self,
        run: RunId,
        broken: bool,
    ) -> Result<Option<Finding>, Refusal> {
        let kernel = running::kernel(Path::new("/"));
        let (class, detail, trial) = match self.trial(&kernel)? {
            Standing::Passed(trial) if !broken => match self.end(&trial).await {
                Ok(()) => return Ok(None),
                Err(why) => {
                    let detail = format!(
                        "kernel {} came up and could not be made the default: {why}",
                        trial.kernel
                    );
                    (Class::Warns, detail, trial)
                }
            },
            Standing::Failed(trial) => (Class::Breaks, failed(&trial, &kernel), trial),
            Standing::Removed(trial) => match self.end(&trial).await {
                Ok(()) => return Ok(None),
                Err(why) => {
                    let detail = format!(
                        "kernel {} is gone, and GRUB may still be told to boot it: {why}",
                        trial.kernel
                    );
                    (Class::Warns, detail, trial)
                }
            },
            Standing::None | Standing::Ahead | Standing::Passed(_) => return Ok(None),
        };
        Ok(Some(Finding {
            class,
            check: "kernel".to_owned(),
            since: (trial.run != run).then_some(trial.run),
            subject: trial.kernel,
            detail,
        }))
    }
}

fn failed(trial: &Trial, kernel: &Kernel) -> String {
    format!(
        "kernel {} was booted and did not stay up; {} runs, and is what GRUB boots from now on; remove {0}, or remove /var/lib/patchd-worker/trial-boot.json to try it again",
        trial.kernel, kernel.running
    )
}

fn put_off(why: String) -> Report {
    Report::Reboot { put_off: Some(why) }
}
