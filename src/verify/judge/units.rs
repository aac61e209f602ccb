//! Services and sockets.

use super::{comparable, finding, is_own};
use crate::model::{Class, Finding};
use crate::os::systemd::{ActiveState, Unit};
use crate::verify::observation::Observation;
use crate::verify::touched::Touched;

pub(super) fn judge(before: &Observation, after: &Observation, touched: &Touched) -> Vec<Finding> {
    let (before, after) = match comparable(&before.units, &after.units, "unit", "systemd") {
        Ok(both) => both,
        Err(unknown) => return vec![unknown],
    };
    let lost = before
        .iter()
        .filter(|(name, unit)| unit.active.is_up() && !is_own(name))
        .filter_map(|(name, unit)| fallen(name, unit, after.get(name), touched));
    let failed = after
        .iter()
        .filter(|(name, _)| !is_own(name))
        .filter_map(|(name, unit)| newly_failed(name, before.get(name), unit));
    let flapping = after
        .iter()
        .filter(|(name, _)| !is_own(name))
        .filter_map(|(name, unit)| flapping(name, before.get(name)?, unit));
    lost.chain(failed).chain(flapping).collect()
}

/// A unit that was up and is not, or is up in name only.
fn fallen(name: &str, before: &Unit, now: Option<&Unit>, touched: &Touched) -> Option<Finding> {
    let state = now.map_or(ActiveState::Inactive, |unit| unit.active);
    let hollow = now.is_some_and(|now| before.sub == "running" && now.sub == "exited");
    if state.is_up() && !hollow {
        return None;
    }
    if before.ephemeral && state != ActiveState::Failed {
        return None;
    }
    let class = match state {
        ActiveState::Unknown => Class::Warns,
        _ if touched.contains(name) => Class::Breaks,
        _ => Class::Warns,
    };
    let is = now.map_or("gone".to_owned(), Unit::to_string);
    let detail =
        format!("{name} was {before} before the run and is {is} now; see journalctl -u {name}");
    Some(finding(class, "unit", name, detail))
}

/// A unit that was not up, and did not fail either.
fn newly_failed(name: &str, before: Option<&Unit>, now: &Unit) -> Option<Finding> {
    if now.active != ActiveState::Failed {
        return None;
    }
    let was = match before {
        None => "not loaded".to_owned(),
        Some(unit) if unit.active.is_up() || was_failing(unit) => return None,
        Some(unit) => unit.to_string(),
    };
    let detail =
        format!("{name} was {was} before the run and is {now} now; see journalctl -u {name}");
    Some(finding(Class::Warns, "unit", name, detail))
}

/// A unit that is up, but that systemd had to restart. The count starts anew
/// when somebody restarts the unit, so a smaller one is news as well.
fn flapping(name: &str, before: &Unit, now: &Unit) -> Option<Finding> {
    let news = now.restarts != before.restarts && now.restarts > 0;
    if !news || !now.active.is_up() || was_failing(before) {
        return None;
    }
    let detail = format!(
        "{name} was restarted by systemd {} times before the run and {} times now, since it was \
         last started by hand; see journalctl -u {name}",
        before.restarts, now.restarts
    );
    Some(finding(Class::Warns, "unit", name, detail))
}

/// It failed, or was between a failure and the next attempt.
fn was_failing(unit: &Unit) -> bool {
    unit.active == ActiveState::Failed || unit.sub == "auto-restart"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::systemd::{Units, parse_show};
    use crate::verify::observation::Seen;

    const BEFORE: &str = include_str!("../../../tests/fixtures/systemd/12/show-before.txt");
    const AFTER: &str = include_str!("../../../tests/fixtures/systemd/12/show-after.txt");

    fn machine(units: Units) -> Observation {
        Observation {
            units: Seen::Known(units),
            ..Observation::empty()
        }
    }

    /// One unit, written as `systemctl show` does.
    fn unit(name: &str, properties: &str) -> Observation {
        let text = format!("Id={name}\n{}\n", properties.replace(' ', "\n"));
        machine(parse_show(&text).expect("readable"))
    }

    fn touching(units: &[&str]) -> Touched {
        Touched {
            units: units.iter().map(|&unit| unit.to_owned()).collect(),
        }
    }

    #[test]
    fn a_real_failed_restart_breaks_what_was_touched_and_warns_of_the_rest() {
        let before = machine(parse_show(BEFORE).expect("a real capture"));
        let after = machine(parse_show(AFTER).expect("a real capture"));
        let findings = judge(&before, &after, &touching(&["nginx.service"]));
        let seen: Vec<_> = findings
            .iter()
            .map(|finding| (finding.class, finding.subject.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                (Class::Warns, "cron.service"),
                (Class::Warns, "flapping.service"),
                (Class::Breaks, "nginx.service"),
                (Class::Warns, "oldstyle.service"),
            ]
        );
        assert_eq!(
            findings[2].detail,
            "nginx.service was active (running) before the run and is failed (exit-code) now; \
             see journalctl -u nginx.service"
        );
    }

    #[test]
    fn each_change_of_one_unit_has_its_class() {
        let running = "ActiveState=active SubState=running Type=simple";
        let dead = "ActiveState=inactive SubState=dead Type=simple";
        let failed = "ActiveState=failed SubState=failed Result=exit-code";
        let waiting = "ActiveState=activating SubState=auto-restart Result=exit-code";
        let reloading = "ActiveState=reloading SubState=reload";
        let exited = "ActiveState=active SubState=exited";
        let job = "ActiveState=active SubState=running Transient=yes";
        let timed = "ActiveState=inactive SubState=dead Type=oneshot TriggeredBy=a.timer";
        let strange = "ActiveState=dreaming SubState=deeply";
        let flapped = "ActiveState=active SubState=running NRestarts=3";
        let calm = "ActiveState=active SubState=running NRestarts=7";
        let (warns, breaks) = (Some(Class::Warns), Some(Class::Breaks));
        let table = [
            // before, after, touched, untouched
            (running, running, None, None),
            (running, failed, breaks, warns),
            (running, dead, breaks, warns),
            (running, waiting, breaks, warns),
            (running, reloading, None, None),
            (running, exited, breaks, warns),
            (running, strange, warns, warns),
            (exited, exited, None, None),
            (exited, dead, breaks, warns),
            (job, dead, None, None),
            (job, failed, breaks, warns),
            (timed, failed, warns, warns),
            (dead, failed, warns, warns),
            (dead, running, None, None),
            (failed, failed, None, None),
            (failed, dead, None, None),
            (waiting, failed, None, None),
            (waiting, flapped, None, None),
            (running, flapped, warns, warns),
            (calm, flapped, warns, warns),
            (calm, running, None, None),
        ];
        for (was, is, touched, untouched) in table {
            let (before, after) = (unit("a.service", was), unit("a.service", is));
            let class = |touched| {
                let findings = judge(&before, &after, &touched);
                assert!(findings.len() <= 1, "{was} -> {is}: {findings:?}");
                findings.first().map(|finding| finding.class)
            };
            assert_eq!(
                class(touching(&["a.service"])),
                touched,
                "touched: {was} -> {is}"
            );
            assert_eq!(class(touching(&[])), untouched, "untouched: {was} -> {is}");
        }
    }

    #[test]
    fn a_touched_unit_that_is_gone_breaks() {
        let before = unit("a.service", "ActiveState=active SubState=running");
        let findings = judge(&before, &Observation::empty(), &touching(&["a.service"]));
        assert_eq!(findings[0].class, Class::Breaks);
        assert!(findings[0].detail.contains("is gone now"), "{findings:?}");
    }

    #[test]
    fn patchds_own_units_do_not_count() {
        for name in [
            "patchd.service",
            "patchd-worker@3.service",
            "patchd-control.socket",
        ] {
            let before = unit(name, "ActiveState=active SubState=running");
            let after = unit(name, "ActiveState=failed SubState=failed");
            assert_eq!(judge(&before, &after, &touching(&[name])), [], "{name}");
        }
    }

    #[test]
    fn a_machine_without_systemd_is_said_once_and_never_fine() {
        let mut unknown = Observation::empty();
        unknown.units = Seen::Unknown("systemd does not run here".into());
        for (before, after) in [
            (&unknown, &unknown),
            (&Observation::empty(), &unknown),
            (&unknown, &Observation::empty()),
        ] {
            let findings = judge(before, after, &Touched::default());
            assert_eq!(findings.len(), 1);
            assert_eq!(findings[0].class, Class::Warns);
            assert!(findings[0].detail.contains("systemd does not run here"));
        }
    }
}
