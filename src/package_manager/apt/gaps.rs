//! What we could not read. A look that misses a source or a pin may be wrong
//! in both directions, so it must not be taken for the truth.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::view::View;

/// How apt says that it could not read part of its configuration.
const COMPLAINT: &str = "W: Unable to read ";

/// Why, when there is nothing to read.
const ABSENT: &str = "(2: ";

/// Every unreadable file of apt's configuration, a sentence each. Credentials
/// (`auth.conf`) decide nothing here and are meant to be unreadable.
pub(super) fn in_configuration(view: &View, complaints: &[u8]) -> BTreeSet<String> {
    let mut gaps = BTreeSet::new();
    for (path, endings) in &view.configuration {
        if endings.is_empty() {
            gaps.extend(unreadable_file(path));
        } else {
            gaps.extend(in_folder(path, endings));
        }
    }
    gaps.extend(from_apt(&String::from_utf8_lossy(complaints)));
    gaps
}

/// Every index that is here and cannot be read, a sentence each.
pub(super) fn in_lists(view: &View) -> Vec<String> {
    let entries = match std::fs::read_dir(&view.lists) {
        Ok(entries) => entries,
        Err(cause) => return vec![sentence(&view.lists, &cause)],
    };
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.contains("_Packages") || name.ends_with("Release")
        })
        .filter_map(|path| unreadable_file(&path))
        .collect()
}

/// A sentence when the file is there and cannot be opened.
pub(super) fn unreadable_file(path: &Path) -> Option<String> {
    match std::fs::File::open(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => None,
        Err(cause) => Some(sentence(path, &cause)),
        Ok(_) => None,
    }
}

/// What cannot be read, and what to do about it.
pub(super) fn sentence(path: &Path, cause: &std::io::Error) -> String {
    let path = path.display();
    match cause.kind() {
        ErrorKind::PermissionDenied => format!("cannot read {path}; run as root to see all of it"),
        ErrorKind::NotFound => format!("{path} is gone; run `apt-get update`"),
        _ => format!("cannot read {path}: {cause}; look at it as root"),
    }
}

fn in_folder(folder: &Path, endings: &[&str]) -> Vec<String> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(cause) => return vec![sentence(folder, &cause)],
    };
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| is_read_by_apt(path, endings))
        .filter_map(|path| unreadable_file(&path))
        .collect()
}

/// apt reads names of letters, digits, `_`, `-` and dots with one of these
/// endings; hidden files and everything else it passes over.
fn is_read_by_apt(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && endings.contains(&ending.as_ref())
}

/// `W: Unable to read /etc/apt/x - open (13: Permission denied)`
fn from_apt(complaints: &str) -> BTreeSet<String> {
    complaints
        .lines()
        .filter_map(|line| line.strip_prefix(COMPLAINT)?.rsplit_once(" - "))
        .map(|(path, cause)| {
            // A folder without its last slash, as our own look names it.
            let path: PathBuf = Path::new(path).components().collect();
            if cause.contains(ABSENT) {
                let path = path.display();
                return format!("there is no {path}; apt has no sources at all, put them back");
            }
            sentence(&path, &ErrorKind::PermissionDenied.into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_cannot_read_is_told_from_what_is_not_there() {
        let complaints = "W: Unable to read /etc/apt/x/ - open (13: Permission denied)\n\
            W: Unable to read /etc/apt/sources.list - RealFileExists (2: No such file or directory)\n\
            W: Something else\n";
        let told: Vec<String> = from_apt(complaints).into_iter().collect();
        assert_eq!(
            told,
            [
                "cannot read /etc/apt/x; run as root to see all of it",
                "there is no /etc/apt/sources.list; apt has no sources at all, put them back",
            ]
        );
    }
}
