//! Which addresses are nobody else's: those that routers of the internet carry.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::exchange::Reach;

impl Reach {
    /// Whether this address of this host may be spoken to.
    pub(super) fn allows(&self, host: &str, address: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::PublicOnly { besides } => {
                let named = besides.iter().any(|it| it.eq_ignore_ascii_case(host));
                is_public(address) || (named && is_neighbour(address))
            }
        }
    }
}

/// Loopback, or private: what may be meant when it is named.
fn is_neighbour(address: IpAddr) -> bool {
    match unwrapped(address) {
        IpAddr::V4(it) => it.is_loopback() || it.is_private() || is_shared(it),
        IpAddr::V6(it) => it.is_loopback() || it.is_unique_local(),
    }
}

fn is_public(address: IpAddr) -> bool {
    match unwrapped(address) {
        IpAddr::V4(it) => is_public_v4(it),
        // What the registries have given out, without what leads elsewhere.
        IpAddr::V6(it) => match it.segments() {
            [0x2001, 0..0x200 | 0x0db8, ..] | [0x2002, ..] => false,
            [0x3fff, 0..0x1000, ..] => false,
            [first, ..] => first & 0xe000 == 0x2000,
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let never = matches!(
        address.octets(),
        [0 | 127 | 240..=255, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [198, 18 | 19, ..]
    );
    !(never
        || is_shared(address)
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast())
}

/// Between a provider and its customers.
fn is_shared(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [100, 64..=127, ..])
}

/// An IPv4 address in IPv6's clothes is what it is.
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(outer) = address else {
        return address;
    };
    translated(outer)
        .or(outer.to_ipv4_mapped())
        .map_or(address, IpAddr::V4)
}

/// Behind a translator's well-known prefix.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_public_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "100.63.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(address(public)), "{public}");
        }
        for other in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(other)), "{other}");
        }
    }

    #[test]
    fn a_neighbour_that_is_named_is_meant_and_link_local_never_is() {
        let reach = Reach::PublicOnly {
            besides: vec!["127.0.0.1".to_owned(), "Alerts.internal".to_owned()],
        };
        assert!(reach.allows("127.0.0.1", address("127.0.0.1")));
        assert!(reach.allows("alerts.internal", address("10.1.2.3")));
        assert!(!reach.allows("alerts.internal", address("169.254.169.254")));
        assert!(!reach.allows("alerts.internal", address("fe80::1")));
        assert!(!reach.allows("other.internal", address("10.1.2.3")));
        assert!(reach.allows("other.example", address("1.1.1.1")));
        assert!(Reach::Anywhere.allows("other.internal", address("10.1.2.3")));
    }
}
