//! `/var/lib/dpkg/status`: what is installed, and what the administrator holds.

use std::collections::BTreeMap;

use crate::model::{Architecture, PackageId, SourceVersion, Version};

use super::UnknownLine;
use super::simulation::Named;
use super::stanza;

/// Every package of which something is on disk besides configuration files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DpkgStatus {
    packages: BTreeMap<PackageId, Installed>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// What is on disk.
    pub version: Version,
    /// What it is built from.
    pub source: SourceVersion,
    /// Other sources that went into it.
    pub built_using: Vec<SourceVersion>,
    /// `apt-mark hold`.
    pub held: bool,
    /// Unpacked and configured; triggers may still be owed.
    pub sound: bool,
}

/// Reads the file. Fields that we do not use are not looked at.
pub fn parse(text: &str) -> Result<DpkgStatus, UnknownLine> {
    let mut packages = BTreeMap::new();
    let mut entry = Entry::default();
    for line in text.lines().chain(std::iter::once("")) {
        if line.is_empty() {
            packages.extend(std::mem::take(&mut entry).finish()?);
        } else if let Some((name, value)) = stanza::field(line) {
            entry.take(name, value);
        }
    }
    Ok(DpkgStatus { packages })
}

#[derive(Default)]
struct Entry<'a> {
    package: &'a str,
    status: &'a str,
    architecture: &'a str,
    version: &'a str,
    source: Option<&'a str>,
    built_using: &'a str,
}

impl<'a> Entry<'a> {
    fn take(&mut self, name: &str, value: &'a str) {
        match name {
            "Package" => self.package = value,
            "Status" => self.status = value,
            "Architecture" => self.architecture = value,
            "Version" => self.version = value,
            "Source" => self.source = Some(value),
            "Built-Using" => self.built_using = value,
            _ => {}
        }
    }

    fn finish(self) -> Result<Option<(PackageId, Installed)>, UnknownLine> {
        if self.package.is_empty() && self.status.is_empty() {
            return Ok(None);
        }
        let unknown = |text: &str| UnknownLine::new(&format!("{}: {text}", self.package));
        let mut words = self.status.split_ascii_whitespace();
        let (Some(selection), Some(flag), Some(state), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(unknown(self.status));
        };
        if matches!(state, "not-installed" | "config-files") {
            return Ok(None);
        }
        if self.package.is_empty() || self.architecture.is_empty() {
            return Err(unknown("no name or no architecture"));
        }
        // dpkg allows names that no archive has; nothing newer can be on offer.
        let Ok(id) = PackageId::parse(self.package, self.architecture) else {
            return Ok(None);
        };
        let version = Version::try_from(self.version.to_owned())
            .map_err(|fault| unknown(&fault.to_string()))?;
        let own = || SourceVersion {
            name: id.name.clone(),
            version: version.clone(),
        };
        let installed = Installed {
            source: stanza::source(self.source, &id.name, &version).unwrap_or_else(own),
            built_using: stanza::built_using(self.built_using),
            version,
            held: selection == "hold",
            sound: flag == "ok"
                && matches!(state, "installed" | "triggers-awaited" | "triggers-pending"),
        };
        Ok(Some((id, installed)))
    }
}

impl DpkgStatus {
    /// Everything, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&PackageId, &Installed)> {
        self.packages.iter()
    }

    /// One package, whatever its state.
    #[must_use]
    pub fn get(&self, id: &PackageId) -> Option<&Installed> {
        self.packages.get(id)
    }

    /// The package that apt means: without a qualifier the native one or `all`.
    #[must_use]
    pub fn find(&self, named: &Named, native: &Architecture) -> Option<(&PackageId, &Installed)> {
        let first = PackageId {
            name: named.name.clone(),
            // No architecture sorts before this one, so the range below starts at the name.
            architecture: Architecture::try_from("0".to_owned()).ok()?,
        };
        self.packages
            .range(first..)
            .take_while(|(id, _)| id.name == named.name)
            .find(|(id, _)| named.is(&id.name, &id.architecture, native))
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulation::named;
    use super::*;

    const BOX: &str = include_str!("../../../../tests/fixtures/apt/box-status");

    fn found<'a>(status: &'a DpkgStatus, word: &str) -> Option<(&'a PackageId, &'a Installed)> {
        let native = Architecture::try_from("amd64".to_owned()).expect("valid");
        status.find(&named(word).expect("valid"), &native)
    }

    #[test]
    fn holds_architectures_and_left_over_configuration_are_told_apart() {
        let status = parse(BOX).expect("known");
        assert!(found(&status, "held").is_some_and(|(_, it)| it.held && it.sound));
        assert!(found(&status, "plain").is_some_and(|(_, it)| !it.held));
        assert!(found(&status, "gone").is_none());
        let id = |word: &str| found(&status, word).map(|(id, _)| id.to_string());
        assert_eq!(id("everywhere").as_deref(), Some("everywhere:all"));
        assert_eq!(id("both").as_deref(), Some("both:amd64"));
        assert_eq!(id("both:i386").as_deref(), Some("both:i386"));
    }

    #[test]
    fn owed_triggers_are_sound_and_half_a_package_is_not() {
        let with = |state: &str| {
            let text = format!(
                "Package: aa\nStatus: install {state}\nArchitecture: all\nVersion: 1\nSource: src (2)\n"
            );
            let status = parse(&text).expect("known");
            let (_, installed) = status.iter().next().expect("listed");
            assert_eq!(installed.source.name.as_str(), "src");
            installed.sound
        };
        assert!(with("ok installed") && with("ok triggers-pending") && with("ok triggers-awaited"));
        assert!(!with("ok half-configured") && !with("ok unpacked"));
        assert!(!with("reinstreq installed"));
    }

    #[test]
    fn an_odd_name_hides_nobody_else() {
        let stanza = |name: &str, source: &str| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nSource: {source}\n\n"
            )
        };
        let text = stanza("!odd", "aa") + &stanza("aa", "!odd");
        let status = parse(&text).expect("known");
        let found: Vec<_> = status
            .iter()
            .map(|(id, it)| (id.to_string(), it.source.name.to_string()))
            .collect();
        assert_eq!(found, [("aa:all".to_owned(), "aa".to_owned())]);
    }

    #[test]
    fn a_stanza_cut_short_is_refused() {
        assert!(parse("Package: aa\nStatus: install ok\n").is_err());
        assert!(parse("Package: aa\nStatus: install ok installed\nArchitecture: all\n").is_err());
    }
}
