//! Looks until it is certain: what is broken now may only be slow to start.

use std::collections::BTreeMap;

use super::judge::{is_passing, judge};
use super::observation::Observation;
use super::observe::observe;
use super::settings::Settings;
use super::touched::Touched;
use crate::model::{Class, Finding};
use crate::os::command::Runner;

/// What is worse than `before`. A break counts once as many attempts in a row
/// have failed as the settings say; one that heals meanwhile is not reported.
/// Warnings are those of the last look.
pub async fn verify(
    settings: &Settings,
    runner: &dyn Runner,
    before: &Observation,
    touched: &Touched,
    names: &[String],
) -> Vec<Finding> {
    let look = async || {
        let after = observe(settings, runner, names).await;
        Look {
            findings: judge(before, &after, touched),
            passing: is_passing(before, &after),
        }
    };
    until_certain(settings, look).await
}

/// One look at the machine.
#[derive(Debug, Clone, Default)]
struct Look {
    findings: Vec<Finding>,
    /// A unit is between two states.
    passing: bool,
}

async fn until_certain(settings: &Settings, mut look: impl AsyncFnMut() -> Look) -> Vec<Finding> {
    let mut streaks = Streaks::default();
    let bound = most_attempts(settings);
    let mut attempt = 1;
    loop {
        let seen = look().await;
        streaks.count(&seen.findings);
        let waiting = seen.passing && attempt < settings.retries;
        let certain = !waiting && streaks.are_certain(settings);
        if certain || attempt >= bound {
            return seen.findings;
        }
        tokio::time::sleep(settings.interval).await;
        attempt += 1;
    }
}

/// How many attempts in a row each break has been there, by check and subject.
#[derive(Debug, Default)]
struct Streaks(BTreeMap<(String, String), u32>);

impl Streaks {
    fn count(&mut self, findings: &[Finding]) {
        let breaks = findings
            .iter()
            .filter(|finding| finding.class == Class::Breaks);
        self.0 = breaks
            .map(|finding| (finding.check.clone(), finding.subject.clone()))
            .map(|key| {
                let streak = self.0.get(&key).map_or(1, |streak| streak + 1);
                (key, streak)
            })
            .collect();
    }

    fn are_certain(&self, settings: &Settings) -> bool {
        self.0
            .iter()
            .all(|((check, subject), &streak)| streak >= needed(settings, check, subject))
    }
}

/// Attempts in a row that this break needs.
fn needed(settings: &Settings, check: &str, subject: &str) -> u32 {
    let own = settings
        .probes
        .iter()
        .find(|probe| check == "probe" && probe.name == subject)
        .and_then(|probe| probe.retries);
    own.unwrap_or(settings.retries)
}

/// Breaks that take turns would keep us here for ever: a second row of attempts
/// for what appeared during the first, and then what is seen is what is said.
fn most_attempts(settings: &Settings) -> u32 {
    let own = settings.probes.iter().filter_map(|probe| probe.retries);
    own.chain([settings.retries])
        .max()
        .unwrap_or(1)
        .saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::verify::settings::{Check, Probe};

    fn broken(check: &str, subject: &str) -> Look {
        let mut look = Look::default();
        look.findings.push(Finding {
            class: Class::Breaks,
            check: check.into(),
            subject: subject.into(),
            detail: "broken".into(),
            since: None,
        });
        look
    }

    fn warned() -> Look {
        let mut look = broken("unit", "w.service");
        look.findings[0].class = Class::Warns;
        look
    }

    fn passing(mut look: Look) -> Look {
        look.passing = true;
        look
    }

    fn settings(retries: Option<u32>) -> Settings {
        let probe = Probe {
            name: "site".into(),
            check: Check::Unit("a.service".into()),
            rehearse: false,
            timeout: Duration::from_secs(1),
            retries,
        };
        Settings {
            probes: vec![probe],
            ..Settings::default()
        }
    }

    /// Plays the looks; returns what is reported, how many looks it took, and
    /// how many seconds. Behind the last look nothing is broken.
    async fn play(settings: &Settings, looks: Vec<Look>) -> (Vec<String>, usize, u64) {
        let start = Instant::now();
        let mut looks = VecDeque::from(looks);
        let mut taken = 0;
        let found = until_certain(settings, async || {
            taken += 1;
            looks.pop_front().unwrap_or_default()
        })
        .await;
        let subjects = found.into_iter().map(|finding| finding.subject).collect();
        (subjects, taken, start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_sound_machine_is_looked_at_once() {
        let played = play(&settings(None), vec![]).await;
        assert_eq!(played, (vec![], 1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_break_counts_after_three_attempts_in_a_row() {
        let looks = vec![broken("unit", "a.service"); 9];
        let played = play(&settings(None), looks).await;
        assert_eq!(played, (vec!["a.service".to_owned()], 3, 40));
    }

    #[tokio::test(start_paused = true)]
    async fn a_break_that_heals_is_not_reported() {
        let looks = vec![broken("unit", "a.service"), broken("unit", "a.service")];
        let played = play(&settings(None), looks).await;
        assert_eq!(played, (vec![], 3, 40));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_has_its_own_number_of_attempts() {
        let looks = || vec![broken("probe", "site"); 9];
        assert_eq!(play(&settings(Some(1)), looks()).await.1, 1);
        assert_eq!(play(&settings(Some(5)), looks()).await.1, 5);
        assert_eq!(play(&settings(None), looks()).await.1, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_break_that_comes_late_gets_its_whole_row() {
        let mut looks = vec![broken("unit", "a.service"); 2];
        looks.extend(vec![broken("unit", "b.service"); 9]);
        let played = play(&settings(None), looks).await;
        assert_eq!(played, (vec!["b.service".to_owned()], 5, 80));
    }

    #[tokio::test(start_paused = true)]
    async fn breaks_that_take_turns_end_and_are_reported() {
        let turn = [broken("unit", "a.service"), broken("unit", "b.service")];
        let looks = turn.iter().cycle().take(20).cloned().collect();
        let (subjects, taken, _) = play(&settings(None), looks).await;
        assert_eq!(
            (subjects.as_slice(), taken),
            (&["b.service".to_owned()][..], 6)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_warning_is_not_waited_for() {
        let played = play(&settings(None), vec![warned()]).await;
        assert_eq!(played, (vec!["w.service".to_owned()], 1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_unit_that_is_starting_is_waited_for() {
        let looks = vec![passing(warned()), passing(warned())];
        assert_eq!(play(&settings(None), looks).await, (vec![], 3, 40));
        let looks = vec![passing(warned()); 9];
        let played = play(&settings(None), looks).await;
        assert_eq!(played, (vec!["w.service".to_owned()], 3, 40));
    }

    #[tokio::test(start_paused = true)]
    async fn no_retries_means_one_attempt() {
        let mut settings = settings(None);
        settings.retries = 0;
        let played = play(&settings, vec![broken("unit", "a.service"); 9]).await;
        assert_eq!(played, (vec!["a.service".to_owned()], 1, 0));
    }
}
