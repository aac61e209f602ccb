//! The running kernel and the newest installed one.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::{RunningKernel, Version};

/// The kernel's state. A kernel that no image in `/boot` belongs to (a
/// container's host, a hand-made one) is `owned: false`, and nothing is claimed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// `uname -r`.
    pub running: String,
    /// Release of the newest image in `/boot`; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_installed: Option<String>,
    /// Whether the running one came from an image or a module tree of this system.
    pub owned: bool,
}

impl Kernel {
    /// Whether a newer kernel waits for a reboot.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.owned
            && self
                .newest_installed
                .as_deref()
                .is_some_and(|newest| is_newer(newest, &self.running))
    }
}

/// The kernel of the system whose root is `root`, asked on the machine that runs it.
#[must_use]
pub fn kernel(root: &Path) -> Kernel {
    let running = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let owned = root
        .join("boot")
        .join(format!("vmlinuz-{running}"))
        .exists()
        || root
            .join("usr/lib/modules")
            .join(&running)
            .join("modules.dep")
            .exists();
    let alike: Vec<String> = installed(root)
        .into_iter()
        .filter(|it| flavour(it) == flavour(&running))
        .collect();
    let newest_installed = newest(&alike);
    Kernel {
        running,
        newest_installed,
        owned,
    }
}

fn installed(root: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root.join("boot")) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter_map(|name| name.strip_prefix("vmlinuz-").map(str::to_owned))
        .collect()
}

/// The same for those who judge vulnerabilities, with the version that it was
/// built as. Asked on the machine that runs it.
#[must_use]
pub fn running_kernel(kernel: &Kernel) -> RunningKernel {
    let said = rustix::system::uname();
    RunningKernel {
        release: kernel.running.clone(),
        version: built_as(&kernel.running, &said.version().to_string_lossy()),
        newest: kernel.newest_installed.clone(),
        owned: kernel.owned,
    }
}

/// What `uname -v` tells of the package: Debian's builds say its version, Ubuntu's
/// count uploads of an ABI.
fn built_as(release: &str, said: &str) -> Option<Version> {
    let mut words = said.split_ascii_whitespace();
    let first = words.next()?;
    let version = match first.strip_suffix("-Ubuntu") {
        Some(upload) => {
            let numbers = release.strip_suffix(flavour(release))?.strip_suffix('-')?;
            format!("{numbers}.{}", upload.strip_prefix('#')?)
        }
        None => words
            .skip_while(|word| *word != "Debian")
            .nth(1)?
            .to_owned(),
    };
    Version::try_from(version).ok()
}

/// What follows the numbers: `6.1.0-30-cloud-amd64` is of flavour `cloud-amd64`.
/// An image of another flavour is another kernel, and no newer one.
fn flavour(release: &str) -> &str {
    let mut parts = release.split_inclusive('-');
    let numbers = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit());
    let length: usize = parts.by_ref().take_while(numbers).map(str::len).sum();
    release.get(length..).unwrap_or_default()
}

fn newest(releases: &[String]) -> Option<String> {
    let mut newest: Option<&String> = None;
    for release in releases {
        if newest.is_none_or(|known| is_newer(release, known)) {
            newest = Some(release);
        }
    }
    newest.cloned()
}

/// By the order of package versions; releases that are none are never newer.
fn is_newer(release: &str, than: &str) -> bool {
    match (
        Version::try_from(release.to_owned()),
        Version::try_from(than.to_owned()),
    ) {
        (Ok(release), Ok(than)) => release > than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(running: &str, images: &[&str]) -> Kernel {
        let images: Vec<String> = images.iter().map(|image| (*image).to_owned()).collect();
        Kernel {
            running: running.into(),
            newest_installed: newest(&images),
            owned: images.contains(&running.to_owned()),
        }
    }

    #[test]
    fn a_tenth_abi_is_newer_than_a_ninth() {
        assert!(system("6.1.0-9-amd64", &["6.1.0-9-amd64", "6.1.0-10-amd64"]).is_outdated());
        assert!(!system("6.1.0-10-amd64", &["6.1.0-9-amd64", "6.1.0-10-amd64"]).is_outdated());
    }

    #[test]
    fn another_flavour_is_another_kernel() {
        assert_eq!(flavour("6.1.0-30-cloud-amd64"), "cloud-amd64");
        assert_eq!(flavour("6.1.0-30-amd64"), "amd64");
        assert_ne!(flavour("6.1.0-30-amd64.old"), flavour("6.1.0-30-amd64"));
    }

    #[test]
    fn a_kernel_says_what_it_was_built_as() {
        let table = [
            (
                "6.1.0-50-amd64",
                "#1 SMP PREEMPT_DYNAMIC Debian 6.1.187-1 (2026-09-30)",
                Some("6.1.187-1"),
            ),
            (
                "5.15.0-91-generic",
                "#101-Ubuntu SMP Tue Nov 14 13:30:08 UTC 2023",
                Some("5.15.0-91.101"),
            ),
            (
                "6.8.0-45-generic",
                "#45~22.04.1-Ubuntu SMP PREEMPT_DYNAMIC",
                Some("6.8.0-45.45~22.04.1"),
            ),
            (
                "6.18.44-hand-made",
                "#1 SMP Mon Jan 5 10:00:00 UTC 2026",
                None,
            ),
            ("6.18.44", "#1-Ubuntu", None),
            ("", "", None),
        ];
        for (release, said, expected) in table {
            let found = built_as(release, said);
            assert_eq!(found.as_ref().map(Version::as_str), expected, "{said}");
        }
    }

    #[test]
    fn nothing_is_claimed_of_a_kernel_that_is_not_ours() {
        assert!(!system("6.18.0-host", &["6.1.0-10-amd64"]).is_outdated());
    }
}
