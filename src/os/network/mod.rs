//! What the machine's network looks like from inside: who listens, where
//! packets go by default, which resolvers are named. Read from `/proc` and
//! `/etc`; the parsers are pure and take text.

mod owners;
mod resolver;
mod routes;
mod sockets;

use std::path::{Path, PathBuf};

pub use owners::Owner;
pub use resolver::{parse_resolv_conf, resolvers, resolves};
pub use routes::{Family, Route, default_routes, parse_ipv6_route, parse_route};
pub use sockets::{
    Listener, PortRange, Protocol, Socket, listeners, parse_port_range, parse_sockets,
};

/// Half a million sockets; beyond it we say that we do not know.
const TABLE_CAP: u64 = 64 << 20;

/// Why the network cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A file of `/proc` or `/etc` cannot be read.
    #[error("cannot read {}: {cause}; check that it is there and readable", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// It holds something unexpected.
    #[error("{table} has the line {line:?}, which patchd cannot read; please report it")]
    Unreadable {
        /// Which table.
        table: &'static str,
        /// The line.
        line: String,
    },
}

fn read(path: &Path) -> Result<String, NetworkError> {
    super::files::read_bounded(path, TABLE_CAP).map_err(|cause| NetworkError::File {
        path: path.to_owned(),
        cause,
    })
}

/// As [`read`], but a kernel without IPv6 has no such table: that is an empty one.
fn read_if_there(path: &Path) -> Result<String, NetworkError> {
    match read(path) {
        Err(NetworkError::File { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
            Ok(String::new())
        }
        other => other,
    }
}

fn unreadable(table: &'static str, line: &str) -> NetworkError {
    NetworkError::Unreadable {
        table,
        line: line.trim().chars().take(200).collect(),
    }
}
