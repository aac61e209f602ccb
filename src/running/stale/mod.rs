//! Who still runs code that was replaced on disk.

mod code;
mod owner;
mod script;

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::{OldCode, Owner};
use crate::os::process::{self, Process};
use crate::os::systemd;
use owner::{Surroundings, is_container, owner};

pub use code::{UnknownLine, replaced_code};

/// So many replaced files of a unit are named.
const NAMED: usize = 3;

/// Our own helpers: they are gone before anybody could restart them.
const OWN: [&str; 3] = ["patchd-worker@", "patchd-rehearse@", "patchd-feed@"];

/// One look at all processes.
#[derive(Debug, Default)]
pub struct Look {
    /// Who runs replaced code, sorted by name.
    pub stale: Vec<Stale>,
    /// Processes that could not be looked at, and run who knows what.
    pub unread: usize,
}

/// A unit with the processes that made it stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// What is to be told of it.
    pub code: OldCode,
    /// Its processes that run replaced code.
    pub processes: Vec<Process>,
}

impl Stale {
    /// Whether any of these processes is still there: a restart of something
    /// else may have ended them all.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.processes.iter().any(|process| process.is_alive())
    }
}

/// Looks at every process of this machine. Needs root: what it may not look at
/// is counted, never taken as current.
#[must_use]
pub fn look() -> Look {
    let me = std::process::id();
    let ours = process::pid_namespace(me);
    let around = Surroundings {
        systemd: systemd::is_running(Path::new("/")),
        contained: process::cgroup(me).is_ok_and(|it| is_container(&it)),
    };
    let mut units: BTreeMap<(Owner, String), Stale> = BTreeMap::new();
    let mut unread = 0;
    for pid in process::all() {
        if pid == me {
            continue;
        }
        match replaced(pid) {
            Ok(files) if files.is_empty() => {}
            Ok(files) => {
                // It may have ended meanwhile, and somebody else have its pid.
                let Some(process) = Process::of(pid) else {
                    continue;
                };
                let cgroup = process::cgroup(pid).unwrap_or_default();
                let foreign = process::pid_namespace(pid) != ours;
                let (owner, unit) = owner(pid, &cgroup, foreign, around);
                let unit = unit.unwrap_or_else(|| process::name(pid).unwrap_or_default());
                if !OWN.iter().any(|own| unit.starts_with(own)) {
                    add(&mut units, owner, unit, (process, files));
                }
            }
            Err(_) if Process::of(pid).is_none_or(|process| !process.is_alive()) => {}
            Err(_) => unread += 1,
        }
    }
    Look {
        stale: units.into_values().collect(),
        unread,
    }
}

fn add(
    units: &mut BTreeMap<(Owner, String), Stale>,
    owner: Owner,
    unit: String,
    (process, files): (Process, Vec<String>),
) {
    let stale = units.entry((owner, unit.clone())).or_insert_with(|| Stale {
        code: OldCode {
            unit,
            owner,
            files: Vec::new(),
        },
        processes: Vec::new(),
    });
    stale.processes.push(process);
    for file in files {
        if stale.code.files.len() < NAMED && !stale.code.files.contains(&file) {
            stale.code.files.push(file);
        }
    }
}

/// The replaced files that a process runs code of; its program stands first.
fn replaced(pid: u32) -> std::io::Result<Vec<String>> {
    // The kernel's own threads, and whoever has ended.
    let Some(program) = process::program(pid) else {
        return Ok(Vec::new());
    };
    let mut files: Vec<String> = code::replaced_file(&program)
        .map(str::to_owned)
        .into_iter()
        .collect();
    let maps = process::maps(pid)?;
    let mapped = replaced_code(&maps).map_err(std::io::Error::other)?;
    files.extend(mapped.into_iter().map(str::to_owned));
    if files.is_empty() {
        files.extend(script::replaced(pid, &program));
    }
    Ok(files)
}
