//! A `Packages` file, in one pass. It may hold a hundred thousand stanzas of
//! which a few hundred matter, so the others are skipped line by line without
//! being looked at.

use std::io::{BufRead, Read};

use crate::model::{Architecture, PackageName, Version};

use super::stanza::{field, source_name};

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
    pub source: PackageName,
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
            "Source" => self.source = Some(source_name(value).to_owned()),
            "Size" => self.size = value.parse().ok(),
            "Installed-Size" => self.installed_kib = value.parse().ok(),
            "Phased-Update-Percentage" => self.phased = value.parse().ok(),
            _ => {}
        }
    }

    fn finish(self) -> Option<Offered> {
        let name = PackageName::try_from(self.package).ok()?;
        let source = match self.source {
            Some(source) => PackageName::try_from(source).ok()?,
            None => name.clone(),
        };
        Some(Offered {
            name,
            architecture: Architecture::try_from(self.architecture).ok()?,
            version: Version::try_from(self.version).ok()?,
            source,
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
