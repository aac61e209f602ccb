//! Packages whose new version is only on disk until the machine is restarted.

/// Mapped by every process, by PID 1 too, or a service that cannot be restarted alone.
const SYSTEM: [&str; 8] = [
    "libc6",
    "libc6-amd64",
    "libc6-i386",
    "libc-bin",
    "dbus",
    "dbus-daemon",
    "dbus-broker",
    "libdbus-1-3",
];

/// What the kernel loads into the processor and into devices.
const HARDWARE: [&str; 3] = ["intel-microcode", "amd64-microcode", "linux-firmware"];

/// Names that begin so are loaded into devices too.
const FIRMWARE: &str = "firmware-";

/// Who puts a package to use at boot. Kernels themselves are told apart by
/// whoever knows their sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootPart {
    /// The system: processes and services.
    System,
    /// The kernel: in a container that is the host's affair.
    Hardware,
}

impl BootPart {
    /// The part that this package is; `None` when it is put to use without a reboot.
    #[must_use]
    pub fn of(package: &str) -> Option<Self> {
        if SYSTEM.contains(&package) {
            Some(Self::System)
        } else if HARDWARE.contains(&package) || package.starts_with(FIRMWARE) {
            Some(Self::Hardware)
        } else {
            None
        }
    }
}
