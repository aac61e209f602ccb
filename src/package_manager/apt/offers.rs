//! Newer versions of what is installed, and whose it is, gathered while the
//! indexes go by.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Architecture, Offer, Origin, PackageId, Provenance, Version};

use super::kernels;
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
    /// As os-release names it.
    distribution: String,
    /// By name, because that is what an index is skimmed by.
    installed: HashMap<String, Vec<Watched>>,
    newer: Newer,
}

/// An installed package on the look-out for its name.
#[derive(Debug, Clone)]
struct Watched {
    id: PackageId,
    version: Version,
    /// Only packages in a sound state can be updated.
    sound: bool,
    /// The distribution offers its name.
    known: bool,
    /// Somebody else offers this very version.
    foreign: bool,
}

impl Collector {
    /// Looks out for everything that is installed.
    #[must_use]
    pub fn new(status: &DpkgStatus, native: &Architecture, distribution: &str) -> Self {
        let mut installed: HashMap<String, Vec<Watched>> = HashMap::new();
        for (id, package) in status.iter() {
            let watched = Watched {
                id: id.clone(),
                version: package.version.clone(),
                sound: package.sound,
                known: false,
                foreign: false,
            };
            let named = installed.entry(id.name.as_str().to_owned());
            named.or_default().push(watched);
        }
        Self {
            native: native.clone(),
            distribution: distribution.to_ascii_lowercase(),
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
        let mut named = self
            .installed
            .get_mut(offered.name.as_str())
            .into_iter()
            .flatten();
        let Some(watched) = named.find(|it| home(&it.id.architecture) == place) else {
            return;
        };
        if is_of(&self.distribution, release) {
            watched.known |= trusted;
        } else {
            watched.foreign |= offered.version == watched.version;
        }
        if !watched.sound || offered.version <= watched.version {
            return;
        }
        let id = &watched.id;
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

    /// What was gathered: newer versions, and whose each installed package is.
    #[must_use]
    pub fn finish(self) -> (Newer, BTreeMap<PackageId, Provenance>) {
        let mut watched: Vec<Watched> = self.installed.into_values().flatten().collect();
        watched.sort_by(|one, other| one.id.cmp(&other.id));
        let listed = watched.iter().any(|it| it.known);
        let provenance = |it: Watched| (it.id.clone(), it.provenance(listed));
        (self.newer, watched.into_iter().map(provenance).collect())
    }
}

impl Watched {
    fn provenance(&self, listed: bool) -> Provenance {
        match () {
            () if self.foreign => Provenance::ThirdParty,
            () if self.known => Provenance::Distribution,
            // The name of a kernel leaves the archive with its release.
            () if !listed || kernels::release(&self.id.name).is_some() => Provenance::Untold,
            () => Provenance::ThirdParty,
        }
    }
}

/// Whether it is a repository of this distribution. What is backported belongs
/// to another release, and no feed of this one speaks of it.
fn is_of(distribution: &str, release: &Release) -> bool {
    let origin = release.origin.to_ascii_lowercase();
    let backported = |text: &str| text.to_ascii_lowercase().ends_with("backports");
    !distribution.is_empty()
        && origin.starts_with(distribution)
        && !backported(&release.origin)
        && !backported(&release.suite)
        && !backported(&release.codename)
}

impl Seen {
    fn new(offered: Offered) -> Self {
        Self {
            offer: Offer {
                version: offered.version,
                built_from: Some(offered.source),
                origins: Vec::new(),
                remedy: None,
                download_bytes: offered.download_bytes,
                installed_bytes: offered.installed_bytes,
            },
            trusted: false,
            automatic: false,
            phased: offered.phased,
        }
    }

    /// A version that apt knows and no index of ours.
    pub(super) fn unknown(version: &Version) -> Offer {
        Offer {
            version: version.clone(),
            built_from: None,
            origins: Vec::new(),
            remedy: None,
            download_bytes: None,
            installed_bytes: None,
        }
    }
}

/// A repository whose Release file says nothing is one that we cannot identify.
fn nameless() -> Origin {
    Release::default().origin()
}

#[cfg(test)]
mod tests {
    use super::super::parse::{dpkg_status, package_index, release};
    use super::*;

    /// Name, version, and its architecture if it is not amd64.
    fn stanza(name: &str, version: &str, more: &str) -> String {
        format!("Package: {name}\nArchitecture: amd64\nVersion: {version}\n{more}\n")
    }

    fn collected(status: &str, indexes: &[(&str, &str, bool)]) -> Vec<(String, Provenance)> {
        let status = dpkg_status::parse(status).expect("known");
        let native = Architecture::try_from("amd64".to_owned()).expect("valid");
        let mut collector = Collector::new(&status, &native, "debian");
        for (head, packages, trusted) in indexes {
            let release = release::parse(head);
            let mut found = Vec::new();
            let wanted = |name: &str| collector.wants(name);
            package_index::scan(&mut packages.as_bytes(), &wanted, &mut |it| found.push(it))
                .expect("readable");
            for offered in found {
                collector.add(offered, &release, *trusted);
            }
        }
        let (_, provenance) = collector.finish();
        let named = |(id, it): (PackageId, _)| (id.name.to_string(), it);
        provenance.into_iter().map(named).collect()
    }

    #[test]
    fn the_distributions_own_is_told_from_everybody_elses() {
        let installed = "Status: install ok installed\n";
        let status: String = [
            ("bash", "5.2.15-2"),
            // Older than what is on offer, and of another maker.
            ("docker-ce", "27.0"),
            ("nginx", "1.27.0-1~bookworm"),
            ("curl", "8.10-1~bpo12+1"),
            ("gone", "1.0"),
            ("linux-image-6.1.0-30-amd64", "6.1.124-1"),
            ("openssl", "3.0.15-1"),
        ]
        .iter()
        .map(|(name, version)| stanza(name, version, installed))
        .collect();
        let debian = stanza("bash", "5.2.15-2+b8", "")
            + &stanza("nginx", "1.22.1-9", "")
            + &stanza("curl", "7.88.1-10", "")
            + &stanza("openssl", "3.0.17-1~deb12u2", "");
        let indexes = [
            (
                "Origin: Debian\nCodename: bookworm\n",
                debian.as_str(),
                true,
            ),
            ("Origin: Docker\n", &stanza("docker-ce", "27.0", ""), true),
            (
                "Origin: nginx\n",
                &stanza("nginx", "1.27.0-1~bookworm", ""),
                true,
            ),
            (
                "Origin: Debian Backports\nCodename: bookworm-backports\n",
                &stanza("curl", "8.10-1~bpo12+1", ""),
                true,
            ),
            // Says that it is Debian, and nobody vouches for it.
            ("Origin: Debian\n", &stanza("gone", "1.0", ""), false),
        ];
        let expected = [
            ("bash", Provenance::Distribution),
            ("curl", Provenance::ThirdParty),
            ("docker-ce", Provenance::ThirdParty),
            ("gone", Provenance::ThirdParty),
            ("linux-image-6.1.0-30-amd64", Provenance::Untold),
            ("nginx", Provenance::ThirdParty),
            ("openssl", Provenance::Distribution),
        ];
        let expected = expected.map(|(name, provenance)| (name.to_owned(), provenance));
        assert_eq!(collected(&status, &indexes), expected);
        let untold = collected(&status, &[]);
        assert!(untold.iter().all(|(_, it)| *it == Provenance::Untold));
    }

    #[test]
    fn archives_of_ubuntu_go_by_several_names() {
        let is_of = |distribution: &str, head: &str| is_of(distribution, &release::parse(head));
        assert!(is_of(
            "ubuntu",
            "Origin: UbuntuESMApps\nSuite: jammy-apps-security\n"
        ));
        assert!(!is_of("ubuntu", "Origin: Ubuntu\nSuite: jammy-backports\n"));
        assert!(!is_of("ubuntu", "Origin: LP-PPA-me\nSuite: jammy\n"));
        assert!(!is_of("debian", ""));
    }
}
