//! Why `apt-get` failed, as far as its words can be told apart. Diagnostics
//! only: nothing is decided from them but which fault it is.

use super::super::credentials;
use crate::model::PackageName;

/// How much of its words is worth keeping.
const SHOWN: usize = 600;

/// What a failed `apt-get` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Its words on one line.
    pub words: String,
    /// Packages that it names as the obstacle.
    pub packages: Vec<PackageName>,
    /// Whether what was asked for cannot be had, as opposed to any other failure.
    pub unsolvable: bool,
}

/// Reads both outputs.
#[must_use]
pub fn parse(stdout: &str, stderr: &str) -> Complaint {
    let (errors, mut packages): (Vec<&str>, Vec<PackageName>) = (
        stderr
            .lines()
            .filter_map(|line| line.strip_prefix("E: "))
            .collect(),
        stderr.lines().filter_map(missing).collect(),
    );
    let mut unmet: Vec<&str> = Vec::new();
    let listing = stdout
        .lines()
        .skip_while(|line| !line.contains("unmet dependencies"))
        .skip(1)
        .take_while(|line| line.starts_with(' '));
    for line in listing {
        unmet.push(line.trim());
        packages.extend(subject(line));
    }
    packages.dedup();
    let unsolvable = !unmet.is_empty()
        || errors.iter().any(|error| {
            error.contains("held broken packages")
                || error.starts_with("Unable to locate package")
                || (error.starts_with("Version '") && error.ends_with("was not found"))
        });
    let said: Vec<&str> = errors.into_iter().chain(unmet).collect();
    let words = if said.is_empty() {
        "it gave no reason".to_owned()
    } else {
        let shown = credentials::hidden(&said.join("; "));
        shown.chars().take(SHOWN).collect()
    };
    Complaint {
        words,
        packages,
        unsolvable,
    }
}

/// ` name : Depends: …`, also ` name:i386 : …`
fn subject(line: &str) -> Option<PackageName> {
    let (word, _) = line.trim_start().split_once(" : ")?;
    name(word)
}

/// `E: Version '9.9' for 'plain' was not found`, `E: Unable to locate package plain`
fn missing(line: &str) -> Option<PackageName> {
    let error = line.strip_prefix("E: ")?;
    if let Some(word) = error.strip_prefix("Unable to locate package ") {
        return name(word);
    }
    let (_, rest) = error.strip_prefix("Version '")?.split_once("' for '")?;
    name(rest.split_once('\'')?.0)
}

fn name(word: &str) -> Option<PackageName> {
    let name = word.split(':').next()?.trim();
    PackageName::try_from(name.to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! said {
        ($name:literal) => {
            parse(
                include_str!(concat!("../../../../tests/fixtures/apt/", $name)),
                include_str!(concat!("../../../../tests/fixtures/apt/", $name, ".err")),
            )
        };
    }

    fn names(complaint: &Complaint) -> Vec<&str> {
        complaint.packages.iter().map(PackageName::as_str).collect()
    }

    #[test]
    fn unmet_dependencies_name_who_has_them() {
        for complaint in [
            said!("12/box/install-unmet.txt"),
            said!("13/box/install-unmet.txt"),
        ] {
            assert!(complaint.unsolvable);
            assert_eq!(names(&complaint), ["wants-missing"]);
            assert!(
                complaint.words.contains("Depends: nowhere"),
                "{}",
                complaint.words
            );
        }
    }

    #[test]
    fn a_version_or_package_that_is_gone_is_named() {
        for complaint in [
            said!("12/box/install-no-version.txt"),
            said!("13/box/install-no-version.txt"),
        ] {
            assert!(complaint.unsolvable);
            assert_eq!(names(&complaint), ["plain"]);
        }
        let complaint = said!("12/box/install-no-package.txt");
        assert_eq!(names(&complaint), ["nowhere-at-all"]);
    }

    #[test]
    fn a_complaint_shows_no_password() {
        let complaint = parse("", "E: Failed to fetch https://u:secret@h/x  401\n");
        assert_eq!(complaint.words, "Failed to fetch https://h/x  401");
    }

    #[test]
    fn an_interrupted_dpkg_is_no_question_of_versions() {
        let complaint = parse(
            "",
            "E: dpkg was interrupted, you must run 'dpkg --configure -a'\n",
        );
        assert!(!complaint.unsolvable);
    }
}
