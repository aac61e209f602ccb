//! One `<update>`: what is gathered of it, and what that says.

use std::collections::BTreeSet;

use crate::feeds::Reason;
use crate::feeds::read::tally::Tally;
use crate::feeds::read::words;
use crate::model::{CveId, PackageName, Severity, Status, Word};

/// The most vulnerabilities and packages of one update.
const MOST: usize = 20_000;

/// Words by which a vendor takes an update back.
const WITHDRAWN: [&str; 3] = ["retracted", "withdrawn", "obsolete"];

/// Architectures of packages that nobody installs.
const SOURCES: [&str; 2] = ["src", "nosrc"];

/// An attribute of the element at hand.
type Attribute<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is known of an update that is not at its end.
#[derive(Debug, Default)]
pub(super) struct Update {
    withdrawn: bool,
    id: String,
    severity: String,
    issued: Option<jiff::civil::Date>,
    cves: BTreeSet<CveId>,
    module: Option<String>,
    fixed: BTreeSet<Fixed>,
    elsewhere: bool,
    too_long: bool,
}

/// A package with a fix.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fixed {
    name: String,
    version: String,
    module: Option<String>,
}

/// What it says of each package, for all of its vulnerabilities.
pub(super) struct Said {
    /// Which vulnerabilities.
    pub cves: BTreeSet<CveId>,
    /// Of which package what.
    pub words: Vec<(PackageName, Word)>,
}

impl Update {
    /// By the attributes of its own element.
    pub fn of(attribute: Attribute<'_>) -> Self {
        let status = attribute("status").unwrap_or_default().to_ascii_lowercase();
        Self {
            withdrawn: WITHDRAWN.contains(&status.as_str()),
            ..Self::default()
        }
    }

    /// An element within it was opened.
    pub fn element(&mut self, place: &[&str], attribute: Attribute<'_>, architectures: &[String]) {
        match place {
            ["issued"] => self.issued = attribute("date").as_deref().and_then(words::day),
            // A vendor that writes no type writes the id, or only a title.
            ["references", "reference"] => {
                let names = ["id", "title"].into_iter().filter_map(attribute);
                self.cves.extend(names.filter_map(|it| words::cve(&it)));
            }
            ["pkglist", "collection"] => self.module = None,
            ["pkglist", "collection", "module"] => {
                let (name, stream) = (attribute("name"), attribute("stream"));
                self.module = name
                    .zip(stream)
                    .map(|(name, stream)| format!("{name}:{stream}"));
            }
            ["pkglist", "collection", "package"] => self.package(attribute, architectures),
            _ => {}
        }
        self.too_long |= self.cves.len() > MOST || self.fixed.len() > MOST;
    }

    fn package(&mut self, attribute: Attribute<'_>, architectures: &[String]) {
        let architecture = attribute("arch").unwrap_or_default();
        let unwanted = !architectures.is_empty() && !architectures.contains(&architecture);
        if unwanted || SOURCES.contains(&architecture.as_str()) {
            self.elsewhere = true;
        } else if !self.too_long {
            self.fixed.insert(Fixed {
                name: attribute("name").unwrap_or_default(),
                version: version(attribute).unwrap_or_default(),
                module: self.module.clone(),
            });
        }
    }

    /// A text within it; it may come in pieces.
    pub fn text(&mut self, place: &[&str], text: &str) {
        let words = match place {
            ["id"] => &mut self.id,
            ["severity"] => &mut self.severity,
            _ => return,
        };
        // What is longer is no word of ours.
        if words.len() < 256 {
            words.push_str(text);
        }
    }

    /// At its end.
    pub fn said(self, tally: &mut Tally) -> Result<Said, Reason> {
        match () {
            () if self.withdrawn => return Err(Reason::Withdrawn),
            () if self.too_long => return Err(Reason::Malformed),
            () if self.cves.is_empty() => return Err(Reason::NoCve),
            () if self.fixed.is_empty() && self.elsewhere => return Err(Reason::Elsewhere),
            () if self.fixed.is_empty() => return Err(Reason::Malformed),
            () => {}
        }
        let label = words::label(&self.id);
        let severity = words::severity(&self.severity);
        let mut said = Vec::new();
        for fixed in &self.fixed {
            let word = fixed.word(severity, label.clone(), self.issued);
            said.extend(tally.kept(word));
        }
        Ok(Said {
            cves: self.cves,
            words: said,
        })
    }
}

impl Fixed {
    fn word(
        &self,
        severity: Option<Severity>,
        label: Option<String>,
        published: Option<jiff::civil::Date>,
    ) -> Result<(PackageName, Word), Reason> {
        let status = Status::Fixed {
            version: words::version(&self.version)?,
        };
        let word = Word {
            status,
            severity,
            channel: self.module.clone().filter(|it| words::label(it).is_some()),
            label,
            published,
        };
        Ok((words::package(&self.name)?, word))
    }
}

/// `epoch:version-release`; an epoch of 0 may be written, empty or missing.
fn version(attribute: Attribute<'_>) -> Option<String> {
    let (version, release) = (attribute("version")?, attribute("release")?);
    match attribute("epoch").as_deref() {
        None | Some("" | "0" | "(none)") => Some(format!("{version}-{release}")),
        Some(epoch) => Some(format!("{epoch}:{version}-{release}")),
    }
}
