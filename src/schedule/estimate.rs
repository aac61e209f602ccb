//! How long a plan takes. Nothing starts that cannot end inside its window, so
//! this is rather too long than too short.

use jiff::SignedDuration;

use crate::model::Plan;

/// For looking at the machine after a transaction: services that need a while,
/// probes that are tried again.
pub const VERIFY_RESERVE: SignedDuration = SignedDuration::from_mins(2);

/// From how many earlier transactions this machine is known.
const KNOWN_FROM: usize = 5;

/// How much of a window this plan needs, from its transaction to the end of the
/// run. Rollback and reboot are not built, so nothing is set aside for them.
#[must_use]
pub fn plan_needs(plan: &Plan, history: &[(SignedDuration, SignedDuration)]) -> SignedDuration {
    apply_takes(plan, history).saturating_add(VERIFY_RESERVE)
}

/// How long its transaction takes at most. `history` holds earlier ones: how
/// long such a plan usually takes, and how long it took here.
#[must_use]
pub fn apply_takes(plan: &Plan, history: &[(SignedDuration, SignedDuration)]) -> SignedDuration {
    let usual = plan.usual_duration();
    let ratios = history
        .iter()
        .filter(|(usual, actual)| usual.is_positive() && !actual.is_negative());
    let ratios = ratios.map(|(usual, actual)| actual.as_secs_f64() / usual.as_secs_f64());
    let Some(ratio) = ninety_fifth(ratios.collect()) else {
        return usual.saturating_mul(2);
    };
    // A machine's small updates say that it begins quickly, and nothing about
    // a large one: each package keeps its share.
    let learnt = SignedDuration::try_from_secs_f64(usual.as_secs_f64() * ratio * 1.3);
    learnt.unwrap_or(SignedDuration::MAX).max(plan.work())
}

/// The 95th percentile; nothing where there are too few.
fn ninety_fifth(mut values: Vec<f64>) -> Option<f64> {
    if values.len() < KNOWN_FROM {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * 95).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, PackageId, Version};

    fn plan(packages: usize) -> Plan {
        let change = |number: usize| Change {
            id: PackageId::parse(&format!("pkg{number}"), "amd64").expect("valid"),
            from: None,
            to: Some(Version::try_from("1".to_owned()).expect("valid")),
        };
        Plan::new((0..packages).map(change).collect())
    }

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn an_unknown_machine_gets_twice_the_usual_time() {
        let four = [(seconds(200), seconds(20)); 4];
        assert_eq!(apply_takes(&plan(10), &[]), seconds(400));
        assert_eq!(apply_takes(&plan(10), &four), seconds(400));
        assert_eq!(plan_needs(&plan(10), &[]), seconds(520));
    }

    #[test]
    fn a_known_machine_gets_its_slowest_transactions_and_a_third_more() {
        let mut history = [(seconds(200), seconds(50)); 20];
        history[7].1 = seconds(100);
        history[3].1 = seconds(2000);
        assert_eq!(apply_takes(&plan(10), &history), seconds(130));
        let slow = [(seconds(200), seconds(1000)); 5];
        assert_eq!(apply_takes(&plan(10), &slow), seconds(1300));
    }

    #[test]
    fn small_updates_do_not_promise_a_quick_large_one() {
        let history = [(seconds(182), seconds(2)); 9];
        assert_eq!(apply_takes(&plan(300), &history), seconds(600));
    }

    #[test]
    fn senseless_history_is_ignored() {
        let history = [(seconds(0), seconds(9)), (seconds(9), seconds(-9))].repeat(9);
        assert_eq!(apply_takes(&plan(10), &history), seconds(400));
    }
}
