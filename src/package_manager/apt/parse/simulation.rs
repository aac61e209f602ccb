//! What `apt-get -s` prints: the transaction line by line, and what stays behind.

use crate::model::{Architecture, PackageName, Version};

use super::UnknownLine;

/// apt 2.6 and later; before, such packages are among those kept back.
const DEFERRED: &str = "The following upgrades have been deferred due to phasing:";
const KEPT_BACK: &str = "The following packages have been kept back:";

/// A simulated transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simulation {
    /// What would be done, in apt's order.
    pub steps: Vec<Step>,
    /// What would be upgraded if nothing stood in the way.
    pub kept_back: Vec<Named>,
    /// What this host is not offered yet.
    pub deferred: Vec<Named>,
}

/// A package as apt names it: the architecture is left out for the native one
/// and for `all`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Which package.
    pub name: PackageName,
    /// Only for a foreign one.
    pub qualifier: Option<Architecture>,
}

/// One line of the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `Inst`: unpacked, new or over an older one.
    Install {
        /// Which package.
        named: Named,
        /// What it replaces.
        from: Option<Version>,
        /// What comes.
        to: Version,
        /// The architecture of what comes.
        architecture: Architecture,
    },
    /// `Remv` or `Purg`.
    Remove {
        /// Which package.
        named: Named,
        /// What goes.
        from: Option<Version>,
    },
}

/// Reads the whole output. Prose is skipped; a transaction line that we do not
/// understand is an error, because the plan would be wrong.
pub fn parse(text: &str) -> Result<Simulation, UnknownLine> {
    let mut simulation = Simulation::default();
    let mut section = Section::Other;
    for line in text.lines() {
        let unknown = || UnknownLine::new(line);
        if let Some(names) = line.strip_prefix("  ") {
            let list = match section {
                Section::KeptBack => &mut simulation.kept_back,
                Section::Deferred => &mut simulation.deferred,
                Section::Other => continue,
            };
            for word in names.split_ascii_whitespace() {
                list.push(named(word).ok_or_else(unknown)?);
            }
            continue;
        }
        section = match line.trim_end() {
            KEPT_BACK => Section::KeptBack,
            DEFERRED => Section::Deferred,
            _ => Section::Other,
        };
        if let Some(rest) = line.strip_prefix("Inst ") {
            simulation.steps.push(install(rest).ok_or_else(unknown)?);
        } else if let Some(rest) = line
            .strip_prefix("Remv ")
            .or_else(|| line.strip_prefix("Purg "))
        {
            simulation.steps.push(remove(rest).ok_or_else(unknown)?);
        }
    }
    Ok(simulation)
}

enum Section {
    KeptBack,
    Deferred,
    Other,
}

impl Simulation {
    /// What would be removed.
    pub fn removed(&self) -> impl Iterator<Item = &Named> {
        self.steps.iter().filter_map(|step| match step {
            Step::Remove { named, .. } => Some(named),
            Step::Install { .. } => None,
        })
    }
}

impl Named {
    /// Whether this is the package of that name and architecture.
    #[must_use]
    pub fn is(
        &self,
        name: &PackageName,
        architecture: &Architecture,
        native: &Architecture,
    ) -> bool {
        let home = || architecture == native || architecture.as_str() == "all";
        self.name == *name
            && match &self.qualifier {
                Some(qualifier) => qualifier == architecture || (qualifier == native && home()),
                None => home(),
            }
    }
}

/// `name` or `name:architecture`.
#[must_use]
pub fn named(word: &str) -> Option<Named> {
    let (name, qualifier) = match word.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (word, None),
    };
    Some(Named {
        name: PackageName::try_from(name.to_owned()).ok()?,
        qualifier: qualifier
            .map(|text| Architecture::try_from(text.to_owned()))
            .transpose()
            .ok()?,
    })
}

/// `name [old] (new origin, origin [architecture]) [what it breaks meanwhile]`
fn install(rest: &str) -> Option<Step> {
    let (word, rest) = rest.split_once(' ')?;
    let (from, rest) = replaced(rest)?;
    // A label may hold brackets of its own; `[architecture])` ends the group.
    let (group, _) = rest.strip_prefix('(')?.split_once("])")?;
    let (to, origins) = group.split_once(' ')?;
    let (_, architecture) = origins.rsplit_once('[')?;
    Some(Step::Install {
        named: named(word)?,
        from,
        to: Version::try_from(to.to_owned()).ok()?,
        architecture: Architecture::try_from(architecture.to_owned()).ok()?,
    })
}

/// `name [old] [what it breaks meanwhile]`
fn remove(rest: &str) -> Option<Step> {
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (from, _) = replaced(rest)?;
    Some(Step::Remove {
        named: named(word)?,
        from,
    })
}

/// An optional `[version]` and what follows it.
fn replaced(rest: &str) -> Option<(Option<Version>, &str)> {
    let Some(inner) = rest.strip_prefix('[') else {
        return Some((None, rest));
    };
    let (version, rest) = inner.split_once(']')?;
    let version = Version::try_from(version.to_owned()).ok()?;
    Some((Some(version), rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWELVE: &str = include_str!("../../../../tests/fixtures/apt/12/dist-upgrade.txt");
    const THIRTEEN: &str = include_str!("../../../../tests/fixtures/apt/13/dist-upgrade.txt");
    const BOX_TWELVE: &str = include_str!("../../../../tests/fixtures/apt/12/box/dist-upgrade.txt");
    const BOX_THIRTEEN: &str =
        include_str!("../../../../tests/fixtures/apt/13/box/dist-upgrade.txt");

    fn line(text: &str) -> Step {
        parse(text).expect("known").steps.remove(0)
    }

    fn words(list: &[Named]) -> Vec<String> {
        list.iter()
            .map(|named| match &named.qualifier {
                Some(qualifier) => format!("{}:{qualifier}", named.name),
                None => named.name.to_string(),
            })
            .collect()
    }

    fn installs(word: &str, from: Option<&str>, to: &str, architecture: &str) -> Step {
        let version = |text: &str| Version::try_from(text.to_owned()).expect("valid");
        Step::Install {
            named: named(word).expect("valid"),
            from: from.map(version),
            to: version(to),
            architecture: Architecture::try_from(architecture.to_owned()).expect("valid"),
        }
    }

    #[test]
    fn every_shape_of_an_inst_line_is_read() {
        let table = [
            (
                "Inst libperl5.36 [5.36.0-7+deb12u2] (5.36.0-7+deb12u3 Debian:12.14/oldstable [amd64]) [perl:amd64 ]",
                installs(
                    "libperl5.36",
                    Some("5.36.0-7+deb12u2"),
                    "5.36.0-7+deb12u3",
                    "amd64",
                ),
            ),
            (
                "Inst tzdata [1] (2 Debian:12.14/oldstable, Debian-Security:12/oldstable-security [all]) []",
                installs("tzdata", Some("1"), "2", "all"),
            ),
            (
                "Inst both:i386 [1:1.0] (1:1.1 Example:stable [i386])",
                installs("both:i386", Some("1:1.0"), "1:1.1", "i386"),
            ),
            (
                "Inst newcomer (1.0 Team [blue] (new):12/x y [amd64])",
                installs("newcomer", None, "1.0", "amd64"),
            ),
            (
                "Inst local (1.0  [amd64])",
                installs("local", None, "1.0", "amd64"),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(line(text), expected, "{text}");
        }
    }

    #[test]
    fn a_removal_is_read_with_and_without_what_it_breaks() {
        let removal = |word: &str| Step::Remove {
            named: named(word).expect("valid"),
            from: Version::try_from("1.0".to_owned()).ok(),
        };
        assert_eq!(line("Remv replaced-lib [1.0] []"), removal("replaced-lib"));
        assert_eq!(line("Remv both:i386 [1.0]"), removal("both:i386"));
        assert_eq!(line("Purg victim [1.0]"), removal("victim"));
    }

    #[test]
    fn a_transaction_line_that_is_not_understood_is_an_error() {
        for bad in [
            "Inst ",
            "Inst aa",
            "Inst aa (1.0)",
            "Inst aa [1 (2 x [amd64])",
            "Remv -x [1]",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_real_archives_hold_back_is_seen() {
        let twelve = parse(TWELVE).expect("known");
        assert_eq!(words(&twelve.kept_back), ["libssl3", "openssl"]);
        assert_eq!(twelve.steps.len(), 14);
        let thirteen = parse(THIRTEEN).expect("known");
        assert_eq!(
            words(&thirteen.kept_back),
            ["libssl3t64", "openssl", "zlib1g"]
        );
        assert_eq!(thirteen.steps.len(), 10);
    }

    #[test]
    fn what_is_deferred_by_phasing_has_a_list_of_its_own_since_apt_3() {
        let twelve = parse(BOX_TWELVE).expect("known");
        assert!(words(&twelve.kept_back).contains(&"phased".to_owned()));
        let thirteen = parse(BOX_THIRTEEN).expect("known");
        assert_eq!(words(&thirteen.deferred), ["phased"]);
        assert_eq!(words(&thirteen.kept_back), ["held", "wants-missing"]);
    }

    #[test]
    fn without_a_qualifier_the_native_architecture_or_all_is_meant() {
        let architecture = |text: &str| Architecture::try_from(text.to_owned()).expect("valid");
        let native = architecture("amd64");
        let is = |word: &str, text: &str| {
            let named = named(word).expect("valid");
            named.is(&named.name, &architecture(text), &native)
        };
        assert!(is("aa", "amd64") && is("aa", "all") && !is("aa", "i386"));
        assert!(is("aa:i386", "i386") && !is("aa:i386", "amd64") && !is("aa:i386", "all"));
    }
}
