//! Where apt keeps its things on this machine, and which package cache our
//! questions use: apt's own as long as it is there and up to date, else one of
//! ours, because without any each question costs a second more.

use std::collections::BTreeMap;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::model::Architecture;
use crate::os::command::Runner;
use crate::os::{environment, machine};
use crate::package_manager::Fault;

use super::parse::apt_config;
use super::{credentials, own_pins, questions};

/// Root's own cache, where no other user may write, nor exchange a folder above.
const ROOT_CACHE: &str = "/var/lib/patchd-worker/apt-cache";

/// apt as it is configured here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The machine's architecture.
    pub native: Architecture,
    /// `ID` in os-release; what the distribution's own repositories are known by.
    pub distribution: String,
    /// dpkg's database.
    pub status: PathBuf,
    /// Where the indexes lie.
    pub lists: PathBuf,
    /// `/var/lib/apt`.
    pub state: PathBuf,
    /// Files and folders that decide what apt does, with the endings that apt
    /// reads in a folder; a file has none.
    pub configuration: Vec<(PathBuf, &'static [&'static str])>,
    /// Where files with pins lie.
    pub preferences: PathBuf,
    /// A folder with the pins of others alone, for a look past our own.
    pub others_pins: Option<PathBuf>,
    /// Whether pins may prefer one version to another.
    pub pins: bool,
    /// A folder with a package cache of ours; absent where apt's own is used.
    pub own_cache: Option<PathBuf>,
}

impl View {
    /// Asks `apt-config`.
    pub async fn of(runner: &dyn Runner) -> Result<Self, Fault> {
        let question = questions::configuration();
        let output = runner.ask(&question).await?;
        if output.status != 0 {
            return Err(Fault::Failed {
                program: "apt-config",
                words: credentials::hidden(&output.last_words()),
                advice: "run `apt-config dump` to see which configuration file is at fault",
            });
        }
        let values = apt_config::parse(&output.text())
            .map_err(|line| line.from_source("apt-config shell"))?;
        let mut view = Self::from_values(&values)?;
        view.distribution = machine::distribution().map_or_else(|_| String::new(), |it| it.id);
        let cache = values.get("PACKAGE_CACHE").map_or("", String::as_str);
        if !usable(Path::new(cache), &view) {
            view.own_cache = own_cache();
        }
        Ok(view)
    }

    /// The machine as if we kept no version away. Where there is no place of our
    /// own to say so from, what we keep away looks like what others have pinned.
    pub fn past_own_pins(mut self) -> Self {
        if self.preferences.join(own_pins::FILE).exists() {
            let shadow = own_cache().map(|folder| folder.join("preferences.d"));
            self.others_pins = shadow.filter(|it| own_pins::without(&self.preferences, it).is_ok());
        }
        self
    }

    /// What `apt-config` answered, without a look at the disk.
    pub(super) fn from_values(values: &BTreeMap<String, String>) -> Result<Self, Fault> {
        let value = |name: &str| values.get(name).map_or("", String::as_str);
        let garbage = |name: &str| Fault::Garbage {
            source_of: "apt-config shell".to_owned(),
            line: format!("{name}={:?}", value(name)),
        };
        let path = |name: &str| {
            let path = PathBuf::from(value(name));
            path.is_absolute()
                .then_some(path)
                .ok_or_else(|| garbage(name))
        };
        let configuration = [
            ("MAIN", [].as_slice()),
            ("PARTS", &["", "conf"]),
            ("SOURCE_LIST", &[]),
            ("SOURCE_PARTS", &["list", "sources"]),
            ("PREFERENCES", &[]),
            ("PREFERENCES_PARTS", &["", "pref"]),
        ];
        Ok(Self {
            native: Architecture::try_from(value("NATIVE").to_owned())
                .map_err(|_| garbage("NATIVE"))?,
            distribution: String::new(),
            status: path("STATUS")?,
            lists: path("LISTS")?,
            state: path("STATE")?,
            configuration: configuration
                .into_iter()
                .map(|(name, endings)| Ok((path(name)?, endings)))
                .collect::<Result<_, Fault>>()?,
            pins: !value("DEFAULT_RELEASE").is_empty()
                || holds_something(Path::new(value("PREFERENCES")))
                || holds_something(Path::new(value("PREFERENCES_PARTS"))),
            preferences: path("PREFERENCES_PARTS")?,
            others_pins: None,
            own_cache: None,
        })
    }
}

/// Whether a file has content, or a folder entries. What we may not see holds
/// something; that is a gap of its own.
fn holds_something(path: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else {
        return false;
    };
    if metadata.is_dir() {
        return std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_some());
    }
    metadata.len() > 0
}

/// Whether apt would use its own cache: it is a file that we may read, and not
/// older than what it was made from.
fn usable(cache: &Path, view: &View) -> bool {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|it| it.modified()).ok();
    let Some(made) = cache.is_file().then(|| modified(cache)).flatten() else {
        return false;
    };
    std::fs::File::open(cache).is_ok()
        && [&view.status, &view.lists]
            .iter()
            .all(|input| modified(input).is_none_or(|changed| changed <= made))
}

/// The folder of our own cache, made if need be. None where there is no place
/// that is ours alone: what lies in it is mapped into apt as it is.
fn own_cache() -> Option<PathBuf> {
    let folder = if rustix::process::geteuid().is_root() {
        PathBuf::from(ROOT_CACHE)
    } else {
        environment::user_cache()?.join("patchd/apt")
    };
    let partial = folder.join("archives/partial");
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&partial)
        .ok()?;
    let alone = ours_alone(folder.parent()?) && ours_alone(&folder);
    alone.then_some(folder)
}

fn ours_alone(folder: &Path) -> bool {
    std::fs::symlink_metadata(folder).is_ok_and(|it| {
        it.is_dir()
            && it.uid() == rustix::process::geteuid().as_raw()
            && it.permissions().mode() & 0o022 == 0
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse::apt_config;
    use super::*;

    const ANSWER: &str = "NATIVE='amd64'\nSTATUS='/var/lib/dpkg/status'\nLISTS='/var/lib/apt/lists/'\nSTATE='/var/lib/apt/'\nPACKAGE_CACHE=''\nMAIN='/etc/apt/apt.conf'\nPARTS='/etc/apt/apt.conf.d/'\nSOURCE_LIST='/etc/apt/sources.list'\nSOURCE_PARTS='/etc/apt/sources.list.d/'\nPREFERENCES='/etc/apt/preferences'\nPREFERENCES_PARTS='/etc/apt/preferences.d/'\n";

    fn view(answer: &str) -> Result<View, Fault> {
        View::from_values(&apt_config::parse(answer).expect("known"))
    }

    #[test]
    fn every_place_is_known() {
        let view = view(ANSWER).expect("complete");
        assert_eq!(view.status, Path::new("/var/lib/dpkg/status"));
        assert_eq!(view.configuration.len(), 6);
    }

    #[test]
    fn pins_are_looked_for_where_apt_reads_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().display().to_string();
        let answer = ANSWER
            .replace("/etc/apt/preferences.d/", &at)
            .replace("/etc/apt/preferences'", "/no/such/file'");
        assert!(!view(&answer).expect("complete").pins);
        let release = format!("{answer}DEFAULT_RELEASE='stable'\n");
        assert!(view(&release).expect("complete").pins);
        std::fs::File::create(folder.path().join("pin")).expect("made");
        assert!(view(&answer).expect("complete").pins);
    }

    #[test]
    fn a_place_that_is_not_told_is_not_guessed() {
        assert!(view(&ANSWER.replace("/var/lib/dpkg/status", "")).is_err());
        assert!(view(&ANSWER.replace("amd64", "")).is_err());
    }

    #[test]
    fn a_package_cache_older_than_the_database_is_of_no_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let written = |name: &str, hour: u64| {
            let file = std::fs::File::create(at(name)).expect("made");
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_hours(hour);
            file.set_modified(time).expect("set");
        };
        let mut view = view(ANSWER).expect("complete");
        (view.status, view.lists) = (at("status"), at("no-lists"));
        written("status", 2);
        written("pkgcache.bin", 3);
        assert!(usable(&at("pkgcache.bin"), &view));
        written("status", 4);
        assert!(!usable(&at("pkgcache.bin"), &view));
        assert!(!usable(Path::new(""), &view));
    }
}
