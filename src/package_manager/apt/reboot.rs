//! Which packages take effect only after a reboot.

use crate::model::{BootPart, PackageName};

/// Images, modules and headers belong together: who treats kernels apart means all of them.
const KERNEL_PACKAGES: [&str; 3] = ["linux-image", "linux-modules", "linux-headers"];

/// Sources that build nothing but images and what pulls them in. `linux` itself
/// also builds tools such as `linux-libc-dev`, so it is told by package names.
const KERNEL_SOURCES: [&str; 4] = [
    "linux-signed",
    "linux-latest",
    "linux-meta",
    "linux-restricted-modules",
];

/// A kernel, or what pulls one in.
#[must_use]
pub fn is_kernel(name: &PackageName, source: &PackageName) -> bool {
    let begins = |text: &str, stems: &[&str]| stems.iter().any(|stem| text.starts_with(stem));
    begins(name.as_str(), &KERNEL_PACKAGES) || begins(source.as_str(), &KERNEL_SOURCES)
}

/// Whether the new version is on disk only until the machine is restarted.
#[must_use]
pub fn needs_reboot(name: &PackageName, source: &PackageName) -> bool {
    is_kernel(name, source) || BootPart::of(name.as_str()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PackageName {
        PackageName::try_from(text.to_owned()).expect("valid")
    }

    #[test]
    fn kernels_are_told_from_what_is_built_beside_them() {
        let table = [
            (
                "linux-image-6.1.0-56-cloud-amd64",
                "linux-signed-amd64",
                true,
                true,
            ),
            ("linux-image-cloud-amd64", "linux-signed-amd64", true, true),
            ("linux-headers-amd64", "linux-latest", true, true),
            ("linux-headers-6.1.0-56-common", "linux", true, true),
            ("linux-modules-6.8.0-90-generic", "linux", true, true),
            ("linux-generic", "linux-meta", true, true),
            ("linux-libc-dev", "linux", false, false),
            ("linux-perf", "linux", false, false),
            ("libc6", "glibc", false, true),
            ("libc-bin", "glibc", false, true),
            ("libc6-dev", "glibc", false, false),
            ("locales", "glibc", false, false),
            ("dbus", "dbus", false, true),
            ("dbus-daemon", "dbus", false, true),
            ("dbus-x11", "dbus", false, false),
            ("intel-microcode", "intel-microcode", false, true),
            ("firmware-linux-free", "firmware-free", false, true),
            ("openssl", "openssl", false, false),
        ];
        for (package, source, kernel, reboot) in table {
            let (package_name, source) = (name(package), name(source));
            assert_eq!(is_kernel(&package_name, &source), kernel, "{package}");
            assert_eq!(needs_reboot(&package_name, &source), reboot, "{package}");
        }
    }
}
