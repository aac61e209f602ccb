//! After the transaction: the machine against its state before, and against
//! the plans.

use std::collections::BTreeMap;
use std::path::Path;

use super::desk::Desk;
use super::live::{Restarts, reboot_reasons};
use super::phases::{refusal, unable};
use super::record::Record;
use super::standing::{self, Look};
use super::tools::{Done, Tools};
use crate::model::{Class, Finding, Plan, Refusal, Report, Repository};
use crate::os::{files, systemd};
use crate::package_manager::PackageManager;
use crate::rehearsal;
use crate::running;
use crate::verify::{self, Observation, Touched};

/// The state before the first transaction of a run.
pub(super) const BEFORE: &str = "before.json";

/// The largest observation that is read back, bytes.
const OBSERVATION_CAP: u64 = 16 << 20;

impl<P: PackageManager> Tools<'_, P> {
    /// Compares the machine with the state before and with the plans.
    pub async fn verify(&self, desk: &mut Desk<'_>) -> Done {
        if self.at_rest {
            return self.verify_at_rest(desk).await;
        }
        desk.progress(0, "waiting for the machine to be up");
        if systemd::goes_down(self.runner).await {
            return Err(Refusal::Stopping);
        }
        let mut findings = self.packages(desk.record()).await?;
        findings.extend(self.compare(desk).await?);
        let broken = findings.iter().any(|it| it.class == Class::Breaks);
        findings.extend(self.judge_trial(desk.run(), broken).await?);
        let live = self.live(desk, &running::look());
        let reboot_reasons = reboot_reasons(desk, &live);
        Ok(Report::Verify {
            findings,
            reboot_reasons,
        })
    }

    /// Of an image the packages are looked at; the rest is seen when it has booted.
    async fn verify_at_rest(&self, desk: &Desk<'_>) -> Done {
        let plans = desk.record().completed();
        Ok(Report::Verify {
            findings: self.packages(desk.record()).await?,
            reboot_reasons: plans
                .filter_map(|plan| rehearsal::left_to_boot_loader(Path::new("/"), plan))
                .collect(),
        })
    }

    /// Whether the database is sound, and has what was installed.
    async fn packages(&self, record: &Record) -> Result<Vec<Finding>, Refusal> {
        let broken = self.audit().await?.into_iter();
        let mut findings: Vec<Finding> = broken
            .map(|detail| finding(Class::Breaks, "database", &detail))
            .collect();
        findings.extend(self.versions(record).await?);
        Ok(findings)
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
            let found =
                verify::verify(&self.rules.verify, self.runner, before, touched, &names).await;
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
        // What a shutdown stops is not broken.
        self.goes_on()?;
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
        let mut touched = self.touched(desk.record(), &before).await?;
        touched.units.extend(Restarts::of(&desk.folder())?.planned);
        Ok(Some(Look {
            run: desk.run(),
            before,
            touched,
        }))
    }

    /// What was reported as installed must be installed.
    async fn versions(&self, record: &Record) -> Result<Vec<Finding>, Refusal> {
        let mut expected = BTreeMap::new();
        let installed = record.completed().flat_map(Plan::changes);
        for change in installed.chain(record.taken_back()) {
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
                since: None,
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

/// Keeps the state before in the folder of its run.
pub(super) fn keep_before(folder: &Path, before: &Observation) -> Result<(), Refusal> {
    let text = serde_json::to_vec(before).map_err(|cause| unable(&cause))?;
    files::replace(&folder.join(BEFORE), &text, 0o640).map_err(|cause| unable(&cause))
}

/// The hosts of the repositories that answered: names that ought to resolve.
pub(super) fn names(record: &Record) -> Vec<String> {
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
        since: None,
    }
}
