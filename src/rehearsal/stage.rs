//! What lies in `/run/rehearsal` inside the jail, where nothing of the machine
//! is: what to do, the stand-ins, and what comes of it.

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::note::SYSTEMCTL;
use crate::model::Plan;
use crate::os::command::{Command, Runner};
use crate::os::files;
use crate::os::jail::{FOLDER, PROGRAM, STAND_INS};
use crate::os::systemd::Relations;

/// What to do.
const SCRIPT: &str = "script.json";

/// The units of the machine as they were.
const UNITS: &str = "units.json";

/// Who invoke-rc.d and deb-systemd-invoke ask before they touch a service.
const POLICY_PATH: &str = "/usr/sbin/policy-rc.d";

/// Where the machine's own policy goes meanwhile.
const OWN_POLICY: &str = "own-policy-rc.d";

/// The largest script that is read, bytes: a plan of 10,000 packages and all units.
const CAP: u64 = 16 << 20;

/// tmpfiles of a server are made within moments.
const TMPFILES: Duration = Duration::from_mins(2);

/// What acts on a running machine, and is only noted down. systemctl does what
/// concerns files, and answers questions.
const NAMES: [&str; 45] = [
    SYSTEMCTL,
    // The boot loader sees no disk here.
    "grub-probe",
    "grub-install",
    "grub-mkconfig",
    "update-grub",
    "update-grub2",
    "grub-set-default",
    "grub-reboot",
    "efibootmgr",
    "bootctl",
    "flash-kernel",
    "zipl",
    "lilo",
    // Devices and mounts.
    "mount",
    "umount",
    "swapon",
    "swapoff",
    "losetup",
    "udevadm",
    "blockdev",
    // The kernel.
    "sysctl",
    "modprobe",
    "insmod",
    "rmmod",
    "apparmor_parser",
    "aa-teardown",
    "setenforce",
    "iptables",
    "iptables-restore",
    "ip6tables",
    "ip6tables-restore",
    "nft",
    "ebtables",
    "ipset",
    // Others who run.
    "loginctl",
    "hostnamectl",
    "timedatectl",
    "resolvectl",
    "networkctl",
    "busctl",
    "dbus-send",
    "telinit",
    "shutdown",
    "reboot",
    "chattr",
];

/// Those by which services are started. In a rehearsal they ask its policy; an
/// image has none of ours, and is not to have one.
const STARTERS: [&str; 4] = [
    "invoke-rc.d",
    "deb-systemd-invoke",
    "service",
    "start-stop-daemon",
];

/// What is done inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The transaction.
    pub plan: Plan,
    /// Set when it is a way back; in the words of whoever goes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_back: Option<Value>,
    /// What must pass after it if it passed before.
    pub checks: Vec<Check>,
}

/// A program that says by its exit status whether something is in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name in reports.
    pub name: String,
    /// An absolute program, and its arguments.
    pub argv: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// The folder, inside or, in tests, anywhere.
#[derive(Debug, Clone)]
pub struct Stage {
    folder: PathBuf,
}

impl Default for Stage {
    fn default() -> Self {
        Self::at(Path::new(FOLDER))
    }
}

/// What is laid into the folder before the jail is shut: names and contents.
pub fn laid(script: &Script, units: &Relations) -> serde_json::Result<[(PathBuf, Vec<u8>); 2]> {
    let at = |name: &str| Path::new(FOLDER).join(name);
    Ok([
        (at(SCRIPT), serde_json::to_vec(script)?),
        (at(UNITS), serde_json::to_vec(units)?),
    ])
}

/// What the preparation itself changes in the view, and the transaction does not.
#[must_use]
pub fn is_ours(path: &str) -> bool {
    path == POLICY_PATH
}

impl Stage {
    /// With another folder than the jail's.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// What to do.
    pub fn script(&self) -> std::io::Result<Script> {
        let text = files::read_bounded(&self.folder.join(SCRIPT), CAP)?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The units of the machine as they were.
    pub fn units(&self) -> std::io::Result<Relations> {
        let text = files::read_bounded(&self.folder.join(UNITS), CAP)?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Where the stand-ins are.
    #[must_use]
    pub fn stand_ins(&self) -> PathBuf {
        self.folder
            .join(Path::new(STAND_INS).file_name().unwrap_or_default())
    }

    /// Where stand-ins note down that they were called.
    #[must_use]
    pub fn notes(&self) -> PathBuf {
        self.folder.join("notes.jsonl")
    }

    /// Where the package manager leaves what it writes.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// The machine's own policy about services, if it has one.
    #[must_use]
    pub fn own_policy(&self) -> PathBuf {
        self.folder.join(OWN_POLICY)
    }

    /// Makes the stand-ins, and what services find below `/run`.
    pub async fn prepare(&self, runner: &dyn Runner) -> std::io::Result<()> {
        let folder = |path: &Path| DirBuilder::new().mode(0o755).create(path);
        folder(&self.run())?;
        folder(&self.stand_ins())?;
        for name in NAMES {
            stand_in(&self.stand_ins().join(name))?;
        }
        let policy = Path::new(POLICY_PATH);
        if policy.exists() {
            std::fs::copy(policy, self.own_policy())?;
            std::fs::remove_file(policy)?;
        }
        stand_in(policy)?;
        let tmpfiles = Command::new("/bin/systemd-tmpfiles")
            .args(["--create", "--prefix=/run"])
            .timeout(TMPFILES);
        // A line that it does not like is somebody else's fault, and so is a
        // machine without it.
        let _some_lines_failed = runner.ask(&tmpfiles).await;
        Ok(())
    }
}

/// Makes the stand-ins that lie in every jail of an image's programs: nothing of
/// it is started, and nothing that it would do to devices is done. Returns where.
pub fn lay_stand_ins() -> std::io::Result<PathBuf> {
    let folder = PathBuf::from(STAND_INS);
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&folder)?;
    for name in NAMES.into_iter().chain(STARTERS) {
        let path = folder.join(name);
        if !path.exists() {
            stand_in(&path)?;
        }
    }
    Ok(folder)
}

/// The kernel starts our program with the path of the stand-in behind it.
fn stand_in(path: &Path) -> std::io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o755)
        .open(path)?;
    writeln!(file, "#!{PROGRAM} rehearsal-stand-in")
}

#[cfg(test)]
mod tests {
    use super::super::note::POLICY;
    use super::*;

    #[test]
    fn every_stand_in_has_one_name() {
        let mut names = NAMES.to_vec();
        names.extend(STARTERS);
        names.push(POLICY);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NAMES.len() + STARTERS.len() + 1);
    }

    #[test]
    fn what_is_laid_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let stage = Stage::at(folder.path());
        let script = Script {
            plan: Plan::default(),
            way_back: None,
            checks: vec![Check {
                name: "true".to_owned(),
                argv: vec!["/bin/true".to_owned()],
                timeout: Duration::from_secs(1),
            }],
        };
        for (path, content) in laid(&script, &Relations::new()).expect("json") {
            let name = path.file_name().expect("a name");
            files::replace(&folder.path().join(name), &content, 0o600).expect("written");
        }
        assert_eq!(stage.script().expect("readable"), script);
        assert_eq!(stage.units().expect("readable"), Relations::new());
    }
}
