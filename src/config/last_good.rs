//! The last configuration that was found sound, kept by the worker below a
//! folder of its own, each file under its own path. It is read back like the
//! original, so it merges the same way and names its own files.

use std::fs::{DirBuilder, File};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::sources::FILE;
use super::{Faults, Loaded, Sources, load};
use crate::os::files;
use crate::os::trusted::{Reader, below};

/// What holds now.
#[derive(Debug, Clone)]
pub struct InForce {
    /// The configuration itself, or its last good copy.
    pub loaded: Loaded,
    /// What is wrong with the configuration; then `loaded` is the copy.
    pub faults: Option<Faults>,
}

/// The configuration, or, while it is faulty, its last good copy in `folder`.
/// With neither there is nothing to go on with, and the faults say why.
pub fn in_force(sources: &Sources, folder: &Path, reader: &Reader) -> Result<InForce, Faults> {
    match load(sources, reader) {
        Ok(loaded) => Ok(InForce {
            loaded,
            faults: None,
        }),
        Err(faults) if folder.is_dir() => match load(&copy_of(sources, folder), reader) {
            Ok(loaded) => Ok(InForce {
                loaded,
                faults: Some(faults),
            }),
            // A copy of another version of patchd may not be sound any more.
            Err(_) => Err(faults),
        },
        Err(faults) => Err(faults),
    }
}

/// Keeps the configuration in `folder`, which then holds the new copy or still
/// the old one. Kept is only what was found sound as it was written there.
pub fn keep(sources: &Sources, folder: &Path, reader: &Reader) -> Result<Loaded, KeepError> {
    let loaded = load(sources, reader)?;
    let beside = beside(folder, "new");
    clear(&beside)?;
    make(&beside)?;
    for path in sources.paths(reader) {
        // One that goes while we look was not there.
        let text = reader.text(&sources.root, &path, FILE).map_err(other)?;
        if let Some(text) = text {
            let kept = below(&beside, &path);
            make(kept.parent().unwrap_or(&beside))?;
            files::replace(&kept, text.as_bytes(), 0o640)?;
        }
    }
    if load(&copy_of(sources, &beside), reader)?.settings != loaded.settings {
        let cause = "it was changed while it was read; try again";
        return Err(other(cause).into());
    }
    File::open(&beside)?.sync_all()?;
    exchange(&beside, folder)?;
    clear(&beside)?;
    Ok(loaded)
}

/// Why a configuration was not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It is faulty.
    #[error("{0}")]
    Faults(#[from] Faults),
    /// It is sound, and could not be written.
    #[error(
        "the last good copy of the configuration cannot be written: {0}; check space and mode of its folder"
    )]
    Io(#[from] Error),
}

fn copy_of(sources: &Sources, folder: &Path) -> Sources {
    sources.clone().below(folder)
}

fn exchange(new: &Path, old: &Path) -> std::io::Result<()> {
    match rustix::fs::renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        Err(Errno::NOENT) => std::fs::rename(new, old)?,
        // A file system that cannot: for a moment there is no copy.
        Err(Errno::INVAL | Errno::NOSYS | Errno::XDEV) => {
            let away = beside(old, "old");
            clear(&away)?;
            std::fs::rename(old, &away)?;
            std::fs::rename(new, old)?;
            clear(&away)?;
        }
        done => done?,
    }
    File::open(old.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn beside(folder: &Path, ending: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(folder)
}

fn clear(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

fn other(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::other(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    struct Machine {
        root: TempDir,
        kept: TempDir,
    }

    impl Machine {
        fn new() -> Self {
            let machine = Self {
                root: tempfile::tempdir().expect("a folder"),
                kept: tempfile::tempdir().expect("a folder"),
            };
            std::fs::create_dir_all(machine.root.path().join("etc/patchd/conf.d")).expect("made");
            for folder in ["etc", "etc/patchd", "etc/patchd/conf.d"] {
                let mode = std::fs::Permissions::from_mode(0o755);
                std::fs::set_permissions(machine.root.path().join(folder), mode).expect("set");
            }
            machine
        }

        fn write(&self, path: &str, text: &str) {
            files::replace(&self.root.path().join(path), text.as_bytes(), 0o644).expect("written");
        }

        fn sources(&self) -> Sources {
            Sources::default().below(self.root.path())
        }

        fn folder(&self) -> PathBuf {
            self.kept.path().join("config.last-good")
        }

        fn keep(&self) -> Result<Loaded, KeepError> {
            keep(&self.sources(), &self.folder(), &Reader::this_process())
        }

        fn in_force(&self) -> Result<InForce, Faults> {
            in_force(&self.sources(), &self.folder(), &Reader::this_process())
        }
    }

    const MAIN: &str = "etc/patchd/patchd.toml";
    const DROP_IN: &str = "etc/patchd/conf.d/10-more.toml";

    #[test]
    fn a_faulty_file_does_not_take_the_good_copy_away() {
        let machine = Machine::new();
        machine.write(MAIN, "[verify]\nretries = 7\n");
        machine.write(DROP_IN, "[verify]\nretries = 5\n");
        let good = machine.keep().expect("sound");
        assert_eq!(good.settings.verify.retries, 5);

        machine.write(DROP_IN, "[verify]\nretries = \"many\"\n");
        assert!(matches!(machine.keep(), Err(KeepError::Faults(_))));
        let held = machine.in_force().expect("the copy");
        assert_eq!(held.loaded.settings, good.settings);
        let faults = held.faults.expect("told").to_string();
        assert!(faults.contains(DROP_IN), "{faults}");
    }

    #[test]
    fn a_sound_configuration_holds_without_its_copy_and_replaces_it() {
        let machine = Machine::new();
        machine.write(MAIN, "[verify]\nretries = 7\n");
        machine.write(DROP_IN, "[verify]\nretries = 5\n");
        machine.keep().expect("sound");
        std::fs::remove_file(machine.root.path().join(DROP_IN)).expect("removed");
        machine.keep().expect("sound");
        let held = machine.in_force().expect("sound");
        assert!(held.faults.is_none());
        machine.write(MAIN, "faulty");
        let held = machine.in_force().expect("the copy");
        assert_eq!(held.loaded.settings.verify.retries, 7);
        let beside = std::fs::read_dir(machine.kept.path()).expect("there");
        assert_eq!(beside.count(), 1);
    }

    #[test]
    fn with_no_good_copy_there_is_nothing_to_go_on_with() {
        let machine = Machine::new();
        machine.write(MAIN, "faulty");
        assert!(machine.in_force().is_err());
        std::fs::create_dir(machine.folder()).expect("made");
        // An empty one is a sound one: every value has a default.
        assert!(machine.in_force().is_ok());
    }

    #[test]
    fn the_copy_is_for_its_group_and_nobody_else() {
        let machine = Machine::new();
        machine.write(MAIN, "[verify]\nretries = 7\n");
        machine.keep().expect("sound");
        let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&machine.folder()), 0o750);
        assert_eq!(mode(&machine.folder().join(MAIN)), 0o640);
    }
}
