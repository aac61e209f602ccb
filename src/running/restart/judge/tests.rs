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

fn process(pid: u32) -> Process {
    Process { pid, start_time: 7 }
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
        restarted: &BTreeMap::from([("again.service".to_owned(), vec![process(1)])]),
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
    let standing = |change: fn(&mut Standing)| {
        let mut standing = running();
        change(&mut standing);
        standing
    };
    let of_a_socket = standing(|it| it.triggered_by = vec!["x.socket".into()]);
    let job = standing(|it| {
        it.kind = "oneshot".into();
        it.active = ActiveState::Activating;
    });
    let done = standing(|it| it.kind = "oneshot".into());
    let table = [
        ("nginx.service", running(), None),
        ("dbus.service", running(), Some("a reboot")),
        ("myapp@1.service", running(), Some("`[restart] never`")),
        ("patchd.service", running(), Some("patchd itself")),
        ("backup.service", running(), Some("patchd itself")),
        ("again.service", running(), Some("outlived")),
        (
            "x.service",
            standing(|it| it.refuses = true),
            Some("refuses"),
        ),
        (
            "x.service",
            standing(|it| it.transient = true),
            Some("by hand"),
        ),
        ("x.service", job, Some("a job at work")),
        ("x.service", done, Some("would be done again")),
        ("rc-local.service", running(), Some("a reboot")),
        ("x@1-2.service", of_a_socket.clone(), Some("one connection")),
        ("x.service", of_a_socket, None),
        (
            "x.service",
            standing(|it| it.active = ActiveState::Failed),
            Some("not active"),
        ),
        (
            "x.service",
            standing(|it| it.active = ActiveState::Unknown),
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
fn a_unit_is_restarted_again_only_for_new_processes_with_old_code() {
    let mut unit = stale(Owner::Service, "again.service");
    for (pids, expected) in [(&[1][..], 0), (&[2], 1), (&[1, 2], 1)] {
        unit.processes = pids.iter().map(|&pid| process(pid)).collect();
        let standings = [("again.service", running())];
        let verdict = verdict(vec![unit.clone()], &standings, &Restarts::default());
        assert_eq!(verdict.due.len(), expected, "{pids:?}");
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
