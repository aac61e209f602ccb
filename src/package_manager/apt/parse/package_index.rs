//! A `Packages` file, in one pass. It may hold a hundred thousand stanzas of
//! which a few hundred matter, so the others are skipped line by line without
//! being looked at.

use std::io::{BufRead, Read};

use crate::model::{Architecture, PackageName, SourceVersion, Version};

use super::stanza::{field, source};

/// No field that we read is longer; what is, is cut.
const LINE_CAP: u64 = 64 << 10;

/// One version that an index offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Which package.
    pub name: PackageName,
    /// For which architecture.
    pub architecture: Architecture,
    /// Which version.
    pub version: Version,
    /// Built from.
    pub source: SourceVersion,
    /// Size of the archive, bytes.
    pub download_bytes: Option<u64>,
    /// Size on disk, bytes.
    pub installed_bytes: Option<u64>,
    /// Offered to this share of hosts, percent; absent means all.
    pub phased: Option<u8>,
}

/// How the reading went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Stanzas seen.
    pub stanzas: usize,
    /// Stanzas that could not be understood.
    pub garbled: usize,
}

/// Hands every stanza of a package that is `wanted` to `keep`.
pub fn scan(
    text: &mut dyn BufRead,
    wanted: &dyn Fn(&str) -> bool,
    keep: &mut dyn FnMut(Offered),
) -> std::io::Result<Tally> {
    let mut tally = Tally::default();
    let mut line = Vec::with_capacity(256);
    let mut stanza = Stanza::default();
    loop {
        let more = read_line(text, &mut line)?;
        let words = std::str::from_utf8(&line).unwrap_or_default();
        if !more || line.is_empty() {
            tally.count(std::mem::take(&mut stanza), wanted, keep);
        } else if let Some((name, value)) = field(words) {
            stanza.begun = true;
            // Nearly every index has the name first: then the rest need not be read.
            if name == "Package" && !wanted(value) {
                tally.stanzas += 1;
                stanza = Stanza::default();
                skip_stanza(text)?;
            } else {
                stanza.take(name, value);
            }
        } else {
            stanza.begun = true;
        }
        if !more {
            return Ok(tally);
        }
    }
}

/// One line without its end; false at the end of the text.
fn read_line(text: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let read = text.take(LINE_CAP).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read as u64 == LINE_CAP {
        text.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

/// To behind the next blank line.
fn skip_stanza(text: &mut dyn BufRead) -> std::io::Result<()> {
    while text.skip_until(b'\n')? > 1 {}
    Ok(())
}

#[derive(Default)]
struct Stanza {
    begun: bool,
    package: String,
    architecture: String,
    version: String,
    source: Option<String>,
    size: Option<u64>,
    installed_kib: Option<u64>,
    phased: Option<u8>,
}

impl Stanza {
    fn take(&mut self, name: &str, value: &str) {
        match name {
            "Package" => value.clone_into(&mut self.package),
            "Architecture" => value.clone_into(&mut self.architecture),
            "Version" => value.clone_into(&mut self.version),
            "Source" => self.source = Some(value.to_owned()),
            "Size" => self.size = value.parse().ok(),
            "Installed-Size" => self.installed_kib = value.parse().ok(),
            "Phased-Update-Percentage" => self.phased = value.parse().ok(),
            _ => {}
        }
    }

    fn finish(self) -> Option<Offered> {
        let name = PackageName::try_from(self.package).ok()?;
        let version = Version::try_from(self.version).ok()?;
        Some(Offered {
            source: source(self.source.as_deref(), &name, &version)?,
            name,
            architecture: Architecture::try_from(self.architecture).ok()?,
            version,
            download_bytes: self.size,
            installed_bytes: self.installed_kib.and_then(|kib| kib.checked_mul(1024)),
            phased: self.phased.filter(|percent| *percent < 100),
        })
    }
}

impl Tally {
    fn count(
        &mut self,
        stanza: Stanza,
        wanted: &dyn Fn(&str) -> bool,
        keep: &mut dyn FnMut(Offered),
    ) {
        if !stanza.begun {
            return;
        }
        self.stanzas += 1;
        if !stanza.package.is_empty() && !wanted(&stanza.package) {
            return;
        }
        match stanza.finish() {
            Some(offered) => keep(offered),
            None => self.garbled += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: &str = include_str!("../../../../tests/fixtures/apt/box-Packages");

    fn read(text: &str, wanted: &[&str]) -> (Vec<Offered>, Tally) {
        let mut found = Vec::new();
        let tally = scan(
            &mut text.as_bytes(),
            &|name| wanted.contains(&name),
            &mut |offered| found.push(offered),
        );
        (found, tally.expect("readable"))
    }

    #[test]
    fn only_wanted_packages_are_kept_and_all_are_counted() {
        let (found, tally) = read(BOX, &["plain", "phased", "both"]);
        let names: Vec<&str> = found.iter().map(|offered| offered.name.as_str()).collect();
        assert_eq!(names, ["plain", "both", "both", "phased"]);
        assert_eq!((tally.stanzas, tally.garbled), (19, 0));
    }

    #[test]
    fn the_fields_that_matter_are_read() {
        let (found, _) = read(BOX, &["plain", "phased"]);
        let plain = found.first().expect("kept");
        assert_eq!(plain.source.name.as_str(), "plain-source");
        assert_eq!(plain.source.version.as_str(), "1.1-0");
        assert_eq!(plain.download_bytes, Some(4096));
        assert_eq!(plain.installed_bytes, Some(12 << 10));
        assert_eq!(plain.phased, None);
        assert_eq!(found.get(1).and_then(|offered| offered.phased), Some(0));
    }

    #[test]
    fn the_name_need_not_come_first_and_the_last_blank_line_may_be_missing() {
        let (found, tally) = read("Version: 1\nArchitecture: all\nPackage: aa", &["aa"]);
        assert_eq!((found.len(), tally.stanzas), (1, 1));
        let (found, _) = read("Version: 1\nArchitecture: all\nPackage: bb", &["aa"]);
        assert!(found.is_empty());
    }

    #[test]
    fn what_is_no_stanza_is_counted_as_garbled() {
        let (found, tally) = read("<html>\n<p>moved</p>\n\nPackage: aa\nVersion: 1\n", &["aa"]);
        assert!(found.is_empty());
        assert_eq!((tally.stanzas, tally.garbled), (2, 2));
    }

    #[test]
    fn a_line_without_end_costs_no_memory_and_no_neighbour() {
        let text = format!(
            "Package: aa\nDepends: {}\nVersion: 1\nArchitecture: all\n",
            "x, ".repeat(100_000)
        );
        let (found, _) = read(&text, &["aa"]);
        assert_eq!(found.len(), 1);
    }
}
