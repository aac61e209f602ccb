//! Ports that somebody listened on.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{comparable, finding, is_own};
use crate::model::{Class, Finding};
use crate::os::network::{Listener, Protocol};
use crate::os::systemd::{Units, type_of};
use crate::verify::observation::Observation;
use crate::verify::touched::Touched;

/// Below it a port is chosen by hand; above it a UDP socket may as well be a
/// resolver's own question, bound to a random port.
const PRIVILEGED: u16 = 1024;

/// `explained`: the findings about units, which need not be said again as ports.
pub(super) fn judge(
    before: &Observation,
    after: &Observation,
    touched: &Touched,
    explained: &[Finding],
) -> Vec<Finding> {
    let (was, is) = match comparable(
        &before.listeners,
        &after.listeners,
        "port",
        "listening ports",
    ) {
        Ok(both) => both,
        Err(unknown) => return vec![unknown],
    };
    let none = Units::new();
    let units = before.units.known().unwrap_or(&none);
    was.iter()
        .filter(|port| !is.iter().any(|other| covers(other, port, was)))
        .filter_map(|port| {
            let owners = Owners::of(port, units);
            lost(port, &owners, units, touched)
                .filter(|finding| !owners.explain(finding, explained))
        })
        .collect()
}

/// The units behind a port.
struct Owners<'a> {
    units: BTreeSet<&'a str>,
}

impl<'a> Owners<'a> {
    /// What PID 1 itself holds belongs to the socket units with that port.
    fn of(port: &'a Listener, units: &'a Units) -> Self {
        let mut found: BTreeSet<&str> = port
            .owners
            .iter()
            .filter_map(|owner| owner.unit.as_deref())
            .collect();
        if found.remove("init.scope") {
            let sockets = units
                .iter()
                .filter(|(_, unit)| unit.listens.contains(&port.port));
            found.extend(sockets.map(|(name, _)| name.as_str()));
        }
        Self { units: found }
    }

    /// A unit's finding says as much as its port's, unless it weighs less.
    fn explain(&self, port: &Finding, explained: &[Finding]) -> bool {
        explained
            .iter()
            .any(|unit| unit.class >= port.class && self.units.contains(unit.subject.as_str()))
    }

    fn all(&self, is: impl Fn(&str) -> bool) -> bool {
        !self.units.is_empty() && self.units.iter().all(|unit| is(unit))
    }
}

fn lost(port: &Listener, owners: &Owners<'_>, units: &Units, touched: &Touched) -> Option<Finding> {
    if owners.all(is_own) {
        return None;
    }
    let to_blame = owners.units.iter().any(|unit| touched.contains(unit));
    if !to_blame && owners.all(|unit| comes_and_goes(unit, units)) {
        return None;
    }
    let deliberate = port.protocol == Protocol::Tcp || port.port < PRIVILEGED;
    let class = if to_blame && deliberate {
        Class::Breaks
    } else {
        Class::Warns
    };
    let detail = format!(
        "{} listened on {port} before the run and nothing does now; {}",
        who(port),
        advice(owners)
    );
    Some(finding(class, "port", &port.to_string(), detail))
}

/// People's sessions, containers and jobs end when they end.
fn comes_and_goes(unit: &str, units: &Units) -> bool {
    type_of(unit) == "scope" || units.get(unit).is_some_and(|unit| unit.ephemeral)
}

fn who(port: &Listener) -> String {
    let names: BTreeSet<&str> = port
        .owners
        .iter()
        .map(|owner| owner.unit.as_deref().unwrap_or(&owner.process))
        .collect();
    if names.is_empty() {
        return "somebody".to_owned();
    }
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn advice(owners: &Owners<'_>) -> String {
    owners.units.first().map_or_else(
        || "see ss -lntup for who listens now".to_owned(),
        |unit| format!("see journalctl -u {unit}"),
    )
}

/// Whether whoever could reach `lost` can reach `other` in its stead.
fn covers(other: &Listener, lost: &Listener, before: &[Listener]) -> bool {
    if (other.protocol, other.port) != (lost.protocol, lost.port) {
        return false;
    }
    let all_ipv4 = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let all = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    match (other.address, lost.address) {
        (other, lost) if other == lost => true,
        (other, IpAddr::V4(_)) if other == all_ipv4 => true,
        (other, IpAddr::V6(_)) if other == all => true,
        // [::] takes IPv4 as well, unless it stood beside an IPv4 listener before.
        (other, IpAddr::V4(_)) if other == all => !before.iter().any(|beside| {
            (beside.protocol, beside.port, beside.address) == (lost.protocol, lost.port, all)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::network::Owner;
    use crate::os::systemd::parse_show;
    use crate::verify::observation::Seen;

    fn listener(text: &str, unit: Option<&str>) -> Listener {
        let (protocol, at) = text.split_once(' ').unwrap();
        let at: std::net::SocketAddr = at.parse().unwrap();
        let owner = unit.map(|unit| Owner {
            process: "daemon".into(),
            unit: Some(unit.into()),
        });
        Listener {
            protocol: if protocol == "tcp" {
                Protocol::Tcp
            } else {
                Protocol::Udp
            },
            address: at.ip(),
            port: at.port(),
            owners: owner.into_iter().collect(),
        }
    }

    fn machine(listeners: Vec<Listener>) -> Observation {
        let units = "Id=ssh.socket\nActiveState=active\nListen=[::]:22 (Stream)\n\n\
                     Id=job.service\nActiveState=active\nTransient=yes\n";
        Observation {
            units: Seen::Known(parse_show(units).unwrap()),
            listeners: Seen::Known(listeners),
            ..Observation::empty()
        }
    }

    fn touched() -> Touched {
        Touched {
            units: ["web.service", "ssh.socket"].map(str::to_owned).into(),
        }
    }

    #[test]
    fn each_lost_port_has_its_class() {
        let (warns, breaks) = (Some(Class::Warns), Some(Class::Breaks));
        let table = [
            ("tcp 0.0.0.0:80", Some("web.service"), breaks),
            ("tcp 127.0.0.1:8080", Some("web.service"), breaks),
            ("udp [::]:53", Some("web.service"), breaks),
            ("udp 0.0.0.0:20000", Some("web.service"), warns),
            ("tcp [::]:22", Some("init.scope"), breaks),
            ("tcp [::]:23", Some("init.scope"), warns),
            ("tcp [::]:80", Some("other.service"), warns),
            ("tcp [::]:2049", None, warns),
            ("tcp [::]:3000", Some("session-1.scope"), None),
            ("tcp [::]:3000", Some("job.service"), None),
            ("tcp [::]:7443", Some("patchd-hub.service"), None),
        ];
        for (port, unit, expected) in table {
            let before = machine(vec![listener(port, unit)]);
            let findings = judge(&before, &machine(vec![]), &touched(), &[]);
            let class = findings.first().map(|finding| finding.class);
            assert_eq!(class, expected, "{port} of {unit:?}");
        }
    }

    #[test]
    fn the_finding_says_who_listened_where_and_where_to_look() {
        let before = machine(vec![listener("tcp 0.0.0.0:80", Some("web.service"))]);
        let findings = judge(&before, &machine(vec![]), &touched(), &[]);
        assert_eq!(findings[0].subject, "tcp 0.0.0.0:80");
        assert_eq!(
            findings[0].detail,
            "web.service listened on tcp 0.0.0.0:80 before the run and nothing does now; \
             see journalctl -u web.service"
        );
    }

    #[test]
    fn a_wider_listener_stands_in_for_a_narrower_one() {
        let table: [(&[&str], &[&str], usize); 7] = [
            (&["tcp 127.0.0.1:80"], &["tcp 0.0.0.0:80"], 0),
            (&["tcp 0.0.0.0:80"], &["tcp [::]:80"], 0),
            (&["tcp [::1]:80"], &["tcp [::]:80"], 0),
            (&["tcp 0.0.0.0:80", "tcp [::]:80"], &["tcp [::]:80"], 1),
            (&["tcp 0.0.0.0:80"], &["tcp 127.0.0.1:80"], 1),
            (&["tcp [::]:80"], &["tcp 0.0.0.0:80"], 1),
            (&["tcp 0.0.0.0:80"], &["udp 0.0.0.0:80"], 1),
        ];
        for (was, is, expected) in table {
            let all = |ports: &[&str]| {
                machine(
                    ports
                        .iter()
                        .map(|port| listener(port, Some("web.service")))
                        .collect(),
                )
            };
            let findings = judge(&all(was), &all(is), &touched(), &[]);
            assert_eq!(findings.len(), expected, "{was:?} -> {is:?}");
        }
    }

    #[test]
    fn a_new_port_is_no_finding() {
        let after = machine(vec![listener("tcp 0.0.0.0:80", Some("web.service"))]);
        assert_eq!(judge(&machine(vec![]), &after, &touched(), &[]), []);
    }

    #[test]
    fn the_port_of_a_broken_unit_is_not_said_again_but_a_warning_does_not_hide_it() {
        let before = machine(vec![listener("tcp 0.0.0.0:80", Some("web.service"))]);
        let now = machine(vec![]);
        let findings = |class| {
            let unit = finding(class, "unit", "web.service", "not well".into());
            judge(&before, &now, &touched(), &[unit])
        };
        assert_eq!(findings(Class::Breaks), []);
        assert_eq!(findings(Class::Warns)[0].class, Class::Breaks);
    }
}
