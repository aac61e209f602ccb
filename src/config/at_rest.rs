//! What of a configuration counts for an image that is patched from outside.

use super::checked::Settings;
use crate::model::Reboot;
use crate::policy::RestartWhen;

impl Settings {
    /// Without everything that is for a system that runs; with a sentence for
    /// each thing that somebody has asked for and does not get.
    #[must_use]
    pub fn at_rest(mut self) -> (Self, Vec<String>) {
        let mut told = Vec::new();
        let hooks: Vec<String> = self
            .hooks
            .programs
            .keys()
            .map(ToString::to_string)
            .collect();
        if !hooks.is_empty() {
            told.push(format!(
                "hooks are not run in an image: {}",
                hooks.join(", ")
            ));
        }
        self.hooks.programs.clear();
        let probes = self.verify.probes.iter().map(|probe| probe.name.as_str());
        let probes: Vec<&str> = probes.collect();
        if !probes.is_empty() {
            told.push(format!(
                "probes are not run in an image: {}",
                probes.join(", ")
            ));
        }
        self.verify.probes.clear();
        let conducts = self.policies.values_mut().map(|policy| &mut policy.conduct);
        let mut reboots = false;
        for conduct in conducts {
            reboots |= conduct.reboot != Reboot::Never;
            conduct.reboot = Reboot::Never;
        }
        if reboots {
            told.push("an image is not rebooted".to_owned());
        }
        self.restarts.when = RestartWhen::Never;
        (self, told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HookPoint;

    #[test]
    fn what_is_for_a_system_that_runs_is_left_out_and_told() {
        let mut settings = Settings::default();
        let programs = vec!["/etc/patchd/hooks/drain".to_owned()];
        settings
            .hooks
            .programs
            .insert(HookPoint::PreApply, programs);
        if let Some(policy) = settings.policies.get_mut("default") {
            policy.conduct.reboot = Reboot::Always;
        }
        let (rest, told) = settings.at_rest();
        assert!(rest.hooks.programs.is_empty());
        assert_eq!(rest.policies["default"].conduct.reboot, Reboot::Never);
        let expected = [
            "hooks are not run in an image: pre_apply",
            "an image is not rebooted",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_configuration_that_asks_for_none_of_it_is_left_alone() {
        let (rest, told) = Settings::default().at_rest();
        assert_eq!(told, [""; 0]);
        assert_eq!(rest.policies, Settings::default().policies);
    }
}
