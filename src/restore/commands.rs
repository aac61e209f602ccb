//! Values to argv: what dpkg is told on the way back.

use std::path::{Path, PathBuf};

use crate::model::PackageId;
use crate::os::command::Command;

const DPKG: &str = "/usr/bin/dpkg";

/// Where scripts find programs.
const SCRIPTS_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// What may be asked nobody, and what no dpkg.cfg may turn.
const FIRM: [&str; 4] = [
    "--no-force-confnew",
    "--no-force-confask",
    "--force-confdef",
    "--force-confold",
];

/// dpkg, under a lock that we hold for it: between its calls nobody comes in.
#[derive(Debug, Clone, Copy)]
pub struct Dpkg<'a> {
    /// What its scripts find before all other programs.
    pub stand_ins: Option<&'a Path>,
}

impl Dpkg<'_> {
    fn command(&self) -> Command {
        let path = self
            .stand_ins
            .map(|folder| format!("PATH={}:{SCRIPTS_PATH}", folder.display()));
        Command::new("/usr/bin/env")
            .arg("DPKG_FRONTEND_LOCKED=true")
            .args(path)
            .arg(DPKG)
    }

    /// Installs these package files, older ones too; whoever stands in the way
    /// for the moment is deconfigured.
    pub fn install(&self, files: &[PathBuf]) -> Command {
        self.command()
            .args(FIRM)
            .args(["--force-downgrade", "--auto-deconfigure", "--install"])
            .args(files.iter().map(|file| file.to_string_lossy()))
    }

    /// Configures what was only unpacked.
    pub fn configure(&self) -> Command {
        self.command().args(FIRM).args(["--configure", "--pending"])
    }

    /// Takes packages away, half-installed ones too. Their configuration stays: a
    /// script that purges may take along what another package has inherited.
    pub fn remove(&self, packages: &[PackageId]) -> Command {
        self.command()
            .args(["--force-remove-reinstreq", "--remove"])
            .args(packages.iter().map(ToString::to_string))
    }

    /// The same for kernels, which leave nothing that anybody inherits.
    pub fn purge(&self, packages: &[PackageId]) -> Command {
        self.command()
            .args(["--force-remove-reinstreq", "--purge"])
            .args(packages.iter().map(ToString::to_string))
    }
}

/// The cache of shared libraries.
pub fn ldconfig() -> Command {
    Command::new("/sbin/ldconfig")
}

/// Unit files may be others now.
pub fn reload_units() -> Command {
    Command::new("/bin/systemctl").arg("daemon-reload")
}
