//! How long transactions took on this machine.

use jiff::SignedDuration;

use super::ledger::{Ledger, LedgerError};
use super::runs::{RunRow, Transition};
use crate::model::Plan;

/// How many runs back are looked at.
const RUNS: u32 = 100;

/// The stage in which the package manager is at work.
const APPLYING: &str = "applying";

impl Ledger {
    /// Earlier transactions, the latest first: how long such a plan usually takes,
    /// and how long it took. Of a run with several, they count as one.
    pub fn apply_samples(&self) -> Result<Vec<(SignedDuration, SignedDuration)>, LedgerError> {
        let mut samples = Vec::new();
        for row in self.runs(RUNS)? {
            let steps = self.transitions(&row.opened.id.to_string())?;
            samples.extend(sample(&row, &steps));
        }
        Ok(samples)
    }
}

/// Nothing from a run whose worker was lost: its hours may have been hours
/// without power. What was installed stands for what was planned.
fn sample(row: &RunRow, steps: &[Transition]) -> Option<(SignedDuration, SignedDuration)> {
    let course = &row.state.course;
    if row.closed_at.is_none() || course.lost > 0 || course.changed.is_empty() {
        return None;
    }
    let each = steps.iter().zip(steps.iter().skip(1));
    let actual = each
        .filter(|(step, _)| step.stage == APPLYING)
        .map(|(step, next)| next.at.duration_since(step.at))
        .fold(SignedDuration::ZERO, SignedDuration::saturating_add);
    let usual = Plan::new(course.changed.clone()).usual_duration();
    actual.is_positive().then_some((usual, actual))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::cycle::{Mandate, Stage, State};
    use crate::model::{BootId, Change, Outcome, PackageId, RunId};
    use crate::state::NewRun;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    /// A finished run that changed one package in these steps.
    fn written(ledger: &mut Ledger, number: u64, lost: u32, steps: &[(i64, &str, Stage)]) {
        let run = NewRun {
            id: RunId::new(number, 1),
            opened_at: at(0),
            origin: "now".to_owned(),
            closes_at: None,
            asked_by: "root".to_owned(),
            policy: "default".to_owned(),
            asked: Vec::new(),
            machine_id: None,
            boot_id: BootId("boot".to_owned()),
        };
        let mut state = State::opened(Mandate::default(), at(0));
        ledger.open_run(&run, &state).expect("written");
        state.course.lost = lost;
        state.course.changed = vec![Change {
            id: PackageId::parse("aa", "amd64").expect("valid"),
            from: None,
            to: None,
        }];
        for (second, event, stage) in steps {
            state.stage = stage.clone();
            ledger
                .record(run.id, event, &state, at(*second))
                .expect("written");
        }
        ledger
            .close_run(run.id, (Outcome::Succeeded, "done"), at(999))
            .expect("written");
    }

    #[test]
    fn all_transactions_of_a_run_and_their_stalls_count_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ledger = Ledger::open(&folder.path().join("ledger.db")).expect("opened");
        let applying = || Stage::Applying {
            plan: Plan::default(),
        };
        let steps = [
            (100, "downloaded", applying()),
            (130, "deadline-passed", applying()),
            (140, "apply-failed", Stage::Mending),
            (170, "downloaded", applying()),
            (175, "applied", Stage::Verifying),
        ];
        written(&mut ledger, 1, 0, &steps);
        written(&mut ledger, 2, 1, &steps);
        let nothing = [(100, "planned", Stage::Verifying)];
        written(&mut ledger, 3, 0, &nothing);
        let seconds = SignedDuration::from_secs;
        let samples = ledger.apply_samples().expect("read");
        assert_eq!(samples, [(seconds(182), seconds(45))]);
    }
}
