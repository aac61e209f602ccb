//! Kernel images by the names of their packages.

use std::collections::BTreeSet;

use crate::model::{PackageName, Plan, Version};

/// So many of the newest kernels are never offered for removal.
const KEPT: usize = 2;

/// The release (`6.1.0-56-amd64`) of a kernel image package, if it is one and
/// not only a name that pulls the newest in.
#[must_use]
pub fn release(name: &PackageName) -> Option<&str> {
    let rest = name.as_str().strip_prefix("linux-image-")?;
    let rest = rest.strip_prefix("unsigned-").unwrap_or(rest);
    let rest = rest.strip_suffix("-unsigned").unwrap_or(rest);
    rest.starts_with(|c: char| c.is_ascii_digit())
        .then_some(rest)
}

/// The releases that the plan brings and that were not here before.
#[must_use]
pub fn brought(plan: &Plan) -> BTreeSet<&str> {
    plan.changes()
        .iter()
        .filter(|change| change.from.is_none() && change.to.is_some())
        .filter_map(|change| release(&change.id.name))
        .collect()
}

/// Kernel image packages that may go: not the running one, none of the newest
/// two, and only those that nobody asked for.
#[must_use]
pub fn old<'a>(
    installed: &'a [PackageName],
    automatic: &BTreeSet<PackageName>,
    running: &str,
) -> Vec<&'a PackageName> {
    let mut kernels: Vec<(Version, &PackageName)> = installed
        .iter()
        .filter_map(|name| Some((Version::try_from(release(name)?.to_owned()).ok()?, name)))
        .collect();
    kernels.sort();
    kernels.truncate(kernels.len().saturating_sub(KEPT));
    kernels
        .into_iter()
        .map(|(_, name)| name)
        .filter(|name| automatic.contains(*name) && release(name) != Some(running))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Vec<PackageName> {
        let name = |text: &&str| PackageName::try_from((*text).to_owned()).expect("valid");
        texts.iter().map(name).collect()
    }

    #[test]
    fn neither_the_running_nor_the_newest_two_nor_a_wanted_kernel_may_go() {
        let installed = names(&[
            "linux-image-6.1.0-9-amd64",
            "linux-image-6.1.0-56-amd64",
            "linux-image-6.1.0-50-amd64",
            "linux-image-6.1.0-40-amd64",
            "linux-image-6.1.0-30-amd64",
            "linux-image-amd64",
        ]);
        let all: BTreeSet<PackageName> = installed.iter().cloned().collect();
        let mut but_40 = all.clone();
        but_40.retain(|name| name.as_str() != "linux-image-6.1.0-40-amd64");
        for (automatic, running, expected) in [
            (
                &all,
                "6.1.0-56-amd64",
                vec![
                    "linux-image-6.1.0-9-amd64",
                    "linux-image-6.1.0-30-amd64",
                    "linux-image-6.1.0-40-amd64",
                ],
            ),
            (
                &all,
                "6.1.0-9-amd64",
                vec!["linux-image-6.1.0-30-amd64", "linux-image-6.1.0-40-amd64"],
            ),
            (
                &but_40,
                "6.1.0-50-amd64",
                vec!["linux-image-6.1.0-9-amd64", "linux-image-6.1.0-30-amd64"],
            ),
            (&BTreeSet::new(), "6.1.0-56-amd64", vec![]),
        ] {
            let old: Vec<&str> = old(&installed, automatic, running)
                .into_iter()
                .map(PackageName::as_str)
                .collect();
            assert_eq!(old, expected, "running {running}");
        }
    }
}
