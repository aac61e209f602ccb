//! What on this machine stands against a plan: a pure judge over facts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::kernels;
use crate::model::{PackageName, Plan};

/// What must stay free on each file system that is written to.
const RESERVE: u64 = 50 << 20;

/// Inodes that must stay free; a large package has some thousands of files.
const INODES: u64 = 10_000;

/// No honest clock is before the year in which this was written.
const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A repository's clock may be ahead of ours by so much.
const DRIFT: SignedDuration = SignedDuration::from_hours(1);

/// apt's cache of archives.
pub const ARCHIVES: &str = "/var/cache/apt/archives";

/// Where kernels are.
const BOOT: &str = "/boot";

/// Folders whose file systems a transaction writes to.
pub const WRITTEN: [&str; 5] = ["/", "/usr", "/var", BOOT, ARCHIVES];

/// One file system, seen at one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The folder.
    pub at: PathBuf,
    /// Two folders of one device share its space.
    pub device: u64,
    /// Bytes that root may still write.
    pub free_bytes: u64,
    /// Files that may still be made; absent where they are not counted.
    pub free_inodes: Option<u64>,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}

/// Sizes of the plan, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Archives that are not in the cache.
    pub missing_archives: u64,
    /// What all packages together grow by, those that shrink left out.
    pub growth: u64,
    /// The largest package: dpkg unpacks it beside the old one.
    pub largest: u64,
}

/// Everything the judge looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The file systems of [`WRITTEN`]; folders that do not exist are left out.
    pub volumes: Vec<Volume>,
    /// Sizes of the plan.
    pub sizes: Sizes,
    /// The largest kernel and initrd in /boot together, bytes.
    pub largest_kernel: u64,
    /// Kernel image packages that may be removed.
    pub old_kernels: Vec<PackageName>,
    /// Names of installed packages.
    pub installed: BTreeSet<PackageName>,
    /// Whether apt itself remounts before it starts dpkg (`DPkg::Pre-Invoke`).
    pub remounts: bool,
    /// Whether kernel modules are built on this machine.
    pub dkms: bool,
    /// The clock.
    pub now: Timestamp,
    /// The newest date in a repository's Release file.
    pub newest_index: Option<Timestamp>,
}

/// What stands against this plan, a sentence each.
#[must_use]
pub fn judge(facts: &Facts, plan: &Plan) -> Vec<String> {
    let mut faults = clock(facts);
    faults.extend(read_only(facts));
    faults.extend(space(facts, plan));
    faults.extend(inodes(facts));
    faults.extend(headers(facts, plan));
    faults
}

fn clock(facts: &Facts) -> Vec<String> {
    let now = facts.now;
    if now < EARLIEST {
        return vec![format!(
            "the clock says {now}, which cannot be; set it before anything is installed"
        )];
    }
    match facts.newest_index {
        Some(date) if date > now.saturating_add(DRIFT).unwrap_or(Timestamp::MAX) => vec![format!(
            "the clock says {now}, but a repository's index was made at {date}; set the clock"
        )],
        _ => Vec::new(),
    }
}

fn read_only(facts: &Facts) -> Vec<String> {
    facts
        .volumes
        .iter()
        .filter(|volume| volume.read_only && !facts.remounts)
        .map(|volume| {
            format!(
                "{at} is mounted read-only; remount it (mount -o remount,rw {at}), or exclude this host",
                at = volume.at.display()
            )
        })
        .collect()
}

fn space(facts: &Facts, plan: &Plan) -> Vec<String> {
    let sentence = |(needed, volume): (u64, &Volume)| {
        format!(
            "{} has {} MB free and the plan needs {} MB{}; {}",
            volume.at.display(),
            volume.free_bytes >> 20,
            (needed >> 20) + 1,
            reserve_words(volume),
            remedy(facts, volume)
        )
    };
    shortages(facts, plan).into_iter().map(sentence).collect()
}

/// Whether `/boot` is too small for the plan's new kernels.
#[must_use]
pub fn is_boot_short(facts: &Facts, plan: &Plan) -> bool {
    shortages(facts, plan)
        .iter()
        .any(|(_, volume)| volume.at == Path::new(BOOT))
}

/// The file systems with less room than the plan needs, and how much it needs.
fn shortages<'a>(facts: &'a Facts, plan: &Plan) -> Vec<(u64, &'a Volume)> {
    let sizes = facts.sizes;
    let new_kernels = kernels::brought(plan).len() as u64;
    let needed_at = |at: &Path| match at.to_str() {
        Some("/usr") => sizes.growth.saturating_add(sizes.largest),
        Some(ARCHIVES) => sizes.missing_archives,
        // Once for the new files, once for what update-initramfs makes beside them.
        Some(BOOT) => facts.largest_kernel.saturating_mul(2 * new_kernels),
        _ => 0,
    };
    let mut by_device: BTreeMap<u64, (u64, &Volume)> = BTreeMap::new();
    for volume in facts.volumes.iter().filter(|volume| !volume.read_only) {
        let (needed, _) = by_device.entry(volume.device).or_insert((0, volume));
        *needed = needed.saturating_add(needed_at(&volume.at));
    }
    let reserved =
        |(needed, volume): (u64, &'a Volume)| (needed.saturating_add(reserve(volume)), volume);
    let all = by_device.into_values().map(reserved);
    all.filter(|(needed, volume)| volume.free_bytes < *needed)
        .collect()
}

/// /boot is small by nature and only kernels write to it.
fn reserve(volume: &Volume) -> u64 {
    if volume.at == Path::new(BOOT) {
        0
    } else {
        RESERVE
    }
}

fn reserve_words(volume: &Volume) -> String {
    match reserve(volume) >> 20 {
        0 => String::new(),
        reserve => format!(" ({reserve} MB of it must stay free)"),
    }
}

fn remedy(facts: &Facts, volume: &Volume) -> String {
    let names: Vec<&str> = facts.old_kernels.iter().map(PackageName::as_str).collect();
    let holds_kernels = volume.at == Path::new(BOOT) || volume.at == Path::new("/");
    if holds_kernels && !names.is_empty() {
        return format!(
            "free space, or remove an old kernel: apt-get purge {}",
            names.join(" ")
        );
    }
    "free space; apt-get clean empties the archive cache".to_owned()
}

fn inodes(facts: &Facts) -> Vec<String> {
    let mut seen = BTreeSet::new();
    facts
        .volumes
        .iter()
        .filter(|volume| volume.at != Path::new(BOOT) && seen.insert(volume.device))
        .filter_map(|volume| {
            let free = volume.free_inodes.filter(|free| *free < INODES)?;
            Some(format!(
                "{} can hold only {free} more files, and {INODES} must be free; remove files",
                volume.at.display()
            ))
        })
        .collect()
}

fn headers(facts: &Facts, plan: &Plan) -> Vec<String> {
    if !facts.dkms {
        return Vec::new();
    }
    let comes = |wanted: &str| {
        let planned = plan.changes().iter().filter(|change| !change.is_removal());
        planned
            .map(|change| &change.id.name)
            .chain(&facts.installed)
            .any(|name| name.as_str() == wanted)
    };
    kernels::brought(plan)
        .into_iter()
        .filter(|release| !comes(&format!("linux-headers-{release}")))
        .map(|release| {
            format!(
                "kernel {release} comes without its headers, and dkms builds modules here; install the linux-headers metapackage of the same flavour"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, PackageId, Version};

    fn volume(at: &str, device: u64, free_bytes: u64) -> Volume {
        Volume {
            at: at.into(),
            device,
            free_bytes,
            free_inodes: Some(1 << 20),
            read_only: false,
        }
    }

    fn facts() -> Facts {
        Facts {
            volumes: vec![volume("/", 1, 1 << 30), volume("/boot", 2, 100 << 20)],
            sizes: Sizes::default(),
            largest_kernel: 60 << 20,
            old_kernels: vec![
                PackageName::try_from("linux-image-6.1.0-9-amd64".to_owned()).expect("valid"),
            ],
            installed: BTreeSet::new(),
            remounts: false,
            dkms: false,
            now: EARLIEST,
            newest_index: None,
        }
    }

    fn plan(names: &[&str]) -> Plan {
        let new = |name: &&str| Change {
            id: PackageId::parse(name, "amd64").expect("valid"),
            from: None,
            to: Some(Version::try_from("1".to_owned()).expect("valid")),
        };
        Plan::new(names.iter().map(new).collect())
    }

    const KERNEL: &str = "linux-image-6.1.0-56-amd64";

    #[test]
    fn nothing_stands_against_a_small_plan() {
        assert_eq!(judge(&facts(), &plan(&["nginx"])), [""; 0]);
    }

    #[test]
    fn a_small_boot_stands_against_a_kernel_only_and_names_what_may_go() {
        let faults = judge(&facts(), &plan(&[KERNEL]));
        assert_eq!(
            faults,
            [
                "/boot has 100 MB free and the plan needs 121 MB; free space, or remove an old kernel: apt-get purge linux-image-6.1.0-9-amd64"
            ]
        );
    }

    #[test]
    fn folders_of_one_device_share_its_space() {
        let mut facts = facts();
        facts.sizes = Sizes {
            missing_archives: 400 << 20,
            growth: 400 << 20,
            largest: 200 << 20,
        };
        facts.volumes = vec![
            volume("/", 1, 1 << 30),
            volume("/usr", 1, 1 << 30),
            volume(ARCHIVES, 1, 1 << 30),
        ];
        assert_eq!(judge(&facts, &plan(&["nginx"])).len(), 1);
        facts.volumes = vec![
            volume("/", 1, 1 << 30),
            volume("/usr", 1, 1 << 30),
            volume(ARCHIVES, 2, 1 << 30),
        ];
        assert_eq!(judge(&facts, &plan(&["nginx"])), [""; 0]);
    }

    #[test]
    fn the_space_that_is_asked_for_holds_the_reserve() {
        let mut facts = facts();
        facts.volumes = vec![volume("/usr", 1, 40 << 20)];
        facts.sizes.growth = 9 << 20;
        let faults = judge(&facts, &plan(&["nginx"]));
        assert!(
            faults[0].contains("needs 60 MB (50 MB of it must stay free)"),
            "{faults:?}"
        );
    }

    #[test]
    fn what_apt_remounts_itself_is_no_obstacle() {
        let mut facts = facts();
        facts.volumes[0].read_only = true;
        assert_eq!(judge(&facts, &plan(&["nginx"])).len(), 1);
        facts.remounts = true;
        assert_eq!(judge(&facts, &plan(&["nginx"])), [""; 0]);
    }

    #[test]
    fn each_other_fault_is_told_with_a_remedy() {
        let mut read_only = facts();
        read_only.volumes[0].read_only = true;
        let mut full_of_files = facts();
        full_of_files.volumes[0].free_inodes = Some(9);
        let mut old_clock = facts();
        old_clock.now = Timestamp::UNIX_EPOCH;
        let mut slow_clock = facts();
        slow_clock.newest_index = Some(EARLIEST + SignedDuration::from_hours(2));
        let mut dkms = facts();
        dkms.dkms = true;
        dkms.largest_kernel = 0;
        for (facts, words) in [
            (read_only, "read-only"),
            (full_of_files, "more files"),
            (old_clock, "cannot be"),
            (slow_clock, "set the clock"),
            (dkms, "without its headers"),
        ] {
            let faults = judge(&facts, &plan(&[KERNEL]));
            assert!(
                faults.iter().any(|fault| fault.contains(words)),
                "{words}: {faults:?}"
            );
        }
    }

    #[test]
    fn headers_in_the_plan_or_on_disk_are_enough() {
        let mut facts = facts();
        facts.dkms = true;
        facts.largest_kernel = 0;
        assert_eq!(
            judge(&facts, &plan(&[KERNEL, "linux-headers-6.1.0-56-amd64"])),
            [""; 0]
        );
    }
}
