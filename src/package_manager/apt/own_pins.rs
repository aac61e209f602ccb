//! Pins of our own, in a file beside the operator's: a version in it comes in by
//! nobody's hand, a newer one does. Whoever deletes a stanza, or the file, has
//! let the version in again.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::Path;

use super::super::fault::Fault;
use super::Apt;
use super::execution::file_fault;
use super::parse::stanza;
use super::view::View;
use crate::model::{KeptAway, PackageName, Version};
use crate::os::files;

/// The first pin that fits a version counts, and apt reads files by name.
pub(super) const FILE: &str = "00patchd-quarantine.pref";

/// The longest such file that is read, bytes.
const CAP: u64 = 16 << 20;

/// Pinned so, a version is never chosen.
const NEVER: &str = "-1";

impl Apt {
    pub(super) async fn read_own_pins(&self) -> Result<BTreeSet<KeptAway>, Fault> {
        let view = View::of(self.runner.as_ref()).await?;
        let path = view.preferences.join(FILE);
        match files::read_bounded(&path, CAP) {
            Ok(text) => Ok(parse(&text)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(cause) => Err(file_fault(&path)(cause)),
        }
    }

    pub(super) async fn write_own_pins(&self, versions: &BTreeSet<KeptAway>) -> Result<(), Fault> {
        let view = View::of(self.runner.as_ref()).await?;
        let path = view.preferences.join(FILE);
        let written = if versions.is_empty() {
            match fs::remove_file(&path) {
                Err(cause) if cause.kind() != ErrorKind::NotFound => Err(cause),
                _ => Ok(()),
            }
        } else {
            files::replace(&path, render(versions).as_bytes(), 0o644)
        };
        written.map_err(file_fault(&path))
    }
}

/// Nothing but names and versions: other words could be pins to apt.
fn render(versions: &BTreeSet<KeptAway>) -> String {
    let stanza = |KeptAway { source, version }: &KeptAway| {
        format!(
            "Explanation: in quarantine; `patchd quarantine` says why and until when\n\
             Explanation: whoever deletes this stanza lets the version in again\n\
             Package: src:{source}\nPin: version {version}\nPin-Priority: {NEVER}\n"
        )
    };
    let stanzas: Vec<String> = versions.iter().map(stanza).collect();
    stanzas.join("\n")
}

fn parse(text: &str) -> BTreeSet<KeptAway> {
    stanza::stanzas(text).filter_map(pin).collect()
}

/// A stanza that somebody has changed is none of ours any more.
fn pin(text: &str) -> Option<KeptAway> {
    let field = |name: &str| {
        let mut fields = stanza::fields(text);
        fields.find_map(|(known, value)| (known == name).then_some(value))
    };
    let source = field("Package")?.strip_prefix("src:")?;
    let version = field("Pin")?.strip_prefix("version ")?;
    if field("Pin-Priority")? != NEVER {
        return None;
    }
    Some(KeptAway {
        source: PackageName::try_from(source.to_owned()).ok()?,
        version: Version::try_from(version.to_owned()).ok()?,
    })
}

/// Makes `shadow` a folder that holds what `folder` does, without our own pins.
/// What is there already stays: somebody else may be reading it.
pub(super) fn without(folder: &Path, shadow: &Path) -> std::io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(shadow) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => return Err(cause),
        _ => {}
    }
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        names.insert(entry?.file_name());
    }
    names.remove(std::ffi::OsStr::new(FILE));
    for entry in fs::read_dir(shadow)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_right = fs::read_link(entry.path()).is_ok_and(|to| to == folder.join(&name));
        if !(is_right && names.remove(&name)) {
            fs::remove_file(entry.path())?;
        }
    }
    for name in names {
        symlink(folder.join(&name), shadow.join(&name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(source: &str, version: &str) -> KeptAway {
        KeptAway {
            source: PackageName::try_from(source.to_owned()).expect("valid"),
            version: Version::try_from(version.to_owned()).expect("valid"),
        }
    }

    #[test]
    fn a_pin_is_read_as_it_was_written() {
        let versions = BTreeSet::from([
            kept("openssl", "3.0.22-1~deb12u2"),
            kept("gcc-12", "4:12.2.0-3"),
            kept("gcc-12", "12.2.0-14+deb12u1"),
        ]);
        let text = render(&versions);
        assert_eq!(parse(&text), versions);
        assert!(
            text.contains(
                "Package: src:openssl\nPin: version 3.0.22-1~deb12u2\nPin-Priority: -1\n"
            )
        );
    }

    #[test]
    fn a_stanza_that_somebody_changed_or_removed_keeps_nothing_away() {
        let text = "Package: src:aa\nPin: version 1\nPin-Priority: 500\n\n\
                    # gone\n\nPackage: src:bb\nPin: release a=stable\nPin-Priority: -1\n\n\
                    Package: cc\nPin: version 1\nPin-Priority: -1\n\nPackage: src:dd\n\n\
                    Package: src:ee\nPin: version 2*\nPin-Priority: -1\n\n\
                    Package: src:ff\nPin: version 2\nPin-Priority: -1";
        assert_eq!(parse(text), BTreeSet::from([kept("ff", "2")]));
    }

    #[test]
    fn the_shadow_has_all_pins_but_ours_and_follows_what_changes() {
        let parent = tempfile::tempdir().expect("a folder");
        let (folder, shadow) = (parent.path().join("real"), parent.path().join("shadow"));
        fs::create_dir(&folder).expect("made");
        let names = |of: &Path| {
            let entries = fs::read_dir(of).expect("there");
            let names = entries.map(|it| {
                it.expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            });
            names.collect::<BTreeSet<String>>()
        };
        for name in ["backports", "nginx.pref", FILE] {
            files::replace(&folder.join(name), b"", 0o644).expect("written");
        }
        without(&folder, &shadow).expect("made");
        assert_eq!(
            names(&shadow),
            ["backports", "nginx.pref"].map(str::to_owned).into()
        );
        fs::rename(folder.join("backports"), folder.join("testing")).expect("renamed");
        fs::remove_file(shadow.join("nginx.pref")).expect("gone");
        symlink("/etc/passwd", shadow.join("nginx.pref")).expect("linked");
        without(&folder, &shadow).expect("made");
        assert_eq!(
            names(&shadow),
            ["nginx.pref", "testing"].map(str::to_owned).into()
        );
        let to = fs::read_link(shadow.join("nginx.pref")).expect("a link");
        assert_eq!(to, folder.join("nginx.pref"));
    }
}
