//! What counts as a rival. Pure.

use crate::os::systemd::UnitFile;

/// Starts unattended-upgrades once a day.
pub(super) const UPGRADE_TIMER: &str = "apt-daily-upgrade.timer";
/// Can install while the machine shuts down.
pub(super) const SHUTDOWN: &str = "unattended-upgrades.service";
/// Installs what `PackageKit` has prepared, in a boot of its own.
pub(super) const OFFLINE: &str = "packagekit-offline-update.service";

/// What was seen on this machine. What could not be seen counts as switched on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// unattended-upgrades is installed.
    pub unattended: bool,
    /// `APT::Periodic::Unattended-Upgrade`, unless `APT::Periodic::Enable` is off.
    pub periodic: Option<String>,
    /// `Unattended-Upgrade::InstallOnShutdown`.
    pub on_shutdown: Option<String>,
    /// The units that could start something, by name; none where systemd does not run.
    pub units: Vec<(String, UnitFile)>,
    /// cron-apt is installed.
    pub cron_apt: bool,
}

/// Somebody who patches this machine, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// As a person knows it, with what starts it.
    pub name: String,
    /// What has to be switched off; `None` where only a person can.
    pub unit: Option<String>,
    /// Whether it may be stopped now: a timer, never what may be at work.
    pub stop: bool,
}

/// The rivals that are switched on. `apt-daily.timer` is none: it only fetches
/// lists, and cannot install anything.
#[must_use]
pub fn rivals(facts: &Facts) -> Vec<Rival> {
    let unit = |name: &str| {
        let mut units = facts.units.iter().filter(|(unit, _)| unit == name);
        units.next().map(|(_, file)| file)
    };
    let starts = |name: &str| {
        unit(name).is_some_and(|file| {
            let enabled = file.state.starts_with("enabled");
            !file.is_masked() && (enabled || file.active.is_up())
        })
    };
    let waits = |name: &str| unit(name).is_some_and(|file| file.exists() && !file.is_masked());
    let unattended = |when: &str, unit: &str, stop| Rival {
        name: format!("unattended-upgrades {when} ({unit})"),
        unit: Some(unit.to_owned()),
        stop,
    };
    let mut rivals = Vec::new();
    if facts.unattended && is_on(facts.periodic.as_deref(), true) && starts(UPGRADE_TIMER) {
        rivals.push(unattended("once a day", UPGRADE_TIMER, true));
    }
    if facts.unattended && is_on(facts.on_shutdown.as_deref(), false) && starts(SHUTDOWN) {
        rivals.push(unattended("at shutdown", SHUTDOWN, false));
    }
    if waits(OFFLINE) {
        rivals.push(Rival {
            name: format!("PackageKit's offline updates ({OFFLINE})"),
            unit: Some(OFFLINE.to_owned()),
            stop: false,
        });
    }
    if facts.cron_apt {
        rivals.push(Rival {
            name: "cron-apt (/etc/cron.d/cron-apt)".to_owned(),
            unit: None,
            stop: false,
        });
    }
    rivals
}

/// apt's words for yes and no; nothing at all is `unset`, and what could not be
/// asked is a yes.
fn is_on(value: Option<&str>, days: bool) -> bool {
    match value.map(str::trim) {
        None => true,
        Some("") => false,
        // A number of days, `always`, or `12h`.
        Some(word) if days => !matches!(word, "0" | "0d" | "0h" | "0m" | "0s"),
        Some(word) => matches!(
            word.to_ascii_lowercase().as_str(),
            "true" | "yes" | "on" | "with" | "enable" | "1"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::systemd::ActiveState;

    fn facts(periodic: &str, on_shutdown: &str, units: &[(&str, &str)]) -> Facts {
        let unit = |(name, state): &(&str, &str)| {
            let file = UnitFile {
                state: (*state).to_owned(),
                active: ActiveState::Inactive,
            };
            ((*name).to_owned(), file)
        };
        Facts {
            unattended: true,
            periodic: Some(periodic.to_owned()),
            on_shutdown: Some(on_shutdown.to_owned()),
            units: units.iter().map(unit).collect(),
            cron_apt: false,
        }
    }

    fn units(facts: &Facts) -> Vec<String> {
        rivals(facts).into_iter().filter_map(|it| it.unit).collect()
    }

    #[test]
    fn a_rival_is_switched_on_configured_and_installed() {
        let table: [(&str, &str, &str, bool); 8] = [
            ("1", "enabled", "the usual", true),
            ("always", "enabled", "always", true),
            ("12h", "enabled-runtime", "twice a day", true),
            ("0", "enabled", "apt says never", false),
            ("", "enabled", "apt says nothing", false),
            ("1", "disabled", "the timer is off", false),
            ("1", "masked", "the timer is masked", false),
            ("1", "", "there is no timer", false),
        ];
        for (periodic, state, what, expected) in table {
            let facts = facts(periodic, "", &[(UPGRADE_TIMER, state)]);
            assert_eq!(!units(&facts).is_empty(), expected, "{what}");
        }
        let mut without = facts("1", "", &[(UPGRADE_TIMER, "enabled")]);
        without.unattended = false;
        assert_eq!(rivals(&without), []);
    }

    #[test]
    fn what_runs_although_it_is_not_enabled_is_a_rival() {
        let mut facts = facts("1", "", &[(UPGRADE_TIMER, "disabled")]);
        facts.units[0].1.active = ActiveState::Active;
        assert_eq!(units(&facts), [UPGRADE_TIMER]);
    }

    #[test]
    fn what_apt_could_not_be_asked_counts_as_switched_on() {
        let unknown = Facts {
            periodic: None,
            ..facts("", "", &[(UPGRADE_TIMER, "enabled")])
        };
        assert_eq!(units(&unknown), [UPGRADE_TIMER]);
    }

    #[test]
    fn a_service_that_may_be_at_work_is_never_stopped() {
        let facts = facts("0", "true", &[(SHUTDOWN, "enabled"), (OFFLINE, "static")]);
        assert_eq!(units(&facts), [SHUTDOWN, OFFLINE]);
        assert!(rivals(&facts).iter().all(|rival| !rival.stop));
        let usual = super::tests::facts("0", "false", &[(SHUTDOWN, "enabled")]);
        assert_eq!(rivals(&usual), []);
    }

    #[test]
    fn what_only_a_person_can_switch_off_is_named() {
        let cron = Facts {
            cron_apt: true,
            ..facts("0", "", &[])
        };
        let rivals = rivals(&cron);
        assert_eq!(rivals[0].unit, None);
        assert!(rivals[0].name.contains("cron-apt"));
    }
}
