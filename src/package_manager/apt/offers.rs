//! Newer versions of what is installed, gathered while the indexes go by.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Architecture, Offer, Origin, PackageId, PackageName, Version};

use super::parse::dpkg_status::DpkgStatus;
use super::parse::package_index::Offered;
use super::parse::release::Release;

/// Every newer version of every installed package.
pub type Newer = BTreeMap<PackageId, BTreeMap<Version, Seen>>;

/// One version that is newer than the installed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who offers it.
    pub offer: Offer,
    /// Built from.
    pub source: PackageName,
    /// Whether a repository offers it that apt trusts; it installs nothing else.
    pub trusted: bool,
    /// Whether a repository offers it that apt takes updates from unasked.
    pub automatic: bool,
    /// Offered to this share of hosts only.
    pub phased: Option<u8>,
}

/// Takes what index after index offers.
#[derive(Debug, Clone)]
pub struct Collector {
    native: Architecture,
    /// By name, because that is what an index is skimmed by.
    installed: HashMap<String, Vec<(PackageId, Version)>>,
    newer: Newer,
}

impl Collector {
    /// Only packages in a sound state can be updated.
    #[must_use]
    pub fn new(status: &DpkgStatus, native: &Architecture) -> Self {
        let mut installed: HashMap<String, Vec<(PackageId, Version)>> = HashMap::new();
        for (id, package) in status.iter().filter(|(_, package)| package.sound) {
            installed
                .entry(id.name.as_str().to_owned())
                .or_default()
                .push((id.clone(), package.version.clone()));
        }
        Self {
            native: native.clone(),
            installed,
            newer: Newer::new(),
        }
    }

    /// Whether a stanza of this package is worth reading.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.installed.contains_key(name)
    }

    /// One stanza of an index of the repository that says `release` of itself.
    pub fn add(&mut self, offered: Offered, release: &Release, trusted: bool) {
        let home = |architecture: &Architecture| {
            if architecture.as_str() == "all" {
                self.native.clone()
            } else {
                architecture.clone()
            }
        };
        let place = home(&offered.architecture);
        let Some((id, _)) = self
            .installed
            .get(offered.name.as_str())
            .into_iter()
            .flatten()
            .find(|(id, version)| home(&id.architecture) == place && offered.version > *version)
        else {
            return;
        };
        let seen = self
            .newer
            .entry(id.clone())
            .or_default()
            .entry(offered.version.clone())
            .or_insert_with(|| Seen::new(offered));
        seen.trusted |= trusted;
        if !trusted {
            return;
        }
        seen.automatic |= !release.not_automatic;
        let origin = release.origin();
        if origin != nameless() && !seen.offer.origins.contains(&origin) {
            seen.offer.origins.push(origin);
        }
    }

    /// What was gathered.
    #[must_use]
    pub fn finish(self) -> Newer {
        self.newer
    }
}

impl Seen {
    fn new(offered: Offered) -> Self {
        Self {
            offer: Offer {
                version: offered.version,
                origins: Vec::new(),
                download_bytes: offered.download_bytes,
                installed_bytes: offered.installed_bytes,
            },
            source: offered.source,
            trusted: false,
            automatic: false,
            phased: offered.phased,
        }
    }

    /// A version that apt knows and no index of ours.
    pub(super) fn unknown(version: &Version) -> Offer {
        Offer {
            version: version.clone(),
            origins: Vec::new(),
            download_bytes: None,
            installed_bytes: None,
        }
    }
}

/// A repository whose Release file says nothing is one that we cannot identify.
fn nameless() -> Origin {
    Release::default().origin()
}
