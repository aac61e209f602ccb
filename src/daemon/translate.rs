//! From the worker's words to events of the cycle.

use crate::cycle::Event;
use crate::model::{ApplyFailure, Plan, Report, Repository, RepositoryState};

/// What a report means for the run that ordered it with `plan`.
pub(super) fn event(report: Report, plan: &Plan) -> Event {
    match report {
        Report::Repair {
            broken, installed, ..
        } => Event::Repaired { broken, installed },
        Report::Refresh { repositories } => refreshed(&repositories),
        Report::Download { failure: None, .. } => Event::Downloaded,
        Report::Download {
            failure: Some(reason),
            ..
        } => Event::DownloadFailed { reason },
        Report::Apply { installed, failure } => {
            let whole = plan
                .changes()
                .iter()
                .all(|change| installed.changed.contains(change));
            match failure {
                // The package database decides, not the exit code: an older
                // breakage makes apt fail although all of the plan is there.
                None | Some(_) if whole => Event::Applied(installed),
                Some(failure) => Event::ApplyFailed { installed, failure },
                None => {
                    let summary =
                        "the package manager reported success, but not everything is installed"
                            .to_owned();
                    Event::ApplyFailed {
                        installed,
                        failure: ApplyFailure {
                            summary,
                            culprits: Vec::new(),
                        },
                    }
                }
            }
        }
        Report::Verify {
            findings,
            reboot_reasons,
        } => Event::Verified {
            findings,
            reboot_reasons,
        },
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

    #[test]
    fn success_without_the_packages_is_a_failure() {
        let change = crate::model::Change {
            id: crate::model::PackageId::parse("nginx", "amd64").expect("valid"),
            from: None,
            to: crate::model::Version::try_from("1".to_owned()).ok(),
        };
        let plan = Plan::new(vec![change]);
        let report = Report::Apply {
            installed: crate::model::Installed::default(),
            failure: None,
        };
        assert!(matches!(event(report, &plan), Event::ApplyFailed { .. }));
    }
}
