//! From the worker's words to events of the cycle.

use crate::cycle::{Event, Repaired};
use crate::model::{
    ApplyFailure, Installed, PackageName, Plan, Report, Repository, RepositoryState,
};

/// What a report means for the run that ordered it with `plan`.
pub(super) fn event(report: Report, plan: &Plan) -> Event {
    match report {
        Report::Repair {
            steps,
            broken,
            installed,
            ..
        } => Event::Repaired(Repaired {
            steps,
            broken,
            installed,
        }),
        Report::Refresh { repositories } => refreshed(&repositories),
        Report::Download { failure: None, .. } => Event::Downloaded,
        Report::Download {
            failure: Some(reason),
            culprits,
            ..
        } => Event::DownloadFailed { reason, culprits },
        Report::Apply {
            installed, failure, ..
        } => applied(installed, failure, plan),
        Report::Rehearse(rehearsal) => Event::Rehearsed(rehearsal),
        Report::RestorePoint(_) => Event::Preserved,
        Report::Restart(restarted) => Event::Restarted(restarted),
        Report::Reboot { put_off: None } => Event::Rebooted,
        Report::Reboot {
            put_off: Some(reason),
        } => Event::NotRebooted { reason },
        Report::RollBack(back) => Event::RolledBack(back),
        Report::Quarantine { kept_away } => Event::Quarantined { kept_away },
        Report::Hook { failure } => Event::Hooked { failure },
        Report::Verify {
            findings,
            reboot_reasons,
        } => Event::Verified {
            findings,
            reboot_reasons,
        },
        // No run waits for these: they are runs of their own, or come behind a run's end.
        Report::AcceptConfig { .. }
        | Report::Takeover(_)
        | Report::GiveBack(_)
        | Report::Cleanup => Event::Lost,
    }
}

/// The package database decides, not the exit code: an older breakage makes apt
/// fail although all of the plan is there. A culprit of the plan is a failure
/// all the same: its new version is unpacked and does not work.
fn applied(installed: Installed, failure: Option<ApplyFailure>, plan: &Plan) -> Event {
    let whole = plan
        .changes()
        .iter()
        .all(|change| installed.changed.contains(change));
    let planned = |name: &PackageName| plan.changes().iter().any(|change| change.id.name == *name);
    match failure {
        None if whole => Event::Applied(installed),
        Some(failure) if whole && !failure.culprits.iter().any(planned) => {
            Event::Applied(installed)
        }
        Some(failure) => Event::ApplyFailed { installed, failure },
        None => {
            let summary = "the package manager reported success, but not everything is installed";
            let failure = ApplyFailure {
                summary: summary.to_owned(),
                culprits: Vec::new(),
            };
            Event::ApplyFailed { installed, failure }
        }
    }
}

fn refreshed(repositories: &[Repository]) -> Event {
    if repositories.is_empty() {
        let gap = "no repository is configured; add one to /etc/apt/sources.list.d".to_owned();
        return Event::Refreshed {
            gaps: vec![gap],
            blind: true,
        };
    }
    let bad = repositories
        .iter()
        .filter(|repository| repository.state != RepositoryState::Fresh);
    let gaps: Vec<String> = bad.map(gap).collect();
    let blind = gaps.len() == repositories.len();
    Event::Refreshed { gaps, blind }
}

fn gap(repository: &Repository) -> String {
    let advice = repository
        .advice
        .as_deref()
        .unwrap_or("its updates may be missing");
    format!(
        "repository {} is {}: {advice}",
        repository.id, repository.state
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, PackageId, Version};

    fn repository(id: &str, state: RepositoryState) -> Repository {
        Repository {
            id: id.into(),
            age_seconds: None,
            state,
            advice: None,
        }
    }

    #[test]
    fn one_dead_repository_is_a_gap_and_all_dead_is_blindness() {
        let good = repository("http://a bookworm", RepositoryState::Fresh);
        let dead = repository("http://b bookworm", RepositoryState::Unreachable);
        let Event::Refreshed { gaps, blind } = refreshed(&[good, dead.clone()]) else {
            panic!("another event")
        };
        assert!(
            !blind && gaps.len() == 1 && gaps[0].contains("http://b"),
            "{gaps:?}"
        );
        assert!(matches!(
            refreshed(&[dead]),
            Event::Refreshed { blind: true, .. }
        ));
        assert!(matches!(
            refreshed(&[]),
            Event::Refreshed { blind: true, .. }
        ));
    }

    fn plan() -> Plan {
        let to = Version::try_from("1".to_owned()).ok();
        let id = PackageId::parse("nginx", "amd64").expect("valid");
        Plan::new(vec![Change { id, from: None, to }])
    }

    fn apply(changed: &Plan, culprit: Option<&str>) -> Event {
        let installed = Installed {
            changed: changed.changes().to_vec(),
            kept_conffiles: vec![],
        };
        let name = |name: &str| PackageName::try_from(name.to_owned()).expect("valid");
        let failure = culprit.map(|culprit| ApplyFailure {
            summary: "exit 100".into(),
            culprits: vec![name(culprit)],
        });
        let report = Report::Apply {
            installed,
            failure,
            own_upgrade: None,
        };
        event(report, &plan())
    }

    #[test]
    fn success_without_the_packages_is_a_failure() {
        assert!(matches!(
            apply(&Plan::default(), None),
            Event::ApplyFailed { .. }
        ));
    }

    #[test]
    fn an_older_breakage_does_not_undo_a_plan_that_is_there() {
        assert!(matches!(apply(&plan(), Some("other")), Event::Applied(_)));
    }

    #[test]
    fn a_planned_package_that_fails_is_a_failure_although_it_is_unpacked() {
        assert!(matches!(
            apply(&plan(), Some("nginx")),
            Event::ApplyFailed { .. }
        ));
    }
}
