//! Routes, names and the owner's probes: can others be reached, and are we?

use super::{comparable, finding};
use crate::model::{Class, Finding};
use crate::os::network::{Family, Route};
use crate::verify::observation::Observation;

/// A family that had a default route and has none. Another gateway is no loss.
pub(super) fn routes(before: &Observation, after: &Observation) -> Vec<Finding> {
    let (before, after) = match comparable(&before.routes, &after.routes, "route", "default") {
        Ok(both) => both,
        Err(unknown) => return vec![unknown],
    };
    [Family::Ipv4, Family::Ipv6]
        .into_iter()
        .filter_map(|family| {
            let of_family = |route: &&Route| route.family == family;
            let was = before.iter().find(of_family)?;
            if after.iter().any(|route| of_family(&route)) {
                return None;
            }
            let detail = format!(
                "the default route of {family} was {was} before the run and there is none now; \
                 see ip route and journalctl for what took it away"
            );
            let subject = format!("default {family}");
            Some(finding(Class::Breaks, "route", &subject, detail))
        })
        .collect()
}

/// Names resolved, and none does. One name alone may fail for its own reasons.
pub(super) fn resolver(before: &Observation, after: &Observation) -> Option<Finding> {
    let (before, after) = (&before.resolver, &after.resolver);
    if let Some(name) = &before.resolved
        && !after.asked.is_empty()
        && after.resolved.is_none()
    {
        let detail = format!(
            "{name} resolved before the run and {} not now; see /etc/resolv.conf and getent ahosts {name}",
            match after.asked.as_slice() {
                [only] if only == name => "does".to_owned(),
                asked => format!("{} do", asked.join(", ")),
            }
        );
        return Some(finding(Class::Breaks, "resolver", name, detail));
    }
    if after.asked.is_empty() && !before.servers.is_empty() && after.servers.is_empty() {
        let detail = "/etc/resolv.conf named servers before the run and names none now; \
                      see getent ahosts with a name of yours";
        let subject = "/etc/resolv.conf";
        return Some(finding(Class::Warns, "resolver", subject, detail.into()));
    }
    None
}

/// Probes that passed and fail.
pub(super) fn probes(before: &Observation, after: &Observation) -> Vec<Finding> {
    let passed = before.probes.iter().filter(|(_, attempt)| attempt.passed);
    passed
        .filter_map(|(name, was)| {
            let now = after.probes.get(name).filter(|now| !now.passed)?;
            let detail = format!(
                "probe {name} passed before the run ({}) and fails now: {}; \
                 try it by hand and see the logs of what it asks",
                was.detail, now.detail
            );
            Some(finding(Class::Breaks, "probe", name, detail))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::network::{parse_ipv6_route, parse_route};
    use crate::verify::observation::{Attempt, Resolver, Seen};

    const ROUTE: &str = include_str!("../../../tests/fixtures/network/route");
    const IPV6_ROUTE: &str = include_str!("../../../tests/fixtures/network/ipv6_route");

    fn routed(routes: Vec<Route>) -> Observation {
        Observation {
            routes: Seen::Known(routes),
            ..Observation::empty()
        }
    }

    #[test]
    fn a_lost_default_route_breaks_for_each_family() {
        let ipv4 = parse_route(ROUTE).expect("a real capture");
        let ipv6 = parse_ipv6_route(IPV6_ROUTE).expect("a real capture");
        let before = routed([ipv4, ipv6.clone()].concat());
        assert_eq!(routes(&before, &routed(vec![])).len(), 2);
        let findings = routes(&before, &routed(ipv6));
        assert_eq!(findings[0].class, Class::Breaks);
        assert_eq!(
            findings[0].detail,
            "the default route of IPv4 was via 192.0.2.1 dev v0 before the run and there is none \
             now; see ip route and journalctl for what took it away"
        );
    }

    #[test]
    fn another_gateway_is_no_loss_and_no_route_before_is_not_blamed() {
        let before = routed(parse_route(ROUTE).expect("a real capture"));
        let mut after = parse_route(ROUTE).expect("a real capture");
        after[0].gateway = "192.0.2.254".parse().unwrap();
        assert_eq!(routes(&before, &routed(after)), []);
        assert_eq!(routes(&routed(vec![]), &before), []);
        assert_eq!(routes(&routed(vec![]), &routed(vec![])), []);
    }

    #[test]
    fn routes_that_cannot_be_read_are_a_warning() {
        let mut after = routed(vec![]);
        after.routes = Seen::Unknown("cannot read /proc/net/route".into());
        assert_eq!(routes(&routed(vec![]), &after)[0].class, Class::Warns);
    }

    fn resolving(asked: &[&str], resolved: Option<&str>, servers: &[&str]) -> Observation {
        Observation {
            resolver: Resolver {
                servers: servers.iter().map(|text| text.parse().unwrap()).collect(),
                asked: asked.iter().map(|&name| name.to_owned()).collect(),
                resolved: resolved.map(str::to_owned),
            },
            ..Observation::empty()
        }
    }

    #[test]
    fn names_that_resolved_and_do_not_break() {
        let works = resolving(
            &["a.example", "b.example"],
            Some("a.example"),
            &["192.0.2.53"],
        );
        let fails = resolving(&["a.example", "b.example"], None, &["192.0.2.53"]);
        let other = resolving(&["a.example", "b.example"], Some("b.example"), &[]);
        let unknown = resolving(&[], None, &["192.0.2.53"]);
        let emptied = resolving(&[], None, &[]);
        let (warns, breaks) = (Some(Class::Warns), Some(Class::Breaks));
        let table = [
            (&works, &works, None),
            (&works, &fails, breaks),
            (&works, &other, None),
            (&works, &unknown, None),
            (&fails, &fails, None),
            (&unknown, &fails, None),
            (&unknown, &emptied, warns),
            (&emptied, &emptied, None),
        ];
        for (before, after, expected) in table {
            let class = resolver(before, after).map(|finding| finding.class);
            assert_eq!(class, expected, "{before:?} -> {after:?}");
        }
        let detail = resolver(&works, &fails).expect("breaks").detail;
        assert!(
            detail.contains("a.example, b.example do not now"),
            "{detail}"
        );
    }

    fn probed(passed: Option<bool>) -> Observation {
        let mut observation = Observation::empty();
        if let Some(passed) = passed {
            let detail = if passed { "HTTP 200" } else { "HTTP 502" }.to_owned();
            let attempt = Attempt { passed, detail };
            observation.probes.insert("site".into(), attempt);
        }
        observation
    }

    #[test]
    fn a_probe_is_blamed_only_when_it_passed_before() {
        for (before, after, blamed) in [
            (Some(true), Some(false), true),
            (Some(true), Some(true), false),
            (Some(true), None, false),
            (Some(false), Some(false), false),
            (None, Some(false), false),
        ] {
            let findings = probes(&probed(before), &probed(after));
            assert_eq!(!findings.is_empty(), blamed, "{before:?} -> {after:?}");
        }
        let detail = &probes(&probed(Some(true)), &probed(Some(false)))[0].detail;
        assert!(
            detail.contains("(HTTP 200) and fails now: HTTP 502"),
            "{detail}"
        );
    }
}
