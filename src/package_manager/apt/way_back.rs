//! The way back of one package: keeping the file of the version that is
//! installed, and installing it again.

use std::fs::{DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::super::contract::Watch;
use super::super::fault::Fault;
use super::execution::{Log, file_fault, perform};
use super::{commands, marks};
use crate::model::{PackageId, Version};
use crate::os::command::Runner;
use crate::os::files;

/// apt's cache of package files, unless the machine has put it elsewhere.
const ARCHIVES: &str = "/var/cache/apt/archives";

/// A package file that is longer is fetched, not copied, bytes.
const CAP: u64 = 256 << 20;

/// Looks in `packages` (kept earlier, or put there by an operator), in apt's
/// cache, and at last in the repositories. Every file is asked what it is.
pub async fn keep(
    runner: &dyn Runner,
    id: &PackageId,
    version: &Version,
    packages: &Path,
) -> Result<Option<PathBuf>, Fault> {
    keep_from(runner, Path::new(ARCHIVES), (id, version), packages).await
}

async fn keep_from(
    runner: &dyn Runner,
    archives: &Path,
    (id, version): (&PackageId, &Version),
    packages: &Path,
) -> Result<Option<PathBuf>, Fault> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(packages);
    made.map_err(file_fault(packages))?;
    let name = file_name(id, version);
    let kept = packages.join(&name);
    drop_others(packages, id, &name).map_err(file_fault(packages))?;
    if is(runner, &kept, id, version).await? {
        return Ok(Some(kept));
    }
    let cached = archives.join(&name);
    if is(runner, &cached, id, version).await? {
        copy(&cached, &kept).map_err(file_fault(&kept))?;
        return Ok(Some(kept));
    }
    // Whether it worked, the file tells.
    runner.ask(&commands::fetch(id, version, packages)).await?;
    let fetched = is(runner, &kept, id, version).await?;
    Ok(fetched.then_some(kept))
}

/// What is no way back from here any more would only take space. Another
/// architecture of the package has a way back of its own.
fn drop_others(packages: &Path, id: &PackageId, name: &str) -> std::io::Result<()> {
    let start = format!("{}_", id.name);
    let end = format!("_{}.deb", id.architecture);
    for entry in std::fs::read_dir(packages)? {
        let entry = entry?;
        let found = entry.file_name().to_string_lossy().into_owned();
        if found.starts_with(&start) && found.ends_with(&end) && found != name {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// As apt names it in its cache: the colon of an epoch is written `%3a`.
fn file_name(id: &PackageId, version: &Version) -> String {
    let version = version.as_str().replace(':', "%3a");
    format!("{}_{version}_{}.deb", id.name, id.architecture)
}

/// Whether the file is this package in this version.
async fn is(
    runner: &dyn Runner,
    file: &Path,
    id: &PackageId,
    version: &Version,
) -> Result<bool, Fault> {
    if !file.is_file() {
        return Ok(false);
    }
    let output = runner.ask(&commands::describe(file)).await?;
    let says = format!(
        "Package: {}\nVersion: {version}\nArchitecture: {}\n",
        id.name, id.architecture
    );
    Ok(output.status == 0 && output.text() == says)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut content = Vec::new();
    File::open(from)?.take(CAP).read_to_end(&mut content)?;
    files::replace(to, &content, 0o600)
}

/// Installs the file. No exit code is believed: who calls looks at what is
/// installed now.
pub async fn put_back(
    runner: &dyn Runner,
    file: &Path,
    folder: &Path,
    watch: Watch<'_>,
) -> Result<Option<String>, Fault> {
    marks::shield(folder)?;
    let command = commands::put_back(file, &marks::copy_in(folder));
    let log = Log::of(folder, "put-back");
    let ended = perform(runner, &command, &log, commands::apt_status, watch)
        .await?
        .untroubled()?;
    if ended.status == 0 {
        return Ok(None);
    }
    log.last_words(&ended).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::command::replay::Replay;

    const SAYS: &str = "Package: patchd\nVersion: 1:1.6-1\nArchitecture: amd64\n";
    const NAME: &str = "patchd_1%3a1.6-1_amd64.deb";

    fn package() -> (PackageId, Version) {
        let version = Version::try_from("1:1.6-1".to_owned()).expect("valid");
        (PackageId::parse("patchd", "amd64").expect("valid"), version)
    }

    struct Folders(tempfile::TempDir);

    impl Folders {
        fn new() -> Self {
            let folders = Self(tempfile::tempdir().expect("a folder"));
            for folder in ["cache", "packages"] {
                std::fs::create_dir(folders.0.path().join(folder)).expect("made");
            }
            folders
        }

        fn put(&self, folder: &str) -> PathBuf {
            let path = self.path(folder).join(NAME);
            files::replace(&path, b"a package", 0o644).expect("written");
            path
        }

        fn path(&self, folder: &str) -> PathBuf {
            self.0.path().join(folder)
        }

        async fn keep(&self, runner: &Replay) -> Option<PathBuf> {
            let (id, version) = package();
            let (cache, packages) = (self.path("cache"), self.path("packages"));
            keep_from(runner, &cache, (&id, &version), &packages)
                .await
                .expect("looked")
        }
    }

    #[tokio::test]
    async fn a_file_of_the_operator_is_taken_as_it_is() {
        let folders = Folders::new();
        let file = folders.put("packages");
        let runner = Replay::new().answer(&commands::describe(&file), 0, SAYS, "");
        assert_eq!(folders.keep(&runner).await, Some(file));
    }

    #[tokio::test]
    async fn a_file_of_the_cache_is_copied_and_older_ones_go() {
        let folders = Folders::new();
        let older = folders.path("packages").join("patchd_1.5_amd64.deb");
        files::replace(&older, b"an older one", 0o600).expect("written");
        let foreign = folders.path("packages").join("patchd_1.5_i386.deb");
        files::replace(&foreign, b"of another architecture", 0o600).expect("written");
        let file = folders.put("cache");
        let runner = Replay::new().answer(&commands::describe(&file), 0, SAYS, "");
        let kept = folders.keep(&runner).await.expect("kept");
        assert_eq!(std::fs::read(kept).expect("there"), b"a package");
        assert!(!older.exists());
        assert!(foreign.exists(), "another architecture keeps its way back");
    }

    #[tokio::test]
    async fn a_file_that_is_another_package_is_no_way_back() {
        let folders = Folders::new();
        let file = folders.put("packages");
        let (id, version) = package();
        let other = SAYS.replace("1.6", "1.5");
        let fetch = commands::fetch(&id, &version, &folders.path("packages"));
        let runner = Replay::new()
            .answer(&commands::describe(&file), 0, &other, "")
            .answer(&fetch, 100, "", "E: no such version")
            .answer(&commands::describe(&file), 0, &other, "");
        assert_eq!(folders.keep(&runner).await, None);
    }

    #[test]
    fn only_putting_back_may_downgrade() {
        let command = commands::put_back(Path::new("/p/patchd.deb"), Path::new("/r/marks"));
        let argv = command.argv();
        let last = argv
            .iter()
            .rfind(|word| word.starts_with("APT::Get::allow-downgrades"));
        assert_eq!(last, Some(&"APT::Get::allow-downgrades=true"));
        assert!(argv.contains(&"Dpkg::Options::=--force-confold"));
        assert_eq!(argv.last(), Some(&"/p/patchd.deb"));
    }
}
