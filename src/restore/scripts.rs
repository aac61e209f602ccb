//! Scripts of a version that will not let itself be replaced: they are laid
//! aside, and what stands in their place says yes.

use std::path::Path;

use super::database::Stanza;
use super::fault::{RestoreError, file};
use super::site::Site;
use super::store::{gone, make_private};
use crate::os::files;

/// The scripts that a version runs when it goes.
const FAREWELLS: [&str; 2] = ["prerm", "postrm"];

const YES: &[u8] = b"#!/bin/sh\nexit 0\n";

/// Lays the scripts of these packages aside, in `folder`.
pub fn silence(site: &Site, stanzas: &[&Stanza<'_>], folder: &Path) -> Result<(), RestoreError> {
    make_private(folder).map_err(file(folder))?;
    for stanza in stanzas {
        for script in FAREWELLS {
            let name = format!("{}.{script}", stanza.base);
            let path = site.dpkg(&format!("info/{name}"));
            let aside = folder.join(&name);
            if !path.exists() || aside.exists() {
                continue;
            }
            let bytes = std::fs::read(&path).map_err(file(&path))?;
            files::replace(&aside, &bytes, 0o755).map_err(file(&aside))?;
            files::replace(&path, YES, 0o755).map_err(file(&path))?;
        }
    }
    Ok(())
}

/// Gives those back whose version is still there; the others have the scripts of
/// the version that came.
pub fn give_back(site: &Site, stanzas: &[&Stanza<'_>], folder: &Path) -> Result<(), RestoreError> {
    for stanza in stanzas {
        for script in FAREWELLS {
            let name = format!("{}.{script}", stanza.base);
            let aside = folder.join(&name);
            if !aside.exists() {
                continue;
            }
            let path = site.dpkg(&format!("info/{name}"));
            let bytes = std::fs::read(&aside).map_err(file(&aside))?;
            files::replace(&path, &bytes, 0o755).map_err(file(&path))?;
        }
    }
    gone(std::fs::remove_dir_all(folder)).map_err(file(folder))
}
