//! Scripts of a version that will not let itself be replaced: they are laid
//! aside, and what stands in their place says yes.

use std::path::{Path, PathBuf};

use super::database::Stanza;
use super::fault::{RestoreError, file};
use super::site::Site;
use super::store::{gone, make_private};
use crate::model::Version;
use crate::os::files;

/// The scripts that a version runs when it goes.
const FAREWELLS: [&str; 2] = ["prerm", "postrm"];

const YES: &[u8] = b"#!/bin/sh\nexit 0\n";

/// Lays the scripts of these packages aside, in `folder`.
pub fn silence(site: &Site, stanzas: &[&Stanza<'_>], folder: &Path) -> Result<(), RestoreError> {
    make_private(folder).map_err(file(folder))?;
    for stanza in stanzas {
        for script in FAREWELLS {
            let (path, aside) = places(site, stanza, script, folder);
            if !path.exists() {
                continue;
            }
            let bytes = std::fs::read(&path).map_err(file(&path))?;
            // Silenced already, before the way back was cut short.
            if bytes == YES {
                continue;
            }
            files::replace(&aside, &bytes, 0o755).map_err(file(&aside))?;
            files::replace(&path, YES, 0o755).map_err(file(&path))?;
        }
    }
    Ok(())
}

/// Gives those back whose version is still there; the others have the scripts of
/// the version that came, even where that is only half configured.
pub fn give_back(site: &Site, stanzas: &[&Stanza<'_>], folder: &Path) -> Result<(), RestoreError> {
    for stanza in stanzas {
        for script in FAREWELLS {
            let (path, aside) = places(site, stanza, script, folder);
            if !aside.exists() {
                continue;
            }
            let bytes = std::fs::read(&aside).map_err(file(&aside))?;
            files::replace(&path, &bytes, 0o755).map_err(file(&path))?;
        }
    }
    gone(std::fs::remove_dir_all(folder)).map_err(file(folder))
}

/// Where a script is for dpkg, and where it is laid aside: under the version that
/// it belongs to, which dpkg may have replaced before it failed.
fn places(site: &Site, stanza: &Stanza<'_>, script: &str, folder: &Path) -> (PathBuf, PathBuf) {
    let name = format!("{}.{script}", stanza.base);
    let version = stanza.version.as_ref().map_or("", Version::as_str);
    let aside = folder.join(format!("{name}@{version}"));
    (site.dpkg(&format!("info/{name}")), aside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::database;

    const NEWER: &[u8] =
        b"Package: xx\nStatus: install ok installed\nArchitecture: all\nVersion: 2\n";
    const OLDER: &[u8] =
        b"Package: xx\nStatus: install ok half-configured\nArchitecture: all\nVersion: 1\n";

    /// The prerm of version 2 is silenced; then dpkg does this, and gives up. What
    /// stands there in the end.
    fn in_the_end(dpkg_writes: Option<&[u8]>, left: &[u8]) -> Vec<u8> {
        let root = tempfile::tempdir().expect("a folder");
        let site = Site::below(root.path()).expect("there");
        let (prerm, aside) = (site.dpkg("info/xx.prerm"), root.path().join("aside"));
        std::fs::create_dir_all(site.dpkg("info")).expect("made");
        files::replace(&prerm, b"newer", 0o755).expect("written");
        let newer = database::stanza(NEWER).expect("a stanza");
        silence(&site, &[&newer], &aside).expect("laid aside");
        assert_eq!(std::fs::read(&prerm).expect("there"), YES);
        if let Some(bytes) = dpkg_writes {
            files::replace(&prerm, bytes, 0o755).expect("written");
        }
        let left = database::stanza(left).expect("a stanza");
        give_back(&site, &[&left], &aside).expect("given back");
        assert!(!aside.exists());
        std::fs::read(&prerm).expect("there")
    }

    #[test]
    fn a_version_that_stays_has_its_scripts_again() {
        assert_eq!(in_the_end(None, NEWER), b"newer");
    }

    #[test]
    fn an_older_version_that_is_not_configured_yet_has_its_own_scripts() {
        assert_eq!(in_the_end(Some(b"older"), OLDER), b"older");
    }
}
