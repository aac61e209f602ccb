//! Listening sockets, out of `/proc/net/{tcp,tcp6,udp,udp6}`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::owners::{Owner, owners};
use super::{NetworkError, read, read_if_there, unreadable};

/// How a port is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A socket that waits for others to speak first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The local address; unspecified means all.
    pub address: IpAddr,
    /// The local port.
    pub port: u16,
    /// The kernel's number for it.
    pub inode: u64,
}

/// A port somebody listens on, and who that is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listener {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The local address; unspecified means all.
    pub address: IpAddr,
    /// The local port.
    pub port: u16,
    /// The processes that hold it; empty when we may not see them or the kernel itself listens.
    pub owners: BTreeSet<Owner>,
}

/// Ports that the kernel gives to whoever asks for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

impl PortRange {
    /// Whether the port is one of them.
    #[must_use]
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = std::net::SocketAddr::new(self.address, self.port);
        write!(f, "{} {at}", self.protocol)
    }
}

/// Who listens on the machine below `root`, on ports that are theirs on purpose
/// (not out of the ephemeral range), over all of the time that `pause` takes:
/// what comes and goes, such as the sockets of a resolver's own questions, is
/// not a service.
pub async fn listeners(
    root: &Path,
    pause: impl Future<Output = ()>,
) -> Result<Vec<Listener>, NetworkError> {
    let first = lasting_sockets(root)?;
    pause.await;
    let again = lasting_sockets(root)?;
    let sockets: BTreeSet<Socket> = first.intersection(&again).cloned().collect();
    let inodes = sockets.iter().map(|socket| socket.inode).collect();
    let mut owned = owners(root, &inodes);
    // Several sockets share a port under SO_REUSEPORT: one port all the same.
    let mut listeners: BTreeMap<(Protocol, IpAddr, u16), BTreeSet<Owner>> = BTreeMap::new();
    for socket in sockets {
        listeners
            .entry((socket.protocol, socket.address, socket.port))
            .or_default()
            .extend(owned.remove(&socket.inode).unwrap_or_default());
    }
    Ok(listeners
        .into_iter()
        .map(|((protocol, address, port), owners)| Listener {
            protocol,
            address,
            port,
            owners,
        })
        .collect())
}

fn lasting_sockets(root: &Path) -> Result<BTreeSet<Socket>, NetworkError> {
    let range = parse_port_range(&read(&root.join("proc/sys/net/ipv4/ip_local_port_range"))?)?;
    let mut sockets = parse_sockets(Protocol::Tcp, &read(&root.join("proc/net/tcp"))?)?;
    sockets.extend(parse_sockets(
        Protocol::Udp,
        &read(&root.join("proc/net/udp"))?,
    )?);
    for (protocol, path) in [
        (Protocol::Tcp, "proc/net/tcp6"),
        (Protocol::Udp, "proc/net/udp6"),
    ] {
        sockets.extend(parse_sockets(protocol, &read_if_there(&root.join(path))?)?);
    }
    sockets.retain(|socket| !range.contains(socket.port));
    Ok(sockets.into_iter().collect())
}

/// The sockets of one table that listen (TCP) or are bound and not connected
/// (UDP). IPv4 and IPv6 tables differ only in the length of an address.
pub fn parse_sockets(protocol: Protocol, text: &str) -> Result<Vec<Socket>, NetworkError> {
    let mut sockets = Vec::new();
    for line in text.lines().skip(1) {
        sockets.extend(socket(protocol, line).ok_or_else(|| unreadable("/proc/net", line))?);
    }
    Ok(sockets)
}

/// `/proc/sys/net/ipv4/ip_local_port_range`: two numbers.
pub fn parse_port_range(text: &str) -> Result<PortRange, NetworkError> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(Ok(first)), Some(Ok(last)), None) => Ok(PortRange { first, last }),
        _ => Err(unreadable("ip_local_port_range", text)),
    }
}

/// `None`: not readable. `Some(None)`: a socket of another state.
#[expect(
    clippy::option_option,
    reason = "unreadable and uninteresting are two answers, and this one is private"
)]
fn socket(protocol: Protocol, line: &str) -> Option<Option<Socket>> {
    let mut fields = line.split_ascii_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    let (address, port) = local.split_once(':')?;
    let socket = Socket {
        protocol,
        address: address_of(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
        inode,
    };
    // States of the kernel's include/net/tcp_states.h: 0A listens, 07 is closed,
    // which is how a UDP socket without a peer looks.
    let waits = match protocol {
        Protocol::Tcp => state == "0A",
        Protocol::Udp => state == "07" && socket.port != 0,
    };
    Some(waits.then_some(socket))
}

/// The kernel prints each 32-bit word of an address as a number in its own byte order.
fn address_of(hex: &str) -> Option<IpAddr> {
    if !hex.is_ascii() {
        return None;
    }
    let word = |at: usize| {
        let digits = hex.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    match hex.len() {
        8 => word(0).map(|bytes| Ipv4Addr::from(bytes).into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = include_str!("../../../tests/fixtures/network/tcp");
    const TCP6: &str = include_str!("../../../tests/fixtures/network/tcp6");
    const UDP: &str = include_str!("../../../tests/fixtures/network/udp");
    const UDP6: &str = include_str!("../../../tests/fixtures/network/udp6");

    fn read(protocol: Protocol, text: &str) -> Vec<String> {
        parse_sockets(protocol, text)
            .expect("a real capture")
            .iter()
            .map(|socket| std::net::SocketAddr::new(socket.address, socket.port).to_string())
            .collect()
    }

    #[test]
    fn listening_sockets_are_found_and_connections_are_not() {
        let expected = [
            "192.0.2.10:8080",
            "0.0.0.0:53",
            "0.0.0.0:80",
            "127.0.0.1:5432",
        ];
        assert_eq!(read(Protocol::Tcp, TCP), expected);
    }

    #[test]
    fn the_bytes_of_an_ipv6_address_come_in_the_right_order() {
        let expected = [
            "[2001:db8::a:10]:8443",
            "[::]:53",
            "[::]:22",
            "[::]:80",
            "[::1]:5432",
        ];
        assert_eq!(read(Protocol::Tcp, TCP6), expected);
    }

    #[test]
    fn a_connected_udp_socket_is_no_service() {
        assert_eq!(read(Protocol::Udp, UDP), ["0.0.0.0:53"]);
        assert_eq!(read(Protocol::Udp, UDP6), ["[::]:53"]);
    }

    #[test]
    fn a_broken_line_is_an_error_that_shows_it() {
        for line in [
            "0: 0:1",
            "0: 00000000:ZZ 0 0A 0 0 0 0 0 1",
            "0: é0000000:1 0 0A 0 0 0 0 0 1",
        ] {
            let error = parse_sockets(Protocol::Tcp, &format!("heading\n{line}\n"));
            assert!(
                error
                    .expect_err(line)
                    .to_string()
                    .contains("patchd cannot read")
            );
        }
    }

    #[test]
    fn the_ephemeral_range_has_both_its_ends() {
        let range = parse_port_range("32768\t60999\n").expect("readable");
        assert_eq!(
            [32767, 32768, 60999, 61000].map(|port| range.contains(port)),
            [false, true, true, false]
        );
        for bad in ["", "1", "1 2 3", "1 70000"] {
            assert!(parse_port_range(bad).is_err(), "{bad:?}");
        }
    }

    /// A machine below a folder: two looks at its sockets, and one process.
    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        let proc = root.path().join("proc");
        for folder in ["net", "sys/net/ipv4", "61/fd", "self"] {
            std::fs::create_dir_all(proc.join(folder)).expect("a folder");
        }
        let put = |file: &str, text: &str| {
            crate::os::files::replace(&proc.join(file), text.as_bytes(), 0o600).expect("written");
        };
        put("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
        put("net/tcp", TCP);
        put("net/udp", UDP);
        put("61/comm", "nginx\n");
        put("61/cgroup", "0::/system.slice/nginx.service\n");
        std::os::unix::fs::symlink("socket:[215570]", proc.join("61/fd/7")).expect("a link");
        std::os::unix::fs::symlink("/dev/null", proc.join("61/fd/8")).expect("a link");
        root
    }

    #[tokio::test]
    async fn a_listener_has_the_unit_that_holds_it() {
        let root = machine();
        let found = listeners(root.path(), async {}).await.expect("readable");
        let port = |number| found.iter().find(|listener| listener.port == number);
        let owner = Owner {
            process: "nginx".into(),
            unit: Some("nginx.service".into()),
        };
        assert_eq!(port(80).expect("listens").owners, BTreeSet::from([owner]));
        assert_eq!(port(5432).expect("listens").owners, BTreeSet::new());
    }

    #[tokio::test]
    async fn what_does_not_last_is_no_service() {
        let root = machine();
        let table = root.path().join("proc/net/udp");
        let heading = UDP.lines().next().expect("a heading");
        let pause = async {
            crate::os::files::replace(&table, heading.as_bytes(), 0o600).expect("written");
        };
        let found = listeners(root.path(), pause).await.expect("readable");
        assert!(
            found
                .iter()
                .all(|listener| listener.protocol == Protocol::Tcp)
        );
        assert_eq!(found.len(), 4);
    }

    #[tokio::test]
    async fn a_machine_without_tables_is_unknown_not_silent() {
        let root = tempfile::tempdir().expect("a folder");
        assert!(listeners(root.path(), async {}).await.is_err());
    }
}
