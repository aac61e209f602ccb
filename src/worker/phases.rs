//! The phases, each from order to report. Whatever happens in between, the
//! report tells what the package database says, not what was hoped.

use std::pin::pin;
use std::time::Duration;

use super::desk::Desk;
use super::inspection::{BEFORE, keep_before, names};
use super::own_upgrade::{OwnPackage, PACKAGE};
use super::record::{Line, Record};
use super::tools::{Done, Tools};
use crate::model::{
    ApplyFailure, Change, Installed, OwnUpgrade, PackageName, Plan, Refusal, Report, RunId,
};
use crate::os::command::Companion;
use crate::os::process::{self, Process};
use crate::os::{clock, shutdown};
use crate::package_manager::{Activity, Applied, Fault, Fitness, PackageManager, Wanted};
use crate::verify;

/// How often a package manager that outlived its worker is looked after.
const LOOK: Duration = Duration::from_secs(5);

/// How many differences of a stale plan are told.
const DIFFERENCES: usize = 5;

impl<P: PackageManager> Tools<'_, P> {
    /// Waits for a package manager that outlived its worker, mends the database,
    /// settles what was interrupted, and closes the record of a run that is over.
    pub async fn repair(&self, desk: &mut Desk<'_>, open: Option<RunId>) -> Done {
        let folder = desk.folder();
        self.sweep();
        let other = match open.filter(|open| *open != desk.run()) {
            Some(other) => Some(Record::open(self.root, other).map_err(|cause| unable(&cause))?),
            None => None,
        };
        let record = other.as_ref().unwrap_or(desk.record());
        let survivor = record.survivor(&self.host.boot_id);
        self.outlive(desk, survivor).await?;
        self.alone(desk).await?;
        let mut steps = Vec::new();
        if !self.audit().await?.is_empty() {
            steps = self
                .package_manager
                .repair(&folder, &mut |activity| desk.tell(activity))
                .await
                .map_err(refusal)?;
        }
        self.seal(desk, open.unwrap_or(desk.run()));
        let installed = match &other {
            Some(other) => self.settle(other, &mut steps).await?.unwrap_or_default(),
            None => match self.settle(desk.record(), &mut steps).await? {
                Some(installed) => installed,
                // Its driver may have died before it heard; another run's is not ours.
                None => desk.record().reported().cloned().unwrap_or_default(),
            },
        };
        let broken = self.audit().await?;
        if let Some(mut other) = other {
            other
                .append(Line::End { at: clock::now() })
                .map_err(|cause| unable(&cause))?;
        }
        if open.is_none() {
            self.review_quarantine(desk).await;
        }
        Ok(Report::Repair {
            sound: broken.is_empty(),
            steps,
            broken,
            installed,
        })
    }

    /// What an apply that was cut short, or failed, has really done; `None` when
    /// there is none such.
    async fn settle(
        &self,
        record: &Record,
        steps: &mut Vec<String>,
    ) -> Result<Option<Installed>, Refusal> {
        let Some(plan) = record.unsettled() else {
            return Ok(None);
        };
        let settled = self.package_manager.settle(plan, record.folder()).await;
        let Applied {
            changed,
            kept_conffiles,
            failure,
            culprits,
        } = settled.map_err(refusal)?;
        // A culprit is told by the audit; what else was left undone, nowhere else.
        if culprits.is_empty() {
            steps.extend(failure.map(|failure| format!("left undone: {failure}")));
        }
        Ok(Some(Installed {
            changed,
            kept_conffiles,
        }))
    }

    /// Fetches the indexes.
    pub async fn refresh(&self, desk: &mut Desk<'_>) -> Done {
        let folder = desk.folder();
        self.alone(desk).await?;
        let fetched = self
            .package_manager
            .refresh(&folder, &mut |activity| desk.tell(activity))
            .await;
        Ok(Report::Refresh {
            repositories: fetched.map_err(refusal)?,
        })
    }

    /// Preflight, then the archives. Touches no package.
    pub async fn download(&self, desk: &mut Desk<'_>, plan: &Plan) -> Done {
        self.not_in_quarantine(plan).await?;
        self.same_plan(plan).await?;
        let manager = self.package_manager;
        let Fitness { faults, room_helps } = manager.preflight(plan).await.map_err(refusal)?;
        if !faults.is_empty() {
            let spare = room_helps.then(|| manager.spare_kernels());
            let room = match spare {
                Some(spare) => spare.await.map_err(refusal)?,
                None => Plan::default(),
            };
            return Err(Refusal::Unfit { faults, room });
        }
        let folder = desk.folder();
        self.alone(desk).await?;
        match manager
            .download(plan, &folder, &mut |activity| desk.tell(activity))
            .await
        {
            Ok(bytes) => Ok(Report::Download {
                bytes,
                failure: None,
                culprits: Vec::new(),
            }),
            Err(fault @ Fault::Failed { .. }) => {
                let culprits = manager.missing(plan).await.map_err(refusal)?;
                Ok(Report::Download {
                    bytes: 0,
                    failure: Some(fault.to_string()),
                    culprits,
                })
            }
            Err(fault) => Err(refusal(fault)),
        }
    }

    /// Takes the state before, then installs exactly the plan.
    pub async fn apply(&self, desk: &mut Desk<'_>, plan: &Plan) -> Done {
        let folder = desk.folder();
        self.was_rehearsed(&folder, plan)?;
        self.package_manager
            .wait_for_lock(&mut |activity| desk.tell(activity))
            .await
            .map_err(refusal)?;
        // Two looks at a machine that nobody changes yet.
        let names = names(desk.record());
        let look = verify::observe(&self.rules.verify, self.runner, &names);
        let (same, before) = if self.at_rest || folder.join(BEFORE).exists() {
            (self.same_plan(plan).await, None)
        } else {
            let (same, before) = tokio::join!(self.same_plan(plan), look);
            (same, Some(before))
        };
        same?;
        self.can_undo(desk.run(), plan)?;
        if let Some(before) = before {
            keep_before(&folder, &before)?;
        }
        let (own, delayed) = if self.at_rest {
            (None, None)
        } else {
            let own = OwnPackage::of(self, desk, plan).await;
            (own, self.delay_shutdown(desk).await)
        };
        self.goes_on()?;
        let applied = self
            .package_manager
            .apply(plan, &folder, &mut |activity| desk.tell(activity))
            .await;
        self.seal(desk, desk.run());
        let applied = applied.map_err(refusal)?;
        let mut installed = Installed {
            changed: applied.changed,
            kept_conffiles: applied.kept_conffiles,
        };
        let mut failure = applied.failure.map(|summary| ApplyFailure {
            summary,
            culprits: applied.culprits,
        });
        let mut own_upgrade = None;
        if self.noted.stop_was_asked() {
            failure = failure.map(interrupted);
            desk.note("interrupted by shutdown: SIGTERM came while it applied".to_owned());
        } else if let Some(own) = own {
            own_upgrade = own.await_ready(self, desk, &mut installed).await;
            failure = with_own(failure, own_upgrade.as_ref());
        }
        drop(delayed);
        Ok(Report::Apply {
            installed,
            failure,
            own_upgrade,
        })
    }

    /// Has a shutdown wait for us as long as the value lives, where it can.
    pub(super) async fn delay_shutdown(&self, desk: &mut Desk<'_>) -> Option<Companion> {
        match shutdown::delay(self.runner, "patchd installs updates").await {
            Ok(companion) => Some(companion),
            Err(cause) => {
                desk.note(format!("a shutdown will not wait for this: {cause}"));
                None
            }
        }
    }

    /// Waits until a package manager has ended that outlived its worker.
    pub(super) async fn outlive(
        &self,
        desk: &mut Desk<'_>,
        survivor: Option<Process>,
    ) -> Result<(), Refusal> {
        let Some(survivor) = survivor else {
            return Ok(());
        };
        let name = process::name(survivor.pid).unwrap_or_else(|| "package manager".to_owned());
        desk.waiting(format!(
            "{name} (pid {}), which outlived its worker",
            survivor.pid
        ));
        let mut ended = pin!(survivor.ended());
        loop {
            match tokio::time::timeout(LOOK, &mut ended).await {
                Ok(ended) => return ended.map_err(|cause| unable(&cause)),
                Err(_) => desk.tell(Activity::AtWork { pid: survivor.pid }),
            }
        }
    }

    /// Waits until nobody else is at work on packages.
    pub(super) async fn alone(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        self.package_manager
            .wait_for_lock(&mut |activity| desk.tell(activity))
            .await
            .map_err(refusal)?;
        self.goes_on()
    }

    /// Asked to stop, nothing further is begun: while a shutdown is queued,
    /// maintainer scripts fail.
    pub(super) fn goes_on(&self) -> Result<(), Refusal> {
        if self.noted.stop_was_asked() {
            return Err(Refusal::Stopping);
        }
        Ok(())
    }

    pub(super) async fn audit(&self) -> Result<Vec<String>, Refusal> {
        self.package_manager.audit().await.map_err(refusal)
    }

    /// The plan must be what the package manager's own simulation says now.
    pub(super) async fn same_plan(&self, plan: &Plan) -> Result<(), Refusal> {
        // No upgrade asks for it: old kernels make room, and the guard compares.
        if plan.only_removes() {
            return Ok(());
        }
        let wanted: Vec<Wanted> = plan.changes().iter().filter_map(upgrade).collect();
        let simulated = match self.package_manager.plan(&wanted).await {
            Err(Fault::Unsolvable { words, .. }) => {
                return Err(Refusal::Stale {
                    differences: vec![words],
                });
            }
            simulated => simulated.map_err(refusal)?,
        };
        let planned_only = plan
            .changes()
            .iter()
            .filter(|change| !simulated.changes().contains(change));
        let simulated_only = simulated
            .changes()
            .iter()
            .filter(|change| !plan.changes().contains(change));
        let differences: Vec<String> = planned_only
            .map(|change| format!("planned only: {change}"))
            .chain(simulated_only.map(|change| format!("not planned: {change}")))
            .take(DIFFERENCES)
            .collect();
        if differences.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Stale { differences })
        }
    }
}

/// A script that failed in a shutdown is not to be blamed: the next start
/// repairs, and tries again.
fn interrupted(mut failure: ApplyFailure) -> ApplyFailure {
    failure.summary = format!("interrupted by shutdown: {}", failure.summary);
    failure.culprits.clear();
    failure
}

/// A version of ours that does not start is a failed update like any other.
fn with_own(failure: Option<ApplyFailure>, own: Option<&OwnUpgrade>) -> Option<ApplyFailure> {
    let Some(own) = own.filter(|own| !own.is_kept()) else {
        return failure;
    };
    let mut failure = failure.unwrap_or_else(|| ApplyFailure {
        summary: String::new(),
        culprits: Vec::new(),
    });
    let others = std::mem::replace(&mut failure.summary, own.to_string());
    if !others.is_empty() {
        failure.summary = format!("{others}; {}", failure.summary);
    }
    if let Ok(name) = PackageName::try_from(PACKAGE.to_owned())
        && !failure.culprits.contains(&name)
    {
        failure.culprits.push(name);
    }
    Some(failure)
}

pub(super) fn upgrade(change: &Change) -> Option<Wanted> {
    change.from.as_ref()?;
    Some(Wanted {
        id: change.id.clone(),
        version: change.to.clone()?,
    })
}

pub(super) fn refusal(fault: Fault) -> Refusal {
    match fault {
        Fault::Locked {
            holder,
            waited_seconds,
        } => Refusal::Locked {
            holder,
            waited_seconds,
        },
        Fault::Stale { differences } => Refusal::Stale { differences },
        fault => Refusal::Unable {
            detail: fault.to_string(),
        },
    }
}

pub(super) fn unable(cause: &dyn std::fmt::Display) -> Refusal {
    Refusal::Unable {
        detail: format!(
            "the worker cannot use its own files: {cause}; check space and mode of /var/lib/patchd-worker"
        ),
    }
}
