//! What could be updated, as the package manager's own solver sees it, and
//! what stands in the way.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::package::{PackageId, PackageName};
use super::remedy::Remedy;
use super::repository::{Repository, RepositoryState};
use super::version::Version;
use super::vulnerability::SourceVersion;

/// Everything one look at the package manager found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// False when part of the configuration could not be read: then the list
    /// may be wrong in both directions, and nobody may call the host patched.
    pub complete: bool,
    /// Why it is not complete, a sentence each.
    pub gaps: Vec<String>,
    /// One entry for each installed package with a newer version on offer.
    pub updates: Vec<PendingUpdate>,
    /// The repositories that were looked at.
    pub repositories: Vec<Repository>,
}

/// An installed package for which something newer is on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUpdate {
    /// Which package.
    #[serde(flatten)]
    pub id: PackageId,
    /// The source package it is built from.
    pub source: PackageName,
    /// What is on disk.
    pub installed: Version,
    /// What the package manager would install if nothing held it back.
    pub candidate: Version,
    /// All versions in (installed, candidate], newest first; the candidate is
    /// the first. A security fix may be any of them.
    pub offers: Vec<Offer>,
    /// Why the package manager itself would not install the candidate now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Block>,
    /// A kernel image or what pulls it in.
    pub kernel: bool,
    /// Takes effect only after a reboot: kernel, libc, dbus, microcode, firmware.
    pub needs_reboot: bool,
}

/// One version on offer, and where from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The version.
    pub version: Version,
    /// What it is built from; absent when no index of ours has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_from: Option<SourceVersion>,
    /// Who offers it; empty when no repository that we could identify does.
    pub origins: Vec<Origin>,
    /// What it would close here; absent as long as nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// Size of the archive, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_bytes: Option<u64>,
    /// Size on disk, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_bytes: Option<u64>,
}

/// Where a version comes from, in the words of the repository's Release file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// `Origin:`, such as `Debian`.
    pub name: String,
    /// `Label:`, such as `Debian-Security`.
    pub label: String,
    /// `Codename:`, such as `bookworm-security`.
    pub codename: String,
}

/// What keeps an update from being installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Block {
    /// `apt-mark hold`.
    Hold,
    /// A pin of the administrator prefers another version.
    Pin,
    /// The distribution offers it to a share of hosts, and this one is not among them yet.
    Phasing,
    /// The solver cannot install it with what is on offer.
    Dependency,
    /// Installing it would remove these packages.
    Removal {
        /// What would go.
        packages: Vec<PackageName>,
    },
}

impl Block {
    /// Whether it is about the package, whichever version is meant.
    #[must_use]
    pub fn is_somebodys_will(&self) -> bool {
        matches!(self, Self::Hold | Self::Pin | Self::Phasing)
    }
}

impl Pending {
    /// A repository that was never fetched may offer anything. A run fetches
    /// first and reports it then; a mere look is incomplete.
    pub fn doubt_missing(&mut self) {
        let missing = self
            .repositories
            .iter()
            .filter(|it| it.state == RepositoryState::Missing);
        let gaps: Vec<String> = missing
            .map(|it| {
                format!(
                    "repository {} was never fetched; run `apt-get update`",
                    it.id
                )
            })
            .collect();
        self.complete = self.complete && gaps.is_empty();
        self.gaps.extend(gaps);
    }
}

impl PendingUpdate {
    /// Whether any version on the way is a security fix; `None` when no origin
    /// of any version is known.
    #[must_use]
    pub fn security(&self) -> Option<bool> {
        let known: Vec<bool> = self.offers.iter().filter_map(Offer::security).collect();
        match known.as_slice() {
            [] => None,
            known => Some(known.contains(&true)),
        }
    }
}

impl PendingUpdate {
    /// What one version on offer would close here, as far as anybody can tell.
    #[must_use]
    pub fn remedy(&self, version: &Version) -> Option<&Remedy> {
        let mut offers = self.offers.iter();
        let offer = offers.find(|offer| offer.version == *version)?;
        offer.remedy.as_ref()
    }
}

impl Offer {
    /// Whether an origin labelled security offers it, or it closes something here;
    /// `None` without any known origin.
    #[must_use]
    pub fn security(&self) -> Option<bool> {
        if self.remedy.as_ref().is_some_and(|it| !it.cves.is_empty()) {
            return Some(true);
        }
        match self.origins.as_slice() {
            [] => None,
            origins => Some(origins.iter().any(Origin::is_security)),
        }
    }
}

impl Origin {
    /// Debian and Ubuntu name their security archives differently: a label
    /// `Debian-Security`, or a codename or suite that ends in `-security`.
    #[must_use]
    pub fn is_security(&self) -> bool {
        let label = self.label.to_ascii_lowercase();
        label.split(['-', ' ', '_']).any(|word| word == "security")
            || self.codename.ends_with("-security")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.label, self.codename)
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold => f.write_str("held by `apt-mark hold`"),
            Self::Pin => f.write_str("a pin in the apt preferences prefers another version"),
            Self::Phasing => {
                f.write_str("phased: not yet offered to this host by the distribution")
            }
            Self::Dependency => {
                f.write_str("kept back: its dependencies cannot be satisfied with what is on offer")
            }
            Self::Removal { packages } => {
                let names: Vec<&str> = packages.iter().map(PackageName::as_str).collect();
                write!(
                    f,
                    "would remove {}, which `removals` does not allow",
                    names.join(", ")
                )
            }
        }
    }
}
