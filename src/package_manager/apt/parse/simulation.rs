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
