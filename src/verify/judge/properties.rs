//! What holds for any two observations.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;

use super::judge;
use crate::model::{Class, Finding};
use crate::os::network::{Family, Listener, Owner, Protocol, Route};
use crate::os::systemd::{ActiveState, Unit, Units};
use crate::verify::observation::{Attempt, Observation, Resolver, Seen};
use crate::verify::touched::Touched;

/// Few names, so that two observations speak of the same things.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a.service",
        "b@.service",
        "b@1.service",
        "c.socket",
        "init.scope",
        "patchd.service",
    ])
    .prop_map(str::to_owned)
}

fn state() -> impl Strategy<Value = ActiveState> {
    prop::sample::select(vec![
        ActiveState::Active,
        ActiveState::Reloading,
        ActiveState::Inactive,
        ActiveState::Failed,
        ActiveState::Activating,
        ActiveState::Unknown,
    ])
}

fn unit() -> impl Strategy<Value = Unit> {
    let sub = prop::sample::select(vec!["running", "exited", "dead", "auto-restart"]);
    (
        state(),
        sub,
        0..3_u32,
        any::<bool>(),
        prop::option::of(1..4_u16),
    )
        .prop_map(|(active, sub, restarts, ephemeral, port)| Unit {
            active,
            sub: sub.to_owned(),
            result: "success".to_owned(),
            kind: None,
            main_pid: None,
            fragment: None,
            restarts,
            ephemeral,
            listens: port.into_iter().collect(),
        })
}

fn address() -> impl Strategy<Value = IpAddr> {
    let all = ["0.0.0.0", "::", "127.0.0.1", "::1"];
    prop::sample::select(all.map(|text| text.parse().unwrap()).to_vec())
}

fn listener() -> impl Strategy<Value = Listener> {
    let protocol = prop::sample::select(vec![Protocol::Tcp, Protocol::Udp]);
    let owner = prop::option::of(name()).prop_map(|unit| Owner {
        process: "daemon".to_owned(),
        unit,
    });
    (protocol, address(), 1..4_u16, prop::option::of(owner)).prop_map(
        |(protocol, address, port, owner)| Listener {
            protocol,
            address,
            port,
            owners: owner.into_iter().collect(),
        },
    )
}

fn route() -> impl Strategy<Value = Route> {
    let family = prop::sample::select(vec![Family::Ipv4, Family::Ipv6]);
    (family, address()).prop_map(|(family, gateway)| Route {
        family,
        gateway,
        interface: "eth0".to_owned(),
    })
}

fn resolver() -> impl Strategy<Value = Resolver> {
    let names = prop::collection::vec("[ab]", 0..3);
    let servers = prop::collection::vec(address(), 0..2);
    (names, servers, any::<bool>()).prop_map(|(asked, servers, works)| Resolver {
        servers,
        resolved: asked.first().filter(|_| works).cloned(),
        asked,
    })
}

fn seen<T: std::fmt::Debug + Clone>(
    known: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Seen<T>> {
    prop_oneof![
        9 => known.prop_map(Seen::Known),
        1 => Just(Seen::Unknown("it was dark".to_owned())),
    ]
}

fn observation() -> impl Strategy<Value = Observation> {
    let attempt = any::<bool>().prop_map(|passed| Attempt {
        passed,
        detail: "seen".to_owned(),
    });
    (
        seen(prop::collection::btree_map(name(), unit(), 0..5)),
        seen(prop::collection::vec(listener(), 0..5)),
        seen(prop::collection::vec(route(), 0..3)),
        resolver(),
        prop::collection::btree_map("[pq]", attempt, 0..3),
    )
        .prop_map(|(units, listeners, routes, resolver, probes)| Observation {
            units,
            programs: BTreeMap::new(),
            listeners,
            routes,
            resolver,
            probes,
        })
}

fn touched() -> impl Strategy<Value = Touched> {
    prop::collection::btree_set(name(), 0..4).prop_map(|units| Touched { units })
}

/// The one thing that is said although nothing changed.
fn is_unknown(finding: &Finding) -> bool {
    finding.class == Class::Warns && finding.detail.contains("it was dark")
}

fn was_fine(before: &Observation, finding: &Finding) -> bool {
    let unit = |units: &Units| {
        let unit = units.get(&finding.subject);
        unit.is_none_or(|unit| unit.active != ActiveState::Failed)
    };
    match finding.check.as_str() {
        "unit" => before.units.known().is_some_and(unit),
        "probe" => before.probes[&finding.subject].passed,
        "route" => !before.routes.known().unwrap().is_empty(),
        "port" => !before.listeners.known().unwrap().is_empty(),
        "resolver" if finding.class == Class::Breaks => before.resolver.resolved.is_some(),
        _ => true,
    }
}

proptest! {
    #[test]
    fn a_machine_that_did_not_change_has_no_finding(x in observation(), touched in touched()) {
        let mut findings = judge(&x, &x, &touched);
        findings.retain(|finding| !is_unknown(finding));
        prop_assert_eq!(findings, []);
    }

    #[test]
    fn what_failed_before_is_never_blamed(
        before in observation(),
        after in observation(),
        touched in touched(),
    ) {
        let findings = judge(&before, &after, &touched);
        for finding in findings.iter().filter(|finding| !is_unknown(finding)) {
            prop_assert!(was_fine(&before, finding), "{:?}", finding);
        }
    }

    #[test]
    fn no_unit_breaks_that_the_run_did_not_touch(before in observation(), after in observation()) {
        let findings = judge(&before, &after, &Touched::default());
        let breaks = |finding: &&Finding| finding.class == Class::Breaks;
        for finding in findings.iter().filter(breaks) {
            prop_assert!(!["unit", "port"].contains(&finding.check.as_str()), "{:?}", finding);
        }
    }

    #[test]
    fn an_observation_comes_back_from_disk_as_it_was(x in observation()) {
        let text = serde_json::to_string(&x).expect("writable");
        prop_assert_eq!(serde_json::from_str::<Observation>(&text).expect("readable"), x);
    }
}
