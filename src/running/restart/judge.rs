//! Which stale units are restarted, in which order, and why not the others. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::never::is_never_restarted;
use crate::model::{OldCode, Owner, StaleUnit};
use crate::os::systemd::{ActiveState, Standing};
use crate::policy::{RestartWhen, Restarts};
use crate::running::stale::Stale;

/// What stale units are held against, beside how they stand.
#[derive(Debug)]
pub struct Terms<'a> {
    /// What the configuration says.
    pub settings: &'a Restarts,
    /// The unit that we run in ourselves.
    pub own: Option<&'a str>,
    /// Units that this run has restarted already.
    pub restarted: &'a BTreeSet<String>,
    /// Whether anything may be restarted in this run.
    pub allowed: bool,
}

/// What becomes of the stale units.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// To be restarted, in this order.
    pub due: Vec<Stale>,
    /// Left as they are, and why.
    pub left: Vec<StaleUnit>,
}

pub(super) fn judge(
    stale: Vec<Stale>,
    terms: &Terms<'_>,
    standings: &BTreeMap<String, Standing>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for stale in stale {
        match obstacle(&stale, terms, standings.get(&stale.code.unit)) {
            None => verdict.due.push(stale),
            Some(why) => verdict.left.push(left(&stale.code, why)),
        }
    }
    verdict.due = in_order(verdict.due, standings);
    verdict
}

/// A unit that goes on with old code.
pub(super) fn left(code: &OldCode, why: &str) -> StaleUnit {
    let file = code.files.first().map_or("", String::as_str);
    let name = file.rsplit('/').next().unwrap_or(file);
    StaleUnit {
        unit: code.unit.clone(),
        why: format!("it runs an old {name}; {why}"),
    }
}

/// Why a unit is not restarted.
fn obstacle(stale: &Stale, terms: &Terms<'_>, standing: Option<&Standing>) -> Option<&'static str> {
    let unit = stale.code.unit.as_str();
    let named = terms.settings.never.iter().any(|glob| glob.matches(unit));
    match stale.code.owner {
        Owner::User => return Some("it belongs to somebody who is logged in; it ends with them"),
        Owner::Container => {
            return Some("it is a container; its own image is what has to be patched");
        }
        Owner::Nobody => return Some("it belongs to no service; restart it as it was started"),
        Owner::Manager | Owner::Service => {}
    }
    if terms.restarted.contains(unit) {
        return Some("it was restarted in this run, and processes of it outlived that");
    }
    if named {
        return Some("`[restart] never` names it; its owner restarts it");
    }
    if stale.code.owner == Owner::Service && is_never_restarted(unit) {
        return Some("too much hangs on it; a reboot brings the new code to life");
    }
    if is_own(unit) || terms.own == Some(unit) {
        return Some("patchd itself runs in it");
    }
    if terms.settings.when == RestartWhen::Never {
        return Some("`[restart] default` is \"never\"; its owner restarts it");
    }
    if !terms.allowed {
        return Some("this run restarts nothing; restart it, or leave it to the next window");
    }
    if stale.code.owner == Owner::Manager {
        return None;
    }
    let Some(standing) = standing else {
        return Some("systemd does not know it any more; end its processes by hand");
    };
    unfit(unit, standing)
}

fn unfit(unit: &str, standing: &Standing) -> Option<&'static str> {
    let of_a_socket = unit.contains('@')
        && standing
            .triggered_by
            .iter()
            .any(|trigger| trigger.ends_with(".socket"));
    if standing.refuses {
        Some("it refuses to be restarted by hand; a reboot restarts it")
    } else if standing.transient {
        Some("it was started by hand and cannot be started again by patchd; it ends by itself")
    } else if standing.kind == "oneshot" && standing.active == ActiveState::Activating {
        Some("it is a job at work; it ends by itself")
    } else if of_a_socket {
        Some("it serves one connection; it ends with it")
    } else if !standing.active.is_up() {
        Some("it is not active, and processes of it are left; end them by hand")
    } else {
        None
    }
}

fn is_own(unit: &str) -> bool {
    unit == "patchd.service" || unit.starts_with("patchd-")
}

/// systemd itself first, then each service behind those that it starts after.
/// Where they wait for each other the name decides.
fn in_order(due: Vec<Stale>, standings: &BTreeMap<String, Standing>) -> Vec<Stale> {
    let mut waiting: BTreeMap<(bool, String), Stale> = due
        .into_iter()
        .map(|it| ((it.code.owner != Owner::Manager, it.code.unit.clone()), it))
        .collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names: BTreeSet<&str> = waiting.keys().map(|(_, name)| name.as_str()).collect();
        let is_free = |(_, name): &&(bool, String)| {
            let after = standings.get(name).map(|it| it.after.as_slice());
            let mut after = after.unwrap_or_default().iter();
            !after.any(|other| other != name && names.contains(other.as_str()))
        };
        let next = waiting
            .keys()
            .find(is_free)
            .or_else(|| waiting.keys().next());
        let Some(next) = next.cloned() else { break };
        ordered.extend(waiting.remove(&next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Pattern;

    fn stale(owner: Owner, unit: &str) -> Stale {
        Stale {
            code: OldCode {
                unit: unit.into(),
                owner,
                files: vec!["/usr/lib/libssl.so.3".into()],
            },
            processes: vec![],
        }
    }

    fn running() -> Standing {
        Standing {
            active: ActiveState::Active,
            sub: "running".into(),
            result: "success".into(),
            kind: "simple".into(),
            transient: false,
            refuses: false,
            triggered_by: vec![],
            after: vec![],
        }
    }

    fn verdict(stale: Vec<Stale>, standings: &[(&str, Standing)], settings: &Restarts) -> Verdict {
        let standings = standings.iter().cloned();
        let standings: BTreeMap<String, Standing> =
            standings.map(|(name, it)| (name.to_owned(), it)).collect();
        let terms = Terms {
            settings,
            own: Some("backup.service"),
            restarted: &BTreeSet::from(["again.service".to_owned()]),
            allowed: true,
        };
        judge(stale, &terms, &standings)
    }

    fn due(verdict: &Verdict) -> Vec<&str> {
        verdict.due.iter().map(|it| it.code.unit.as_str()).collect()
    }

    /// What becomes of one service that stands like this.
    fn left(unit: &str, standing: Standing, settings: &Restarts) -> Option<String> {
        let verdict = verdict(
            vec![stale(Owner::Service, unit)],
            &[(unit, standing)],
            settings,
        );
        assert_eq!(verdict.due.len() + verdict.left.len(), 1);
        verdict.left.first().map(|it| it.why.clone())
    }

    #[test]
    fn a_plain_service_is_restarted_and_others_are_left_with_a_reason() {
        let settings = Restarts {
            when: RestartWhen::Now,
            never: vec![Pattern::parse("myapp@*.service").expect("valid")],
        };
        let table = [
            ("nginx.service", running(), None),
            ("dbus.service", running(), Some("a reboot")),
            ("myapp@1.service", running(), Some("`[restart] never`")),
            ("patchd.service", running(), Some("patchd itself")),
            ("backup.service", running(), Some("patchd itself")),
            ("again.service", running(), Some("outlived")),
            (
                "x.service",
                Standing {
                    refuses: true,
                    ..running()
                },
                Some("refuses"),
            ),
            (
                "x.service",
                Standing {
                    transient: true,
                    ..running()
                },
                Some("by hand"),
            ),
            (
                "x.service",
                Standing {
                    kind: "oneshot".into(),
                    active: ActiveState::Activating,
                    ..running()
                },
                Some("a job"),
            ),
            (
                "x@1-2.service",
                Standing {
                    triggered_by: vec!["x.socket".into()],
                    ..running()
                },
                Some("one connection"),
            ),
            (
                "x.service",
                Standing {
                    triggered_by: vec!["x.socket".into()],
                    ..running()
                },
                None,
            ),
            (
                "x.service",
                Standing {
                    active: ActiveState::Failed,
                    ..running()
                },
                Some("not active"),
            ),
            (
                "x.service",
                Standing {
                    active: ActiveState::Unknown,
                    ..running()
                },
                Some("not active"),
            ),
        ];
        for (unit, standing, expected) in table {
            let shown = format!("{unit} {standing:?}");
            let why = left(unit, standing, &settings);
            match expected {
                None => assert_eq!(why, None, "{shown}"),
                Some(word) => assert!(why.is_some_and(|why| why.contains(word)), "{shown}"),
            }
        }
    }

    #[test]
    fn with_never_nothing_is_restarted_not_even_systemd() {
        let settings = Restarts {
            when: RestartWhen::Never,
            never: vec![],
        };
        let both = vec![
            stale(Owner::Manager, "init.scope"),
            stale(Owner::Service, "nginx.service"),
        ];
        let verdict = verdict(both, &[("nginx.service", running())], &settings);
        assert_eq!((verdict.due.len(), verdict.left.len()), (0, 2));
    }

    #[test]
    fn persons_containers_and_strangers_are_never_touched() {
        for owner in [Owner::User, Owner::Container, Owner::Nobody] {
            let unit = stale(owner, "nginx.service");
            let verdict = verdict(
                vec![unit],
                &[("nginx.service", running())],
                &Restarts::default(),
            );
            assert_eq!(due(&verdict), Vec::<&str>::new(), "{owner:?}");
        }
    }

    #[test]
    fn a_service_that_systemd_does_not_know_is_left() {
        let unit = stale(Owner::Service, "gone.service");
        let verdict = verdict(vec![unit], &[], &Restarts::default());
        assert_eq!(due(&verdict), Vec::<&str>::new());
    }

    #[test]
    fn systemd_comes_first_and_each_service_after_those_it_starts_after() {
        let after = |units: &[&str]| Standing {
            after: units.iter().map(|&unit| unit.to_owned()).collect(),
            ..running()
        };
        let standings = [
            ("a.service", after(&["c.service", "basic.target"])),
            ("b.service", after(&["a.service", "b.service"])),
            ("c.service", after(&["network.target"])),
            ("x.service", after(&["y.service"])),
            ("y.service", after(&["x.service"])),
        ];
        let mut stale: Vec<Stale> = standings
            .iter()
            .map(|(unit, _)| stale(Owner::Service, unit))
            .collect();
        stale.push(super::tests::stale(Owner::Manager, "init.scope"));
        let verdict = verdict(stale, &standings, &Restarts::default());
        assert_eq!(
            due(&verdict),
            [
                "init.scope",
                "c.service",
                "a.service",
                "b.service",
                "x.service",
                "y.service"
            ]
        );
    }
}
