//! The facts that [`super::preflight`] judges, gathered on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::StatVfsMountFlags;

use super::super::fault::Fault;
use super::execution::file_fault;
use super::preflight::{Facts, Sizes, Volume, WRITTEN};
use super::{audit, commands, kernels, uris};
use crate::model::{Change, PackageId, PackageName, Plan, Version};
use crate::os::command::Runner;
use crate::os::{clock, files};

/// Where apt keeps the indexes.
const LISTS: &str = "/var/lib/apt/lists";

/// The head of a Release file, with its date, is far shorter.
const HEAD: u64 = 8 << 20;

/// So many names go into one question.
const BATCH: usize = 500;

/// Looks at everything the judge wants to know for this plan.
pub async fn facts(runner: &dyn Runner, plan: &Plan) -> Result<Facts, Fault> {
    let records = audit::records(runner).await?;
    let installed: BTreeSet<PackageName> = records
        .iter()
        .filter(|record| record.version.is_some())
        .map(|record| record.id.name.clone())
        .collect();
    let volumes = volumes()?;
    let brings_kernel = !kernels::brought(plan).is_empty();
    let old_kernels = if brings_kernel {
        old_kernels(runner).await?
    } else {
        Plan::default()
    };
    let old_kernels = old_kernels.changes().iter();
    Ok(Facts {
        remounts: remounts(runner, &volumes).await?,
        volumes,
        sizes: sizes(runner, plan).await?,
        largest_kernel: largest_kernel(Path::new("/boot")),
        old_kernels: old_kernels.map(|change| change.id.name.clone()).collect(),
        installed,
        dkms: Path::new("/usr/sbin/dkms").exists(),
        now: clock::now(),
        newest_index: newest_index(Path::new(LISTS)),
    })
}

/// The plan that removes the kernel images which may go: not the running one,
/// none of the newest two, none that somebody asked for. For when /boot is too
/// small; `apply` does it and nothing else.
pub async fn old_kernels(runner: &dyn Runner) -> Result<Plan, Fault> {
    let records = audit::records(runner).await?;
    let answer = runner.ask(&commands::show_auto()).await?;
    let automatic: BTreeSet<PackageName> = answer
        .text()
        .lines()
        .filter_map(|line| line.split(':').next())
        .filter_map(|name| PackageName::try_from(name.to_owned()).ok())
        .collect();
    let there = records.iter().filter(|record| record.version.is_some());
    let installed: Vec<PackageName> = there.map(|record| record.id.name.clone()).collect();
    let running = rustix::system::uname();
    let running = running.release().to_string_lossy();
    let old = kernels::old(&installed, &automatic, &running);
    let removals = records
        .iter()
        .filter(|record| record.version.is_some() && old.contains(&&record.id.name))
        .map(|record| Change {
            id: record.id.clone(),
            from: record.version.clone(),
            to: None,
        });
    Ok(Plan::new(removals.collect()))
}

fn volumes() -> Result<Vec<Volume>, Fault> {
    let there = WRITTEN.iter().map(Path::new).filter(|at| at.exists());
    there.map(|at| volume(at).map_err(file_fault(at))).collect()
}

fn volume(at: &Path) -> std::io::Result<Volume> {
    let device = std::fs::metadata(at)?.dev();
    let space = rustix::fs::statvfs(at)?;
    Ok(Volume {
        at: at.to_owned(),
        device,
        free_bytes: space.f_bfree.saturating_mul(space.f_frsize),
        // Some file systems make inodes as they need them, and say 0 in all.
        free_inodes: (space.f_files > 0).then_some(space.f_ffree),
        read_only: space.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

/// Whether apt's own configuration remounts before dpkg is started. Asked only
/// where something is read-only.
async fn remounts(runner: &dyn Runner, volumes: &[Volume]) -> Result<bool, Fault> {
    if !volumes.iter().any(|volume| volume.read_only) {
        return Ok(false);
    }
    let answer = runner.ask(&commands::pre_invoke()).await?;
    Ok(answer.status == 0 && answer.text().contains("remount"))
}

/// The largest `vmlinuz-*` and the largest `initrd.img-*` together.
fn largest_kernel(boot: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(boot) else {
        return 0;
    };
    let mut largest = [0, 0];
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let size = entry.metadata().map_or(0, |file| file.len());
        let [kernel, initrd] = &mut largest;
        if name.starts_with("vmlinuz-") {
            *kernel = size.max(*kernel);
        } else if name.starts_with("initrd.img-") {
            *initrd = size.max(*initrd);
        }
    }
    largest.iter().sum()
}

/// What the plan's new versions take on disk, bytes.
pub async fn unpacked(runner: &dyn Runner, plan: &Plan) -> Result<u64, Fault> {
    Ok(new_sizes(runner, plan).await?.values().sum())
}

async fn new_sizes(runner: &dyn Runner, plan: &Plan) -> Result<BTreeMap<String, u64>, Fault> {
    let coming: Vec<(&PackageId, &Version)> = plan
        .changes()
        .iter()
        .filter_map(|change| Some((&change.id, change.to.as_ref()?)))
        .collect();
    let mut new = BTreeMap::new();
    for batch in coming.chunks(BATCH) {
        let answer = runner
            .ask(&commands::records(batch.iter().copied()))
            .await?;
        new.extend(installed_sizes(&answer.text()));
    }
    Ok(new)
}

async fn sizes(runner: &dyn Runner, plan: &Plan) -> Result<Sizes, Fault> {
    let missing = uris::missing(runner, plan).await?;
    let new = new_sizes(runner, plan).await?;
    let answer = runner.ask(&commands::disk_sizes()).await?;
    let old = old_sizes(&answer.text());
    let growth = new
        .iter()
        .map(|(name, size)| size.saturating_sub(old.get(name).copied().unwrap_or(0)))
        .sum();
    Ok(Sizes {
        missing_archives: missing.iter().map(|archive| archive.bytes).sum(),
        growth,
        largest: new.values().copied().max().unwrap_or(0),
    })
}

/// `Package:`, `Architecture:` and `Installed-Size:` (KiB) of each stanza.
fn installed_sizes(records: &str) -> BTreeMap<String, u64> {
    records
        .split("\n\n")
        .filter_map(|stanza| {
            let field = |name: &str| {
                stanza
                    .lines()
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            let kib: u64 = field("Installed-Size")?.parse().ok()?;
            let id = format!("{}:{}", field("Package")?, field("Architecture")?);
            Some((id, kib.saturating_mul(1024)))
        })
        .collect()
}

/// `NAME:ARCHITECTURE KIB` lines.
fn old_sizes(text: &str) -> BTreeMap<String, u64> {
    text.lines()
        .filter_map(|line| {
            let (id, kib) = line.split_once(' ')?;
            Some((id.to_owned(), kib.parse::<u64>().ok()?.saturating_mul(1024)))
        })
        .collect()
}

/// The newest `Date:` of all Release files. What cannot be read has none:
/// the clock is then judged without it.
fn newest_index(lists: &Path) -> Option<Timestamp> {
    let is_release = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with("_InRelease") || name.ends_with("_Release")
    };
    std::fs::read_dir(lists)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(is_release)
        .filter_map(|path| release_date(&files::read_bounded(&path, HEAD).ok()?))
        .max()
}

/// `Date: Sat, 21 Nov 2026 07:58:13 UTC`, always in UTC.
fn release_date(release: &str) -> Option<Timestamp> {
    let date = release
        .lines()
        .find_map(|line| line.strip_prefix("Date: "))?;
    let date = date.trim().replace("UTC", "+0000").replace("GMT", "+0000");
    jiff::fmt::rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(&date)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::command::replay::Replay;

    #[tokio::test]
    async fn apt_is_asked_whether_it_remounts_only_where_it_matters() {
        let said = "DPkg::Pre-Invoke \"\";\nDPkg::Pre-Invoke:: \"mount -o remount,rw /usr\";\n";
        let volume = |read_only| Volume {
            at: "/usr".into(),
            device: 1,
            free_bytes: 0,
            free_inodes: None,
            read_only,
        };
        for (text, expected) in [(said, true), ("", false)] {
            let runner = Replay::new().answer(&commands::pre_invoke(), 0, text, "");
            let found = remounts(&runner, &[volume(true)]).await.expect("told");
            assert_eq!(found, expected);
        }
        let silent = Replay::new();
        assert!(
            !remounts(&silent, &[volume(false)])
                .await
                .expect("not asked")
        );
    }

    #[test]
    fn a_release_date_is_read_as_debian_writes_it() {
        let date = release_date("Origin: Debian\nDate: Sat, 21 Nov 2026 07:58:13 UTC\n");
        assert_eq!(date.expect("a date").to_string(), "2026-11-21T07:58:13Z");
        assert_eq!(release_date("Origin: Debian\n"), None);
    }

    #[test]
    fn sizes_are_read_by_field() {
        let text = "Package: app\nArchitecture: all\nInstalled-Size: 20\nSize: 744\n\nPackage: x\nArchitecture: amd64\nDescription: d\n\n";
        assert_eq!(
            installed_sizes(text),
            BTreeMap::from([("app:all".to_owned(), 20 << 10)])
        );
        assert_eq!(
            old_sizes("app:all 20\nun:all \n"),
            BTreeMap::from([("app:all".to_owned(), 20 << 10)])
        );
    }
}
