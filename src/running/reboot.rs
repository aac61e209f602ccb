//! Why a reboot is owed.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use super::boot::system_start;
use super::kernel::Kernel;
use super::restart::never;
use crate::model::{BootPart, LiveLook, OldCode, Owner};

/// One reason; as text a short phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owed {
    /// A newer kernel lies in `/boot`.
    Kernel {
        /// The one that runs.
        running: String,
        /// The newest one.
        newest: String,
    },
    /// A package that only a boot puts to use was replaced since the last one.
    Replaced(String),
    /// It runs old code and is never restarted by itself.
    Stale(OldCode),
}

impl Owed {
    /// The package behind it, as `/run/reboot-required.pkgs` names it.
    #[must_use]
    pub fn package(&self) -> Option<String> {
        match self {
            Self::Kernel { newest, .. } => Some(format!("linux-image-{newest}")),
            Self::Replaced(package) => Some(package.clone()),
            Self::Stale(_) => None,
        }
    }
}

impl fmt::Display for Owed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel { running, newest } => {
                write!(f, "kernel: {newest} is installed and {running} runs")
            }
            Self::Replaced(package) => write!(f, "{package}: replaced since boot"),
            Self::Stale(unit) => write!(f, "{unit}: runs old code until the next boot"),
        }
    }
}

/// Reasons; empty when no reboot is owed. A start time that cannot be read gives
/// no reason, since nothing can be compared with it.
#[must_use]
pub fn reboot_owed(root: &Path, kernel: &Kernel, live: Option<&LiveLook>) -> Vec<Owed> {
    let mut owed = Vec::new();
    if kernel.is_outdated() {
        let newest = kernel.newest_installed.as_deref().unwrap_or("a newer one");
        owed.push(Owed::Kernel {
            running: kernel.running.clone(),
            newest: newest.to_owned(),
        });
    }
    if let Some(started) = system_start() {
        let replaced = replaced_since(root, started, kernel.owned);
        owed.extend(replaced.into_iter().map(Owed::Replaced));
    }
    let stale = live.map(|look| look.old.as_slice()).unwrap_or_default();
    let stale = stale.iter().filter(|unit| only_a_boot_helps(unit));
    owed.extend(stale.cloned().map(Owed::Stale));
    owed
}

/// A person's session ends when he leaves, and a container is its engine's affair.
fn only_a_boot_helps(unit: &OldCode) -> bool {
    match unit.owner {
        Owner::Manager => true,
        Owner::Service => never::is_never_restarted(&unit.unit),
        Owner::User | Owner::Container | Owner::Nobody => false,
    }
}

fn replaced_since(root: &Path, started: SystemTime, owned: bool) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root.join("var/lib/dpkg/info")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let package = name.strip_suffix(".list")?.split(':').next()?.to_owned();
            let newer = || {
                entry
                    .metadata()
                    .and_then(|meta| meta.modified())
                    .is_ok_and(|at| at > started)
            };
            (needs_reboot(&package, owned) && newer()).then_some(package)
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What belongs to the kernel counts only where the kernel is this system's own.
fn needs_reboot(package: &str, owned: bool) -> bool {
    match BootPart::of(package) {
        Some(BootPart::System) => true,
        Some(BootPart::Hardware) => owned,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_library_that_only_sounds_alike_needs_no_reboot() {
        assert!(needs_reboot("libc6", true) && needs_reboot("firmware-linux", true));
        assert!(!needs_reboot("libc6-dev", true) && !needs_reboot("dbus-x11", true));
    }

    #[test]
    fn firmware_of_a_container_is_nobodys_reboot() {
        assert!(!needs_reboot("firmware-linux", false) && needs_reboot("libc6", false));
    }

    #[test]
    fn old_code_is_a_reason_only_where_nothing_but_a_boot_removes_it() {
        let table = [
            (Owner::Manager, "init.scope", true),
            (Owner::Service, "dbus.service", true),
            (Owner::Service, "nginx.service", false),
            (Owner::User, "session-3.scope", false),
            (Owner::Container, "docker-0af.scope", false),
            (Owner::Nobody, "sleep", false),
        ];
        for (owner, unit, expected) in table {
            let unit = OldCode {
                unit: unit.into(),
                owner,
                files: vec![],
            };
            assert_eq!(only_a_boot_helps(&unit), expected, "{unit}");
        }
    }

    #[test]
    fn only_what_changed_after_the_boot_is_a_reason() {
        let root = tempfile::tempdir().expect("a folder");
        let info = root.path().join("var/lib/dpkg/info");
        std::fs::create_dir_all(&info).expect("made");
        for name in ["libc6:amd64.list", "dbus.list", "nginx.list"] {
            crate::os::files::replace(&info.join(name), b"", 0o644).expect("written");
        }
        let hour = Duration::from_hours(1);
        let written = std::fs::metadata(info.join("dbus.list"))
            .and_then(|meta| meta.modified())
            .expect("there");
        assert_eq!(
            replaced_since(root.path(), written - hour, true),
            ["dbus", "libc6"]
        );
        assert!(replaced_since(root.path(), written + hour, true).is_empty());
    }
}
