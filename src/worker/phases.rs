//! The phases, each from order to report. Whatever happens in between, the
//! report tells what the package database says, not what was hoped.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::{
    ApplyFailure, Change, Class, Finding, Host, Installed, Plan, Refusal, Report, Repository,
    RunId, WorkerEvent,
};
use crate::os::command::Runner;
use crate::os::{clock, files};
use crate::package_manager::{Activity, Applied, Fault, Fitness, PackageManager, Wanted};
use crate::running;
use crate::verify::{self, Observation, Touched};

use super::record::{Line, Record};
use super::serve::Desk;
use super::standing::{self, Look};

/// The state before the first transaction of a run.
const BEFORE: &str = "before.json";

/// The largest observation that is read back, bytes.
const OBSERVATION_CAP: u64 = 16 << 20;

/// How many differences of a stale plan are told.
const DIFFERENCES: usize = 5;

/// What the phases work with.
pub(super) struct Tools<'a, P> {
    pub package_manager: &'a P,
    pub runner: &'a dyn Runner,
    pub verify: &'a verify::Settings,
    pub host: &'a Host,
    /// `/var/lib/patchd-worker`.
    pub root: &'a Path,
    /// `/var/log/patchd`.
    pub logs: &'a Path,
}

type Done = Result<Report, Refusal>;

impl<P: PackageManager> Tools<'_, P> {
    /// Waits for a package manager that outlived its worker, mends the database,
    /// settles what was interrupted, and closes the record of a run that is over.
    pub async fn repair(&self, desk: &mut Desk<'_>, open: Option<RunId>) -> Done {
        let folder = desk.folder();
        let other = match open.filter(|open| *open != desk.run()) {
            Some(other) => Some(Record::open(self.root, other).map_err(|cause| unable(&cause))?),
            None => None,
        };
        let record = other.as_ref().unwrap_or(desk.record());
        if let Some(survivor) = record.survivor(&self.host.boot_id) {
            let name = crate::os::process::name(survivor.pid)
                .unwrap_or_else(|| "package manager".to_owned());
            desk.waiting(format!(
                "{name} (pid {}), which outlived its worker",
                survivor.pid
            ));
            survivor.ended().await.map_err(|cause| unable(&cause))?;
        }
        self.package_manager
            .wait_for_lock(&mut |activity| desk.tell(activity))
            .await
            .map_err(refusal)?;
        let mut steps = Vec::new();
        if !self.audit().await?.is_empty() {
            steps = self
                .package_manager
                .repair(&folder, &mut |activity| desk.tell(activity))
                .await
                .map_err(refusal)?;
        }
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
        self.package_manager
            .wait_for_lock(&mut |activity| desk.tell(activity))
            .await
            .map_err(refusal)?;
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
        manager
            .wait_for_lock(&mut |activity| desk.tell(activity))
            .await
            .map_err(refusal)?;
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
        self.package_manager
            .wait_for_lock(&mut |activity| desk.tell(activity))
            .await
            .map_err(refusal)?;
        // Two looks at a machine that nobody changes yet.
        let names = names(desk.record());
        let look = verify::observe(self.verify, self.runner, &names);
        let (same, before) = if folder.join(BEFORE).exists() {
            (self.same_plan(plan).await, None)
        } else {
            let (same, before) = tokio::join!(self.same_plan(plan), look);
            (same, Some(before))
        };
        same?;
        if let Some(before) = before {
            let text = serde_json::to_vec(&before).map_err(|cause| unable(&cause))?;
            files::replace(&folder.join(BEFORE), &text, 0o640).map_err(|cause| unable(&cause))?;
        }
        let applied = self
            .package_manager
            .apply(plan, &folder, &mut |activity| desk.tell(activity))
            .await;
        let Applied {
            changed,
            kept_conffiles,
            failure,
            culprits,
        } = applied.map_err(refusal)?;
        let failure = failure.map(|summary| ApplyFailure { summary, culprits });
        Ok(Report::Apply {
            installed: Installed {
                changed,
                kept_conffiles,
            },
            failure,
        })
    }

    /// Compares the machine with the state before and with the plans.
    pub async fn verify(&self, desk: &mut Desk<'_>) -> Done {
        let broken = self.audit().await?.into_iter();
        let mut findings: Vec<Finding> = broken
            .map(|detail| finding(Class::Breaks, "database", &detail))
            .collect();
        findings.extend(self.versions(desk.record()).await?);
        findings.extend(self.compare(desk).await?);
        let root = Path::new("/");
        let reboot_reasons = running::reboot_reasons(root, &running::kernel(root));
        Ok(Report::Verify {
            findings,
            reboot_reasons,
        })
    }

    /// The machine against its state before this run, and before earlier runs
    /// that broke something.
    async fn compare(&self, desk: &mut Desk<'_>) -> Result<Vec<Finding>, Refusal> {
        let run = desk.run();
        let mut looks = standing::read(self.root, run).map_err(|cause| unable(&cause))?;
        looks.extend(self.own_look(desk).await?);
        let names = names(desk.record());
        let (mut findings, mut stand) = (Vec::new(), Vec::new());
        for look in looks {
            desk.progress(50, "comparing the machine with the state before");
            let Look {
                before, touched, ..
            } = &look;
            let found = verify::verify(self.verify, self.runner, before, touched, &names).await;
            let stands = Look::stands(&found);
            findings.extend(if look.run == run {
                found
            } else {
                look.retell(found)
            });
            if stands {
                stand.push(look);
            }
        }
        standing::write(self.root, &stand).map_err(|cause| unable(&cause))?;
        Ok(findings)
    }

    /// The state before this run; `None` when it has applied nothing.
    async fn own_look(&self, desk: &Desk<'_>) -> Result<Option<Look>, Refusal> {
        let path = desk.folder().join(BEFORE);
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_bounded(&path, OBSERVATION_CAP).map_err(|cause| unable(&cause))?;
        let before: Observation = serde_json::from_str(&text).map_err(|cause| unable(&cause))?;
        let touched = self.touched(desk.record(), &before).await?;
        Ok(Some(Look {
            run: desk.run(),
            before,
            touched,
        }))
    }

    async fn audit(&self) -> Result<Vec<String>, Refusal> {
        self.package_manager.audit().await.map_err(refusal)
    }

    /// The plan must be what the package manager's own simulation says now.
    async fn same_plan(&self, plan: &Plan) -> Result<(), Refusal> {
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

    /// What was reported as installed must be installed.
    async fn versions(&self, record: &Record) -> Result<Vec<Finding>, Refusal> {
        let mut expected = BTreeMap::new();
        for change in record.completed().flat_map(Plan::changes) {
            expected.insert(change.id.clone(), change.to.clone());
        }
        let ids: Vec<_> = expected.keys().cloned().collect();
        let installed = self
            .package_manager
            .installed(&ids)
            .await
            .map_err(refusal)?;
        let differs = expected
            .into_iter()
            .filter(|(id, to)| installed.get(id) != to.as_ref());
        let tell = |(id, to): (_, Option<_>)| {
            let shown =
                |version: Option<String>| version.unwrap_or_else(|| "not installed".to_owned());
            let is = shown(installed.get(&id).map(ToString::to_string));
            let detail = format!(
                "{id} should be {} and is {is}; somebody changed it behind patchd",
                shown(to.map(String::from))
            );
            Finding {
                class: Class::Warns,
                check: "version".to_owned(),
                subject: id.to_string(),
                detail,
            }
        };
        Ok(differs.map(tell).collect())
    }

    async fn touched(&self, record: &Record, before: &Observation) -> Result<Touched, Refusal> {
        let ids: Vec<_> = record
            .begun()
            .flat_map(Plan::changes)
            .map(|change| change.id.clone())
            .collect();
        let files = self.package_manager.files(&ids).await.map_err(refusal)?;
        Ok(Touched {
            units: verify::units_of(files.iter().map(String::as_str), before),
        })
    }
}

/// The hosts of the repositories that answered: names that ought to resolve.
fn names(record: &Record) -> Vec<String> {
    let host = |repository: &Repository| {
        let (_, rest) = repository.id.split_once("://")?;
        let host = rest.split(['/', ':', ' ']).next()?;
        (!host.is_empty()).then(|| host.to_owned())
    };
    let mut names: Vec<String> = record.repositories().iter().filter_map(host).collect();
    names.sort();
    names.dedup();
    names
}

fn upgrade(change: &Change) -> Option<Wanted> {
    change.from.as_ref()?;
    Some(Wanted {
        id: change.id.clone(),
        version: change.to.clone()?,
    })
}

fn finding(class: Class, check: &str, detail: &str) -> Finding {
    let subject = detail
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    Finding {
        class,
        check: check.to_owned(),
        subject,
        detail: detail.to_owned(),
    }
}

fn refusal(fault: Fault) -> Refusal {
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

fn unable(cause: &dyn std::fmt::Display) -> Refusal {
    Refusal::Unable {
        detail: format!(
            "the worker cannot use its own files: {cause}; check space and mode of /var/lib/patchd-worker"
        ),
    }
}

impl From<Activity> for WorkerEvent {
    fn from(activity: Activity) -> Self {
        match activity {
            Activity::Started { pid, start_time } => Self::Started { pid, start_time },
            Activity::Progress { percent, doing } => Self::Progress { percent, doing },
            Activity::Waiting { holder } => Self::Waiting { holder },
        }
    }
}
