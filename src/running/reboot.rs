//! Why a reboot is owed.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::kernel::Kernel;
use crate::model::BootPart;

/// Reasons, each a short phrase; empty when no reboot is owed. A start time that
/// cannot be read gives no reason, since nothing can be compared with it.
#[must_use]
pub fn reboot_reasons(root: &Path, kernel: &Kernel) -> Vec<String> {
    let mut reasons = Vec::new();
    if kernel.is_outdated() {
        let newest = kernel.newest_installed.as_deref().unwrap_or("a newer one");
        reasons.push(format!(
            "kernel: {newest} is installed and {} runs",
            kernel.running
        ));
    }
    if let Some(started) = system_start() {
        reasons.extend(
            replaced_since(root, started, kernel.owned)
                .into_iter()
                .map(|name| format!("{name}: replaced since boot")),
        );
    }
    reasons
}

/// When PID 1 started: in a container that is the container's boot.
fn system_start() -> Option<SystemTime> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let boot: u64 = stat
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    let init = crate::os::process::Process::of(1)?;
    let ticks = rustix::param::clock_ticks_per_second();
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(boot + init.start_time / ticks.max(1)))
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
