//! What is installed, as vulnerabilities are looked up for it. Pure.

use std::collections::BTreeMap;

use super::parse::dpkg_status::{DpkgStatus, Installed};
use super::{kernels, reboot};
use crate::model::{InstalledPackage, KernelPart, PackageId, PackageName, Provenance};

/// Everything that has files on disk, sorted. What no index spoke of is untold.
#[must_use]
pub fn inventory(
    status: &DpkgStatus,
    provenance: &BTreeMap<PackageId, Provenance>,
) -> Vec<InstalledPackage> {
    let provenance = |id: &PackageId| provenance.get(id).copied().unwrap_or(Provenance::Untold);
    let one = |(id, it): (&PackageId, &Installed)| InstalledPackage {
        id: id.clone(),
        version: it.version.clone(),
        source: it.source.clone(),
        built_using: it.built_using.clone(),
        provenance: provenance(id),
        kernel: kernel_part(&id.name, &it.source.name),
    };
    status.iter().map(one).collect()
}

fn kernel_part(name: &PackageName, source: &PackageName) -> Option<KernelPart> {
    match kernels::release(name) {
        Some(release) => Some(KernelPart::Image {
            release: release.to_owned(),
        }),
        None => reboot::is_kernel(name, source).then_some(KernelPart::Companion),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::dpkg_status;
    use super::*;

    #[test]
    fn an_image_is_told_from_what_belongs_to_it_and_from_tools() {
        let table = [
            (
                "linux-image-6.1.0-56-amd64",
                "linux-signed-amd64",
                Some("6.1.0-56-amd64"),
            ),
            (
                "linux-image-unsigned-6.8.0-90-generic",
                "linux",
                Some("6.8.0-90-generic"),
            ),
            ("linux-image-amd64", "linux-signed-amd64", Some("")),
            ("linux-modules-6.8.0-90-generic", "linux", Some("")),
            ("linux-headers-6.1.0-56-common", "linux", Some("")),
            ("linux-generic", "linux-meta", Some("")),
            ("linux-libc-dev", "linux", None),
            ("linux-perf", "linux", None),
        ];
        for (package, source, expected) in table {
            let name = |text: &str| PackageName::try_from(text.to_owned()).expect("valid");
            let part = kernel_part(&name(package), &name(source));
            let release = part.map(|part| match part {
                KernelPart::Image { release } => release,
                KernelPart::Companion => String::new(),
            });
            assert_eq!(release.as_deref(), expected, "{package}");
        }
    }

    #[test]
    fn what_is_on_disk_is_listed_whatever_its_state() {
        let text = "Package: aa\nStatus: install ok unpacked\nArchitecture: all\nVersion: 2\nSource: src (1)\nBuilt-Using: bb (= 3)\n\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n";
        let status = dpkg_status::parse(text).expect("known");
        let found = inventory(&status, &BTreeMap::new());
        let [one] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(one.source.version.as_str(), "1");
        assert_eq!(one.built_using[0].name.as_str(), "bb");
        assert_eq!(one.provenance, Provenance::Untold);
    }
}
