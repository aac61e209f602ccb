//! What is worse than before. Pure: two observations in, findings out. What
//! failed before is not blamed, what is new is not judged, and patchd's own
//! units do not count.

mod ports;
mod reach;
mod units;

use super::observation::{Observation, Seen};
use super::touched::Touched;
use crate::model::{Class, Finding};

/// Everything that is not as it was, units first.
#[must_use]
pub fn judge(before: &Observation, after: &Observation, touched: &Touched) -> Vec<Finding> {
    let mut findings = units::judge(before, after, touched);
    findings.extend(ports::judge(before, after, touched, &findings));
    findings.extend(reach::routes(before, after));
    findings.extend(reach::resolver(before, after));
    findings.extend(reach::probes(before, after));
    findings
}

/// Whether a unit that was up is between two states: too early to judge it.
#[must_use]
pub(super) fn is_passing(before: &Observation, after: &Observation) -> bool {
    let (Some(before), Some(after)) = (before.units.known(), after.units.known()) else {
        return false;
    };
    before
        .iter()
        .filter(|(name, unit)| unit.active.is_up() && !is_own(name))
        .filter_map(|(name, _)| after.get(name))
        .any(|unit| unit.active.is_passing())
}

/// Both values, or the one warning that says why they cannot be compared.
fn comparable<'a, T>(
    before: &'a Seen<T>,
    after: &'a Seen<T>,
    check: &str,
    subject: &str,
) -> Result<(&'a T, &'a T), Finding> {
    let (when, reason) = match (before, after) {
        (Seen::Known(before), Seen::Known(after)) => return Ok((before, after)),
        (_, Seen::Unknown(reason)) => ("now", reason),
        (Seen::Unknown(reason), _) => ("before the run", reason),
    };
    let detail = format!(
        "not known {when}: {reason}; patchd cannot tell whether the run changed it, look yourself"
    );
    Err(finding(Class::Warns, check, subject, detail))
}

fn finding(class: Class, check: &str, subject: &str, detail: String) -> Finding {
    Finding {
        class,
        check: check.to_owned(),
        subject: subject.to_owned(),
        detail,
        since: None,
    }
}

/// patchd stops, starts and replaces its own units in its own time.
fn is_own(unit: &str) -> bool {
    unit == "patchd.service" || unit.starts_with("patchd-")
}

#[cfg(test)]
mod properties;
