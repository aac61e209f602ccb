//! The head of a `Release` or `InRelease` file. apt has verified the signature
//! when it put the file there; we read its words.

use jiff::Timestamp;

use crate::model::Origin;

use super::stanza::field;

/// What a repository says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// `Origin:`.
    pub origin: String,
    /// `Label:`.
    pub label: String,
    /// `Suite:`.
    pub suite: String,
    /// `Codename:`.
    pub codename: String,
    /// When it was published.
    pub date: Option<Timestamp>,
    /// After this it must not be relied on.
    pub valid_until: Option<Timestamp>,
    /// `NotAutomatic: yes`: apt takes nothing from here without being asked to.
    pub not_automatic: bool,
    /// The package indexes it lists, and whether they hold anything.
    listed: Vec<(String, bool)>,
}

/// Reads the whole file; fields that we do not know are none of our business.
#[must_use]
pub fn parse(text: &str) -> Release {
    let mut release = Release::default();
    for line in text.lines() {
        if line == "-----BEGIN PGP SIGNATURE-----" {
            break;
        }
        if let Some(entry) = line.strip_prefix(' ') {
            release.listed.extend(listed(entry));
        } else if let Some((name, value)) = field(line) {
            release.take(name, value);
        }
    }
    release
}

/// `checksum size name`
fn listed(entry: &str) -> Option<(String, bool)> {
    let mut words = entry.split_ascii_whitespace();
    let (_, size, name) = (words.next()?, words.next()?, words.next()?);
    let holds = size.parse::<u64>().ok()? > 0;
    name.ends_with("Packages").then(|| (name.to_owned(), holds))
}

impl Release {
    fn take(&mut self, name: &str, value: &str) {
        match name {
            "Origin" => value.clone_into(&mut self.origin),
            "Label" => value.clone_into(&mut self.label),
            "Suite" => value.clone_into(&mut self.suite),
            "Codename" => value.clone_into(&mut self.codename),
            "Date" => self.date = time(value),
            "Valid-Until" => self.valid_until = time(value),
            "NotAutomatic" => self.not_automatic = value == "yes",
            _ => {}
        }
    }

    /// As offers name it. A repository without a codename is known by its suite.
    #[must_use]
    pub fn origin(&self) -> Origin {
        let codename = if self.codename.is_empty() {
            &self.suite
        } else {
            &self.codename
        };
        Origin {
            name: self.origin.clone(),
            label: self.label.clone(),
            codename: codename.clone(),
        }
    }

    /// Whether it says that this index exists and holds something.
    #[must_use]
    pub fn lists(&self, meta_key: &str) -> bool {
        self.listed
            .iter()
            .any(|(name, holds)| name == meta_key && *holds)
    }

    /// Whether it says that this index exists and is empty: apt fetches none such.
    #[must_use]
    pub fn lists_empty(&self, meta_key: &str) -> bool {
        self.listed
            .iter()
            .any(|(name, holds)| name == meta_key && !holds)
    }
}

/// `Wed, 25 Nov 2026 22:17:41 UTC`: RFC 2822 but for the name of the zone.
fn time(value: &str) -> Option<Timestamp> {
    let (clock, zone) = value.rsplit_once(' ')?;
    let zone = match zone {
        "UTC" | "GMT" | "Z" => "+0000",
        other => other,
    };
    jiff::fmt::rfc2822::parse(&format!("{clock} {zone}"))
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECURITY: &str = include_str!("../../../../tests/fixtures/apt/12/InRelease-security");
    const BACKPORTS: &str = include_str!("../../../../tests/fixtures/apt/12/InRelease-backports");

    #[test]
    fn a_signed_file_is_read_like_an_unsigned_one() {
        let release = parse(SECURITY);
        assert_eq!(release.origin().label, "Debian-Security");
        assert_eq!(release.origin().codename, "bookworm-security");
        assert_eq!(release.valid_until, "2026-11-25T22:17:41Z".parse().ok());
        assert_eq!(release.date, "2026-11-18T22:17:41Z".parse().ok());
        assert!(!release.not_automatic);
        assert!(release.lists("contrib/binary-amd64/Packages"));
        assert!(!release.lists("main/binary-riscv64/Packages"));
    }

    #[test]
    fn backports_say_that_nothing_is_taken_from_them_unasked() {
        assert!(parse(BACKPORTS).not_automatic);
    }

    #[test]
    fn a_repository_without_a_codename_is_known_by_its_suite() {
        let release = parse("Label: x\nSuite: stable\nDate: Sat, 1 Aug 2026 1:02:03 +0200\n");
        assert_eq!(release.origin().codename, "stable");
    }
}
