//! What a boot loader's scripts will want of the machine itself, since they are
//! only noted down in a rehearsal. Looks, and changes nothing.

use std::path::Path;
use std::time::Duration;

use crate::model::Plan;
use crate::os::command::{Command, Runner};
use crate::os::files;

const GRUB_PROBE: &str = "/usr/sbin/grub-probe";

/// What grub-mkconfig wants to be told of `/` and `/boot`.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Where debconf keeps its answers.
const ANSWERS: &str = "var/cache/debconf/config.dat";
const ANSWERS_CAP: u64 = 64 << 20;

/// An EFI boot loader is some megabytes.
const ESP: &str = "boot/efi";
const ESP_ROOM: u64 = 16 << 20;

/// A system that boots by a loader of its own has one of these.
const LOADERS: [&str; 4] = [
    "boot/grub/grub.cfg",
    "boot/loader",
    "boot/efi/EFI",
    "etc/default/grub",
];

/// Packages whose scripts write the boot loader's configuration, or the loader.
const CONFIGURES: [&str; 3] = ["linux-image-", "grub", "initramfs-tools"];
const INSTALLS: [&str; 3] = ["grub-pc", "grub-efi", "shim"];

/// What is likely to go wrong with the boot loader, a sentence each.
pub async fn warnings(root: &Path, plan: &Plan, runner: &dyn Runner) -> Vec<String> {
    let mut warnings = Vec::new();
    if touches(plan, &CONFIGURES) && root.join("boot/grub/grub.cfg").exists() {
        for of in ["/", "/boot"] {
            warnings.extend(probe(root, of, runner).await);
        }
    }
    if touches(plan, &["grub-pc"]) {
        let answers = files::read_bounded(&root.join(ANSWERS), ANSWERS_CAP).unwrap_or_default();
        warnings.extend(missing_devices(root, &answers));
    }
    if touches(plan, &INSTALLS) {
        warnings.extend(full_esp(&root.join(ESP)));
    }
    warnings
}

/// What of a plan only a machine that runs can do, where it has a boot loader
/// that knows its devices: its configuration is what it was. A sentence.
#[must_use]
pub fn left_to_do(root: &Path, plan: &Plan) -> Option<String> {
    let has_loader = LOADERS.iter().any(|file| root.join(file).exists());
    if !has_loader || !(touches(plan, &CONFIGURES) || touches(plan, &INSTALLS)) {
        return None;
    }
    Some(
        "the boot loader's own steps cannot run in an image; run `update-grub`, or what the image has in its place, once it has booted or its devices are at hand"
            .to_owned(),
    )
}

fn touches(plan: &Plan, starts: &[&str]) -> bool {
    plan.changes().iter().any(|change| {
        let name = change.id.name.as_str();
        change.to.is_some() && starts.iter().any(|start| name.starts_with(start))
    })
}

/// grub-mkconfig gives up when it cannot tell which device a file system is on.
async fn probe(root: &Path, of: &str, runner: &dyn Runner) -> Option<String> {
    if !root.join(GRUB_PROBE.trim_start_matches('/')).exists() {
        return None;
    }
    let question = Command::new(GRUB_PROBE)
        .args(["--target=device", of])
        .timeout(TIMEOUT);
    let words = match runner.ask(&question).await {
        Ok(output) if output.status == 0 => return None,
        Ok(output) => output.last_words(),
        Err(cause) => cause.to_string(),
    };
    Some(format!(
        "update-grub is likely to fail: it cannot find the device of {of} ({words})"
    ))
}

/// Where grub-pc is to be installed, according to debconf.
fn missing_devices(root: &Path, answers: &str) -> Vec<String> {
    let asked = |stanza: &&str| {
        stanza
            .lines()
            .any(|line| line == "Name: grub-pc/install_devices")
    };
    let value = answers
        .split("\n\n")
        .find(asked)
        .and_then(|stanza| stanza.lines().find_map(|line| line.strip_prefix("Value: ")));
    let devices = value.unwrap_or_default().split(',').map(str::trim);
    devices
        .filter(|device| device.starts_with('/'))
        .filter(|device| !root.join(device.trim_start_matches('/')).exists())
        .map(|device| {
            format!(
                "grub-pc is to be installed on {device}, which is not there; run `dpkg-reconfigure grub-pc`"
            )
        })
        .collect()
}

fn full_esp(esp: &Path) -> Option<String> {
    let space = rustix::fs::statvfs(esp).ok()?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    (free < ESP_ROOM).then(|| {
        format!(
            "{} MB are free on /boot/efi, which may be too little for a new boot loader",
            free >> 20
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, PackageId, Version};
    use crate::os::command::replay::Replay;

    fn plan(name: &str) -> Plan {
        Plan::new(vec![Change {
            id: PackageId::parse(name, "amd64").expect("valid"),
            from: Version::try_from("1".to_owned()).ok(),
            to: Version::try_from("2".to_owned()).ok(),
        }])
    }

    #[test]
    fn an_install_device_that_is_gone_is_told() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(root.path().join("dev")).expect("made");
        std::fs::File::create(root.path().join("dev/sda")).expect("made");
        let answers = "Name: grub-pc/install_devices\nTemplate: grub-pc/install_devices\n\
            Value: /dev/sda, /dev/disk/by-id/gone\nOwners: grub-pc\n\nName: other\nValue: /dev/no\n";
        let told = missing_devices(root.path(), answers);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("/dev/disk/by-id/gone"), "{told:?}");
        assert!(missing_devices(root.path(), "").is_empty());
    }

    #[tokio::test]
    async fn grub_is_asked_only_where_it_configures_and_something_touches_it() {
        let root = tempfile::tempdir().expect("a folder");
        let silent = Replay::new();
        assert!(
            warnings(root.path(), &plan("linux-image-6.1.0-9-amd64"), &silent)
                .await
                .is_empty()
        );
        for folder in ["boot/grub", "usr/sbin"] {
            std::fs::create_dir_all(root.path().join(folder)).expect("made");
        }
        for file in ["boot/grub/grub.cfg", "usr/sbin/grub-probe"] {
            std::fs::File::create(root.path().join(file)).expect("made");
        }
        assert!(
            warnings(root.path(), &plan("nginx"), &silent)
                .await
                .is_empty()
        );
        let probe = |of: &str| {
            Command::new(GRUB_PROBE)
                .args(["--target=device", of])
                .timeout(TIMEOUT)
        };
        let words = "grub-probe: error: failed to get canonical path of `overlay'.\n";
        let runner = Replay::new().answer(&probe("/"), 1, "", words).answer(
            &probe("/boot"),
            0,
            "/dev/sda1\n",
            "",
        );
        let told = warnings(root.path(), &plan("linux-image-6.1.0-9-amd64"), &runner).await;
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("canonical path"), "{told:?}");
    }
}
