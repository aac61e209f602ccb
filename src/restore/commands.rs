//! Values to argv: what dpkg is told on the way back.

use std::path::PathBuf;

use crate::model::PackageId;
use crate::os::command::Command;

const DPKG: &str = "/usr/bin/dpkg";

/// dpkg, under a lock that we hold for it: between its calls nobody comes in.
fn dpkg() -> Command {
    Command::new("/usr/bin/env").args(["DPKG_FRONTEND_LOCKED=true", DPKG])
}

/// What may be asked nobody, and what no dpkg.cfg may turn.
const FIRM: [&str; 4] = [
    "--no-force-confnew",
    "--no-force-confask",
    "--force-confdef",
    "--force-confold",
];

/// Installs these package files, older ones too; whoever stands in the way for
/// the moment is deconfigured.
pub fn install(files: &[PathBuf]) -> Command {
    dpkg()
        .args(FIRM)
        .args(["--force-downgrade", "--auto-deconfigure", "--install"])
        .args(files.iter().map(|file| file.to_string_lossy()))
}

/// Configures what was only unpacked.
pub fn configure() -> Command {
    dpkg().args(FIRM).args(["--configure", "--pending"])
}

/// Takes packages away, half-installed ones too. Their configuration stays: a
/// script that purges may take along what another package has inherited.
pub fn remove(packages: &[PackageId]) -> Command {
    dpkg()
        .args(["--force-remove-reinstreq", "--remove"])
        .args(packages.iter().map(ToString::to_string))
}

/// The same for kernels, which leave nothing that anybody inherits.
pub fn purge(packages: &[PackageId]) -> Command {
    dpkg()
        .args(["--force-remove-reinstreq", "--purge"])
        .args(packages.iter().map(ToString::to_string))
}

/// The cache of shared libraries.
pub fn ldconfig() -> Command {
    Command::new("/sbin/ldconfig")
}

/// Unit files may be others now.
pub fn reload_units() -> Command {
    Command::new("/bin/systemctl").arg("daemon-reload")
}
