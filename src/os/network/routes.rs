//! Default routes, out of `/proc/net/route` and `/proc/net/ipv6_route`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{NetworkError, read, read_if_there, unreadable};

/// Flags of the kernel's include/uapi/linux/route.h.
const UP: u32 = 0x1;
const REJECT: u32 = 0x200;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// A default route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    /// IPv4 or IPv6.
    pub family: Family,
    /// To whom packets are handed; unspecified on a link without a gateway.
    pub gateway: IpAddr,
    /// Out of which interface.
    pub interface: String,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.gateway.is_unspecified() {
            write!(f, "dev {}", self.interface)
        } else {
            write!(f, "via {} dev {}", self.gateway, self.interface)
        }
    }
}

/// The default routes of the machine below `root`.
pub fn default_routes(root: &Path) -> Result<Vec<Route>, NetworkError> {
    let mut routes = parse_route(&read(&root.join("proc/net/route"))?)?;
    let ipv6 = read_if_there(&root.join("proc/net/ipv6_route"))?;
    routes.extend(parse_ipv6_route(&ipv6)?);
    Ok(routes)
}

/// The default routes of `/proc/net/route`.
pub fn parse_route(text: &str) -> Result<Vec<Route>, NetworkError> {
    let mut routes = Vec::new();
    for line in text.lines().skip(1) {
        let line = Ipv4Line::read(line).ok_or_else(|| unreadable("/proc/net/route", line))?;
        let usable = line.flags & UP != 0 && line.flags & REJECT == 0;
        if usable && line.destination == 0 && line.mask == 0 {
            routes.push(Route {
                family: Family::Ipv4,
                // Printed as a number in the kernel's own byte order.
                gateway: Ipv4Addr::from(line.gateway.to_ne_bytes()).into(),
                interface: line.interface.to_owned(),
            });
        }
    }
    Ok(routes)
}

/// The default routes of `/proc/net/ipv6_route`, which has no heading.
pub fn parse_ipv6_route(text: &str) -> Result<Vec<Route>, NetworkError> {
    let mut routes = Vec::new();
    for line in text.lines() {
        let line = Ipv6Line::read(line).ok_or_else(|| unreadable("/proc/net/ipv6_route", line))?;
        let usable = line.flags & UP != 0 && line.flags & REJECT == 0;
        if usable && line.destination == 0 && line.prefix == 0 {
            routes.push(Route {
                family: Family::Ipv6,
                gateway: Ipv6Addr::from(line.gateway).into(),
                interface: line.interface.to_owned(),
            });
        }
    }
    Ok(routes)
}

struct Ipv4Line<'a> {
    interface: &'a str,
    destination: u32,
    gateway: u32,
    flags: u32,
    mask: u32,
}

impl<'a> Ipv4Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        Some(Self {
            interface: fields.next()?,
            destination: hex(fields.next()?)?,
            gateway: hex(fields.next()?)?,
            flags: hex(fields.next()?)?,
            // RefCnt, Use and Metric lie between.
            mask: hex(fields.nth(3)?)?,
        })
    }
}

struct Ipv6Line<'a> {
    destination: u128,
    prefix: u32,
    gateway: u128,
    flags: u32,
    interface: &'a str,
}

impl<'a> Ipv6Line<'a> {
    /// Destination, prefix, source, prefix, next hop, metric, two counters, flags, interface.
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        Some(Self {
            destination: u128::from_str_radix(fields.next()?, 16).ok()?,
            prefix: hex(fields.next()?)?,
            gateway: u128::from_str_radix(fields.nth(2)?, 16).ok()?,
            flags: hex(fields.nth(3)?)?,
            interface: fields.next()?,
        })
    }
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = include_str!("../../../tests/fixtures/network/route");
    const IPV6_ROUTE: &str = include_str!("../../../tests/fixtures/network/ipv6_route");
    const NO_IPV6: &str =
        include_str!("../../../tests/fixtures/network/ipv6_route-without-default");

    #[test]
    fn the_gateway_of_the_default_route_is_found() {
        let routes = parse_route(ROUTE).expect("a real capture");
        assert_eq!(routes.len(), 1);
        assert_eq!(routes[0].to_string(), "via 192.0.2.1 dev v0");
    }

    #[test]
    fn the_ipv6_gateway_is_found_and_the_unreachable_default_is_not_one() {
        let routes = parse_ipv6_route(IPV6_ROUTE).expect("a real capture");
        assert_eq!(routes.len(), 1);
        assert_eq!(routes[0].to_string(), "via 2001:db8::1 dev v0");
        assert_eq!(parse_ipv6_route(NO_IPV6).expect("a real capture"), []);
    }

    #[test]
    fn a_route_of_a_link_without_gateway_counts() {
        let line = "Iface\nwg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n";
        let routes = parse_route(line).expect("readable");
        assert_eq!(routes[0].to_string(), "dev wg0");
    }

    #[test]
    fn half_of_a_default_route_is_not_one() {
        let line = "Iface\ntun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n";
        assert_eq!(parse_route(line).expect("readable"), []);
    }

    #[test]
    fn a_broken_line_is_an_error_that_shows_it() {
        for text in ["Iface\neth0\tzz", "Iface\n\n"] {
            assert!(parse_route(text).is_err(), "{text:?}");
        }
        let error = parse_ipv6_route("not hex").expect_err("broken");
        assert!(error.to_string().contains("\"not hex\""), "{error}");
    }
}
