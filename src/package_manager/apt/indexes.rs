//! Reads what the configured repositories offer, beside the simulation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{PackageId, Provenance};
use crate::os::command::Runner;
use crate::os::files::read_bounded;
use crate::package_manager::Fault;

use super::offers::{Collector, Newer};
use super::parse::dpkg_status::{self, DpkgStatus};
use super::parse::package_index::{self, Tally};
use super::parse::release::{self, Release};
use super::parse::targets::{RepositoryKey, Target};
use super::repositories::Evidence;
use super::view::View;
use super::{credentials, questions};

/// dpkg's database of the largest machine is a few dozen megabytes.
const STATUS_CAP: u64 = 256 << 20;

/// Release files list every index of every architecture.
const RELEASE_CAP: u64 = 32 << 20;

/// How apt may keep an index. Plain text is read by ourselves.
const COMPRESSED: [&str; 6] = ["lz4", "gz", "xz", "zst", "bz2", "lzma"];

/// What lies on disk.
#[derive(Debug)]
pub(super) struct Read {
    /// What is installed.
    pub status: Arc<DpkgStatus>,
    /// What is newer.
    pub newer: Newer,
    /// Whose each installed package is.
    pub provenance: BTreeMap<PackageId, Provenance>,
    /// What could not be read, a sentence each.
    pub gaps: BTreeSet<String>,
    /// What is known of each repository, in the order of configuration.
    pub repositories: Vec<Evidence>,
}

/// Reads everything that the targets name.
pub(super) async fn read(
    runner: &dyn Runner,
    view: &View,
    targets: &[Target],
    untrusted: &BTreeSet<RepositoryKey>,
) -> Result<Read, Fault> {
    let status = Arc::new(read_status(&view.status).await?);
    let mut collector = Collector::new(&status, &view.native, &view.distribution);
    let mut gaps = BTreeSet::new();
    let mut repositories: BTreeMap<RepositoryKey, (usize, Evidence)> = BTreeMap::new();
    for target in targets {
        let count = repositories.len();
        let (_, evidence) = repositories
            .entry(target.repository.clone())
            .or_insert_with(|| (count, look_at(target, &mut gaps)));
        evidence.trusted = !untrusted.contains(&target.repository);
        let release = evidence.release.clone().unwrap_or_default();
        match find(target) {
            Some((path, compressed)) => {
                evidence.fetched = true;
                let index = Index {
                    path: &path,
                    compressed,
                    trusted: evidence.trusted,
                    release: Arc::new(release),
                };
                match index.scan(runner, collector).await? {
                    (back, Ok(())) => collector = back,
                    (back, Err(gap)) => {
                        collector = back;
                        gaps.insert(gap);
                    }
                }
            }
            None if !target.optional && release.lists(&target.meta_key) => {
                gaps.insert(format!(
                    "{} lists {}, but it is not here; run `apt-get update`",
                    target.repository, target.meta_key
                ));
            }
            None if release.lists_empty(&target.meta_key) => evidence.fetched = true,
            None => {}
        }
    }
    let mut repositories: Vec<(usize, Evidence)> = repositories.into_values().collect();
    repositories.sort_by_key(|(order, _)| *order);
    let (newer, provenance) = collector.finish();
    Ok(Read {
        status,
        newer,
        provenance,
        gaps,
        repositories: repositories
            .into_iter()
            .map(|(_, evidence)| evidence)
            .collect(),
    })
}

/// dpkg's database. Without it nothing can be said, so this is an error and no gap.
pub(super) async fn read_status(path: &Path) -> Result<DpkgStatus, Fault> {
    let at = path.to_owned();
    let read = move || {
        let text = read_bounded(&at, STATUS_CAP).map_err(|cause| Fault::File {
            path: at.clone(),
            cause,
        })?;
        dpkg_status::parse(&text).map_err(|line| line.from_source(&at.to_string_lossy()))
    };
    blocking(path, read).await?
}

/// Runs what blocks on another thread.
async fn blocking<T: Send + 'static>(
    about: &Path,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|cause| Fault::File {
            path: about.to_owned(),
            cause: std::io::Error::other(cause),
        })
}

/// The index under the name that apt gave it.
fn find(target: &Target) -> Option<(PathBuf, bool)> {
    let plain = PathBuf::from(&target.filename);
    if plain.symlink_metadata().is_ok() {
        return Some((plain, false));
    }
    COMPRESSED
        .iter()
        .map(|ending| PathBuf::from(format!("{}.{ending}", target.filename)))
        .find(|path| path.symlink_metadata().is_ok())
        .map(|path| (path, true))
}

/// Whether apt may have put it there unverified: it is allowed to, or the
/// Release file has no signature.
pub(super) fn may_be_unsigned(target: &Target) -> bool {
    let there = |name: &str| {
        let path = target.beside(name).map(PathBuf::from);
        path.is_some_and(|path| path.exists())
    };
    target.allows_insecure || (there("Release") && !there("InRelease") && !there("Release.gpg"))
}

/// What is known of the repository: its Release file, and when that was renewed.
fn look_at(target: &Target, gaps: &mut BTreeSet<String>) -> Evidence {
    let mut evidence = Evidence {
        key: target.repository.clone(),
        release: None,
        renewed: None,
        fetched: false,
        trusted: true,
    };
    for name in ["InRelease", "Release"] {
        let Some(path) = target.beside(name).map(PathBuf::from) else {
            continue;
        };
        match read_bounded(&path, RELEASE_CAP) {
            Ok(text) => {
                evidence.release = Some(release::parse(&text));
                evidence.renewed = renewed(&path);
                return evidence;
            }
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(_) => gaps.extend(super::gaps::unreadable_file(&path)),
        }
    }
    evidence
}

/// apt gives a file the time at which the server published it, so the time of
/// the last change of the inode is what tells when it came here.
pub(super) fn renewed(path: &Path) -> Option<Timestamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Timestamp::from_second(metadata.ctime()).ok()
}

struct Index<'a> {
    path: &'a Path,
    compressed: bool,
    trusted: bool,
    release: Arc<Release>,
}

impl Index<'_> {
    /// Reads it on another thread. The collector goes along and comes back; a
    /// gap is what keeps us from having read all of it.
    async fn scan(
        self,
        runner: &dyn Runner,
        collector: Collector,
    ) -> Result<(Collector, Result<(), String>), Fault> {
        let (release, trusted) = (Arc::clone(&self.release), self.trusted);
        let path = self.path.to_owned();
        let file = match File::open(&path) {
            Ok(file) => file,
            // Also when it is gone: it was named, so something is missing.
            Err(cause) => return Ok((collector, Err(super::gaps::sentence(&path, &cause)))),
        };
        if !self.compressed {
            let read = move || {
                let mut text = BufReader::with_capacity(1 << 18, file);
                collect(&mut text, collector, (&release, trusted), &path)
            };
            return blocking(self.path, read).await;
        }
        let (tell, told) = tokio::sync::oneshot::channel();
        let question = questions::decompressed(self.path);
        let output = runner
            .pour(
                &question,
                Box::new(move |text| {
                    // Nobody listens any more when the question was given up.
                    let _ = tell.send(collect(text, collector, (&release, trusted), &path));
                }),
            )
            .await?;
        let (collector, gap) = told.await.map_err(|cause| Fault::File {
            path: self.path.to_owned(),
            cause: std::io::Error::other(cause),
        })?;
        let gap = if output.status == 0 {
            gap
        } else {
            Err(format!(
                "{} cannot be unpacked: {}; run `apt-get update`",
                self.path.display(),
                credentials::hidden(&output.last_words())
            ))
        };
        Ok((collector, gap))
    }
}

fn collect(
    text: &mut dyn BufRead,
    mut collector: Collector,
    (release, trusted): (&Release, bool),
    path: &Path,
) -> (Collector, Result<(), String>) {
    // One borrow to ask and one to add: what is found is added afterwards.
    let mut found = Vec::new();
    let tally = package_index::scan(text, &|name| collector.wants(name), &mut |offered| {
        found.push(offered);
    });
    for offered in found {
        collector.add(offered, release, trusted);
    }
    let path = path.display();
    let gap = match tally {
        Ok(Tally { garbled: 0, .. }) => Ok(()),
        Ok(Tally { garbled, .. }) => Err(format!(
            "{path} holds {garbled} entries that cannot be understood; run `apt-get update`"
        )),
        Err(cause) => Err(format!(
            "{path} cannot be read: {cause}; run `apt-get update`"
        )),
    };
    (collector, gap)
}
