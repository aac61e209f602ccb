//! What the daemon tells node_exporter, gathered from the ledger and the latest
//! look at what is pending.

use std::collections::BTreeMap;

use crate::daemon::survey::Survey;
use crate::feeds::Standing;
use crate::metrics::{Metrics, RunTimes};
use crate::model::{Decision, Outcome, SkipReason};
use crate::state::{Ledger, LedgerError};

/// Everything that is known. Counts come from the ledger and survive a restart;
/// without a survey nothing is said of pending updates and repositories.
pub fn measure(
    ledger: &Ledger,
    survey: Option<&Survey>,
    feeds: &[Standing],
) -> Result<Metrics, LedgerError> {
    let mut runs: BTreeMap<String, RunTimes> = BTreeMap::new();
    for (origin, at) in ledger.last_starts()? {
        runs.entry(schedule(&origin)).or_default().start = Some(at);
    }
    for (origin, at) in ledger.last_successes()? {
        runs.entry(schedule(&origin)).or_default().success = Some(at);
    }
    // A count that begins at zero lets Prometheus see the first one.
    let mut outcomes = zeros(&Outcome::ALL);
    outcomes.extend(ledger.outcome_counts()?);
    let mut skips = zeros(&SkipReason::ALL);
    let counted = ledger.skip_counts()?.into_iter();
    skips.extend(counted.map(|(reason, count)| (reason.to_string(), count)));
    Ok(Metrics {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        runs,
        outcomes,
        skips,
        pending: survey.map(pending).unwrap_or_default(),
        reboot_owed_since: ledger.reboot_owed_since()?,
        repositories: survey.map(repositories).unwrap_or_default(),
        feeds: feeds.iter().filter_map(age).collect(),
    })
}

fn age(standing: &Standing) -> Option<(String, u64)> {
    Some((standing.format.name().to_owned(), standing.age_seconds?))
}

/// A run's origin is `schedule NAME`, or `now`.
fn schedule(origin: &str) -> String {
    let name = origin.strip_prefix("schedule ").unwrap_or(origin);
    name.to_owned()
}

fn zeros(words: &[impl ToString]) -> BTreeMap<String, u64> {
    words.iter().map(|word| (word.to_string(), 0)).collect()
}

fn pending(survey: &Survey) -> BTreeMap<String, u64> {
    let mut pending = zeros(&Decision::ALL);
    for decided in &survey.decisions {
        *pending.entry(decided.decision.to_string()).or_default() += 1;
    }
    pending
}

/// One with several indexes is as old as the oldest of them.
fn repositories(survey: &Survey) -> BTreeMap<String, u64> {
    let mut ages: BTreeMap<String, u64> = BTreeMap::new();
    for repository in &survey.pending.repositories {
        if let Some(age) = repository.age_seconds {
            let oldest = ages.entry(repository.id.clone()).or_default();
            *oldest = age.max(*oldest);
        }
    }
    ages
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;
    use crate::model::Change;

    fn survey(decisions: &[(&str, &str)], repositories: &Value) -> Survey {
        let update = |(name, _): &(&str, &str)| {
            json!({"package": name, "architecture": "amd64", "source": name, "installed": "1",
                "candidate": "2", "offers": [], "kernel": false, "needs_reboot": false})
        };
        let decided = |(name, decision): &(&str, &str)| {
            json!({"package": name, "architecture": "amd64", "decision": decision, "target": "2",
                "reason": "so"})
        };
        let updates: Vec<Value> = decisions.iter().map(update).collect();
        let pending = json!({"complete": true, "gaps": [], "updates": updates,
            "repositories": repositories});
        let decisions: Vec<Value> = decisions.iter().map(decided).collect();
        Survey {
            pending: from_value(pending).expect("a list"),
            decisions: from_value(json!(decisions)).expect("decisions"),
            vulnerabilities: None,
        }
    }

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(&folder.path().join("ledger.db")).expect("opened");
        (folder, ledger)
    }

    #[test]
    fn without_a_look_nothing_is_said_of_pending_updates() {
        let (_folder, ledger) = ledger();
        let metrics = measure(&ledger, None, &[]).expect("read");
        assert!(metrics.pending.is_empty() && metrics.repositories.is_empty());
        assert_eq!(metrics.outcomes.get("failed"), Some(&0));
    }

    #[test]
    fn what_a_run_has_installed_is_not_pending_any_more() {
        let (_folder, ledger) = ledger();
        let mut survey = survey(
            &[("aa", "install"), ("bb", "install"), ("cc", "soaking")],
            &json!([]),
        );
        let installed: Vec<Change> =
            from_value(json!([{"package": "aa", "architecture": "amd64", "from": "1", "to": "2"}]))
                .expect("a change");
        survey.settle(&installed);
        let pending = measure(&ledger, Some(&survey), &[]).expect("read").pending;
        let told: Vec<(&str, u64)> = pending.iter().map(|(it, n)| (it.as_str(), *n)).collect();
        assert_eq!(
            told,
            [
                ("blocked", 0),
                ("held", 0),
                ("install", 1),
                ("not-selected", 0),
                ("quarantined", 0),
                ("rejected", 0),
                ("report-only", 0),
                ("soaking", 1)
            ]
        );
    }

    #[test]
    fn a_repository_is_as_old_as_its_oldest_index() {
        let (_folder, ledger) = ledger();
        let repositories = json!([
            {"id": "http://a stable", "age_seconds": 5, "state": "fresh"},
            {"id": "http://a stable", "age_seconds": 9, "state": "fresh"},
            {"id": "http://b stable", "state": "missing"},
        ]);
        let survey = survey(&[], &repositories);
        let ages = measure(&ledger, Some(&survey), &[])
            .expect("read")
            .repositories;
        assert_eq!(ages, [("http://a stable".to_owned(), 9)].into());
    }
}
