//! Programs that would patch behind our back.

use std::path::Path;

/// Timers that patch when enabled: name, and where enabling leaves a link.
const TIMERS: [(&str, &str); 2] = [
    (
        "apt-daily-upgrade.timer",
        "/etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer",
    ),
    (
        "apt-daily.timer",
        "/etc/systemd/system/timers.target.wants/apt-daily.timer",
    ),
];

/// The rivals that are enabled on this machine.
#[must_use]
pub(super) fn active() -> Vec<String> {
    let enabled = TIMERS
        .iter()
        .filter(|(_, link)| Path::new(link).is_symlink());
    let mut rivals: Vec<String> = enabled.map(|(name, _)| (*name).to_owned()).collect();
    if Path::new("/usr/bin/unattended-upgrade").exists() && !rivals.is_empty() {
        rivals.push("unattended-upgrades".to_owned());
    }
    rivals
}
