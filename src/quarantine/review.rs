//! What has settled itself since: pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::book::{Book, Entry, Suspect};
use crate::model::{KeptAway, PackageId, PackageName, Version};

/// The machine as it is now.
#[derive(Debug)]
pub struct Seen<'a> {
    /// What the package manager still keeps away for us.
    pub pins: &'a BTreeSet<KeptAway>,
    /// What is installed of [`Book::packages`].
    pub installed: &'a BTreeMap<PackageId, Version>,
    /// Now.
    pub now: Timestamp,
}

/// Why something is not kept away any more.
enum Settled {
    Over,
    Installed,
    LiftedByHand,
}

impl Book {
    /// Every package that a review wants to know the version of.
    #[must_use]
    pub fn packages(&self) -> Vec<PackageId> {
        let suspects = self.entries.iter().flat_map(|entry| &entry.suspects);
        let changes = suspects.flat_map(|suspect| &suspect.changes);
        let ids: BTreeSet<PackageId> = changes.map(|change| change.id.clone()).collect();
        ids.into_iter().collect()
    }

    /// Lets in again whatever has come to its end, is installed by now (or
    /// something newer is), or whose pin somebody has removed. A sentence each.
    pub fn review(&mut self, seen: &Seen<'_>) -> Vec<String> {
        let mut sentences = Vec::new();
        for entry in &mut self.entries {
            let until = entry.until;
            entry
                .suspects
                .retain(|suspect| match settled(suspect, until, seen) {
                    Some(why) => {
                        sentences.push(sentence(suspect, &why));
                        false
                    }
                    None => true,
                });
        }
        self.tidy();
        sentences
    }
}

fn settled(suspect: &Suspect, until: Timestamp, seen: &Seen<'_>) -> Option<Settled> {
    let pinned = |version: KeptAway| seen.pins.contains(&version);
    if until <= seen.now {
        Some(Settled::Over)
    } else if suspect.is_installed(seen.installed) {
        Some(Settled::Installed)
    } else if !suspect.on_trial && !suspect.versions().all(pinned) {
        Some(Settled::LiftedByHand)
    } else {
        None
    }
}

fn sentence(suspect: &Suspect, why: &Settled) -> String {
    let source = &suspect.source;
    match why {
        Settled::Over => format!("{source} has been kept away long enough and may come in again"),
        Settled::Installed if suspect.on_trial => {
            format!("{source} came in on trial, did no harm, and is cleared")
        }
        Settled::Installed => {
            format!("{source} is installed in the version that was kept away, or in a newer one")
        }
        Settled::LiftedByHand => {
            format!("{source} may come in again: somebody has removed its pin")
        }
    }
}

impl Suspect {
    fn is_installed(&self, installed: &BTreeMap<PackageId, Version>) -> bool {
        self.changes.iter().any(|change| {
            let here = installed.get(&change.id);
            here.zip(change.to.as_ref())
                .is_some_and(|(here, suspected)| here >= suspected)
        })
    }
}

impl Entry {
    /// The sources that it keeps away or tries, for one line.
    #[must_use]
    pub fn sources(&self) -> Vec<&PackageName> {
        self.suspects.iter().map(|it| &it.source).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::culprit::Accusation;
    use super::*;
    use crate::model::{Change, RunId};

    fn version(text: &str) -> Version {
        Version::try_from(text.to_owned()).expect("valid")
    }

    fn id(name: &str) -> PackageId {
        PackageId::parse(name, "amd64").expect("valid")
    }

    /// openssl 3.1 out of two packages.
    fn book() -> Book {
        let change = |name| Change {
            id: id(name),
            from: Some(version("3.0")),
            to: Some(version("3.1")),
        };
        let mut book = Book::default();
        let accusation = Accusation {
            suspects: vec![Suspect {
                source: PackageName::try_from("openssl".to_owned()).expect("valid"),
                changes: vec![change("libssl3"), change("openssl")],
                on_trial: false,
            }],
            known: true,
            reason: "it broke".to_owned(),
            evidence: vec![],
        };
        book.accuse(accusation, RunId::new(1, 1), Timestamp::UNIX_EPOCH);
        book
    }

    fn reviewed(
        pins: &BTreeSet<KeptAway>,
        installed: &[(&str, &str)],
        hours: i64,
    ) -> (Vec<String>, usize) {
        let mut book = book();
        let installed = installed
            .iter()
            .map(|(name, text)| (id(name), version(text)))
            .collect();
        let seen = Seen {
            pins,
            installed: &installed,
            now: Timestamp::from_second(hours * 3600).expect("in range"),
        };
        (book.review(&seen), book.entries.len())
    }

    #[test]
    fn what_settles_itself_is_let_in_with_a_sentence() {
        let pins = book().kept_away();
        let none = BTreeSet::new();
        let old = [("libssl3", "3.0"), ("openssl", "3.0")];
        let table = [
            (&pins, old.as_slice(), 0, ""),
            (&pins, &old, 167, ""),
            (&pins, &old, 168, "long enough"),
            (&pins, &[("libssl3", "3.2")], 0, "a newer one"),
            (&pins, &[("libssl3", "3.1")], 0, "a newer one"),
            (&pins, &[], 0, ""),
            (&none, &old, 0, "removed its pin"),
        ];
        for (pins, installed, hours, words) in table {
            let (sentences, entries) = reviewed(pins, installed, hours);
            if words.is_empty() {
                assert_eq!((sentences, entries), (vec![], 1));
            } else {
                assert!(sentences[0].contains(words), "{sentences:?}");
                assert_eq!(entries, 0);
            }
        }
    }

    #[test]
    fn a_book_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(super::super::FILE);
        assert_eq!(Book::read(&path).expect("none"), Book::default());
        book().write(&path).expect("written");
        assert_eq!(Book::read(&path).expect("read"), book());
        crate::os::files::replace(&path, b"{}", 0o640).expect("written");
        assert!(Book::read(&path).is_err());
    }
}
