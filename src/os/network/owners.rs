//! Which processes hold a socket, out of `/proc/PID/fd`. Only root sees those
//! of others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::os::files::read_bounded;
use crate::os::systemd::unit_of_cgroup;

/// A process's cgroup and name are short; so is what we read of them.
const SMALL: u64 = 64 << 10;

/// A program that holds a socket. No pid: it changes with every restart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The process's name.
    pub process: String,
    /// The systemd unit it belongs to.
    pub unit: Option<String>,
}

/// The owners of each of these sockets. A process that ends while we look is
/// passed over.
pub(super) fn owners(root: &Path, inodes: &BTreeSet<u64>) -> BTreeMap<u64, BTreeSet<Owner>> {
    let mut found: BTreeMap<u64, BTreeSet<Owner>> = BTreeMap::new();
    let Ok(processes) = std::fs::read_dir(root.join("proc")) else {
        return found;
    };
    for process in processes.flatten() {
        let name = process.file_name();
        if !name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        let held = sockets_of(&process.path(), inodes);
        if held.is_empty() {
            continue;
        }
        let owner = describe(&process.path());
        for inode in held {
            found.entry(inode).or_default().insert(owner.clone());
        }
    }
    found
}

fn sockets_of(process: &Path, inodes: &BTreeSet<u64>) -> BTreeSet<u64> {
    let Ok(descriptors) = std::fs::read_dir(process.join("fd")) else {
        return BTreeSet::new();
    };
    descriptors
        .flatten()
        .filter_map(|descriptor| std::fs::read_link(descriptor.path()).ok())
        .filter_map(|target| socket_inode(target.to_str()?))
        .filter(|inode| inodes.contains(inode))
        .collect()
}

fn describe(process: &Path) -> Owner {
    let read = |file| read_bounded(&process.join(file), SMALL).unwrap_or_default();
    Owner {
        process: read("comm").trim_end().to_owned(),
        unit: unit_of_cgroup(&read("cgroup")).map(str::to_owned),
    }
}

/// `socket:[4711]` is 4711.
fn socket_inode(target: &str) -> Option<u64> {
    target
        .strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}
