//! Programs that would patch behind our back.

use std::path::Path;

/// What patches on a Debian system when its timer fires.
const PROGRAM: &str = "/usr/bin/unattended-upgrade";

/// Where enabling the timer leaves a link, and masking it one to nowhere.
const ENABLED: &str = "/etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer";
const MASKED: &str = "/etc/systemd/system/apt-daily-upgrade.timer";

/// The rivals that are enabled on this machine. `apt-daily.timer` is none: it
/// only fetches lists.
#[must_use]
pub fn active() -> Vec<String> {
    let enabled = Path::new(PROGRAM).exists()
        && Path::new(ENABLED).is_symlink()
        && !Path::new(MASKED).is_symlink();
    let rival = "unattended-upgrades (apt-daily-upgrade.timer)".to_owned();
    if enabled { vec![rival] } else { Vec::new() }
}
