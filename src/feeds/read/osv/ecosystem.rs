//! Whether what a record says of a package is about the release that is wanted,
//! and by which channel its fix comes.

use super::Package;
use crate::feeds::read::unreadable::Unreadable;
use crate::feeds::{Reason, Request};

/// How a distribution calls its releases in OSV.
pub(super) enum Ecosystem<'a> {
    /// It has one name, and no channels.
    Named(String),
    /// `Ubuntu:22.04:LTS`, and with more words for each channel.
    Ubuntu(&'a Request),
    /// `SUSE:Linux Enterprise Server 15 SP5`, and each module for itself.
    Suse(String, &'a Request),
}

impl<'a> Ecosystem<'a> {
    /// That of the release that is asked for.
    pub fn of(request: &'a Request) -> Result<Self, Unreadable> {
        let version = request.version.as_str();
        let (major, minor) = version.split_once('.').unwrap_or((version, ""));
        match request.distribution.as_str() {
            "debian" => Ok(Self::Named(format!("Debian:{major}"))),
            "ubuntu" => Ok(Self::Ubuntu(request)),
            "almalinux" => Ok(Self::Named(format!("AlmaLinux:{major}"))),
            "opensuse-leap" => Ok(Self::Named(format!("openSUSE:Leap {version}"))),
            "opensuse-tumbleweed" => Ok(Self::Named("openSUSE:Tumbleweed".to_owned())),
            "sles" if matches!(major, "11" | "12" | "15") && !matches!(minor, "" | "0") => {
                Ok(Self::Suse(format!("{major} SP{minor}"), request))
            }
            "sles" if matches!(major, "11" | "12" | "15") => {
                Ok(Self::Suse(major.to_owned(), request))
            }
            "sles" => Ok(Self::Suse(version.to_owned(), request)),
            other => Err(Unreadable::Request(format!(
                "OSV has no records of {other:?} that are read here; use updateinfo"
            ))),
        }
    }

    /// The channel of a package's fix, none for the release itself.
    pub fn channel(&self, package: &Package) -> Result<Option<String>, Reason> {
        match self {
            Self::Named(name) if package.ecosystem == *name => Ok(None),
            Self::Named(_) => Err(Reason::Elsewhere),
            Self::Ubuntu(request) => {
                let channel = ubuntu(package, &request.version).ok_or(Reason::Elsewhere)?;
                wanted(channel, request)
            }
            Self::Suse(release, request) => {
                let channel = suse(&package.ecosystem, release).ok_or(Reason::Elsewhere)?;
                wanted(channel, request)
            }
        }
    }
}

fn wanted(channel: Option<String>, request: &Request) -> Result<Option<String>, Reason> {
    match channel {
        Some(name) if !request.channels.contains(&name) => Err(Reason::OtherChannel),
        channel => Ok(channel),
    }
}

/// `Ubuntu:Pro:FIPS-updates:22.04:LTS`: the words beside the version, in any order,
/// name the channel. `Pro` alone is two channels; the package's address tells which.
fn ubuntu(package: &Package, version: &str) -> Option<Option<String>> {
    let words = package.ecosystem.strip_prefix("Ubuntu:")?.split(':');
    let (ours, others): (Vec<&str>, Vec<&str>) = words.partition(|word| *word == version);
    if ours.is_empty() {
        return None;
    }
    let is_pro = others.contains(&"Pro");
    let more = others
        .into_iter()
        .filter(|it| !matches!(*it, "Pro" | "LTS"));
    let more = more.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    Some(match (more.is_empty(), is_pro) {
        (false, _) => Some(more),
        (true, true) => Some(esm(package)),
        (true, false) => None,
    })
}

/// `…?arch=source&distro=esm-infra/xenial`, or long ago `distro=trusty/esm`.
fn esm(package: &Package) -> String {
    let address = package.purl.as_deref().unwrap_or_default();
    let distro = address
        .split(['?', '&'])
        .find_map(|it| it.strip_prefix("distro="));
    let mut parts = distro.unwrap_or_default().split('/');
    match parts.find(|part| part.starts_with("esm")) {
        Some("esm") => "esm-infra".to_owned(),
        Some(name) => name.to_owned(),
        None => "pro".to_owned(),
    }
}

/// Server and modules are the release; what is maintained longer for money is not.
fn suse(ecosystem: &str, release: &str) -> Option<Option<String>> {
    let product = ecosystem.strip_prefix("SUSE:Linux Enterprise ")?;
    let product = ["Server ", "Module for "]
        .iter()
        .find_map(|name| product.strip_prefix(name))?;
    let version = product.strip_suffix("-LTSS").unwrap_or(product);
    let is_ours = version == release || version.ends_with(&format!(" {release}"));
    is_ours.then(|| (version != product).then(|| "ltss".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::{Format, PROTOCOL};

    fn channel(
        distribution: &str,
        version: &str,
        ecosystem: &str,
        purl: &str,
    ) -> Result<Option<String>, Reason> {
        let request = Request {
            protocol: PROTOCOL,
            format: Format::Osv,
            distribution: distribution.to_owned(),
            version: version.to_owned(),
            codename: String::new(),
            channels: ["esm-infra", "esm-apps", "fips-updates"]
                .map(str::to_owned)
                .into(),
            architectures: vec![],
        };
        let package = Package {
            ecosystem: ecosystem.to_owned(),
            name: "bash".to_owned(),
            purl: Some(purl.to_owned()),
        };
        Ecosystem::of(&request).expect("known").channel(&package)
    }

    #[test]
    fn the_release_and_its_channels_are_told_apart() {
        let (ubuntu, xenial) = ("ubuntu", "pkg:deb/ubuntu/bash?arch=source&distro=");
        let at = |distro: &str| format!("{xenial}{distro}");
        let table = [
            (ubuntu, "16.04", "Ubuntu:16.04:LTS", at("xenial"), Ok("")),
            (ubuntu, "24.10", "Ubuntu:24.10", at("oracular"), Ok("")),
            (
                ubuntu,
                "16.04",
                "Ubuntu:Pro:16.04:LTS",
                at("esm-infra/xenial"),
                Ok("esm-infra"),
            ),
            (
                ubuntu,
                "16.04",
                "Ubuntu:Pro:16.04:LTS",
                at("esm-apps/xenial"),
                Ok("esm-apps"),
            ),
            (
                ubuntu,
                "14.04",
                "Ubuntu:Pro:14.04:LTS",
                at("trusty/esm"),
                Ok("esm-infra"),
            ),
            (
                ubuntu,
                "14.04",
                "Ubuntu:Pro:14.04:LTS",
                at("esm-infra-legacy/trusty"),
                Err(Reason::OtherChannel),
            ),
            (
                ubuntu,
                "22.04",
                "Ubuntu:Pro:FIPS-updates:22.04:LTS",
                at(""),
                Ok("fips-updates"),
            ),
            (
                ubuntu,
                "22.04",
                "Ubuntu:Pro:22.04:LTS:Realtime:Kernel",
                at(""),
                Err(Reason::OtherChannel),
            ),
            (
                ubuntu,
                "22.04",
                "Ubuntu:20.04:LTS",
                at(""),
                Err(Reason::Elsewhere),
            ),
            ("debian", "12", "Debian:12", at(""), Ok("")),
            ("debian", "12.5", "Debian:12", at(""), Ok("")),
            ("debian", "12", "Debian:1", at(""), Err(Reason::Elsewhere)),
            ("almalinux", "9.4", "AlmaLinux:9", at(""), Ok("")),
            (
                "opensuse-leap",
                "15.6",
                "openSUSE:Leap 15.6",
                at(""),
                Ok(""),
            ),
            (
                "sles",
                "15.5",
                "SUSE:Linux Enterprise Server 15 SP5",
                at(""),
                Ok(""),
            ),
            (
                "sles",
                "15.5",
                "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
                at(""),
                Ok(""),
            ),
            (
                "sles",
                "15.3",
                "SUSE:Linux Enterprise Server 15 SP3-LTSS",
                at(""),
                Err(Reason::OtherChannel),
            ),
            (
                "sles",
                "15.5",
                "SUSE:Linux Enterprise Desktop 15 SP5",
                at(""),
                Err(Reason::Elsewhere),
            ),
            (
                "sles",
                "12",
                "SUSE:Linux Enterprise Server 12",
                at(""),
                Ok(""),
            ),
            (
                "sles",
                "16.0",
                "SUSE:Linux Enterprise Server 16.0",
                at(""),
                Ok(""),
            ),
        ];
        for (distribution, version, ecosystem, purl, expected) in table {
            let found = channel(distribution, version, ecosystem, &purl);
            let found = found.map(Option::unwrap_or_default);
            assert_eq!(found, expected.map(str::to_owned), "{ecosystem}");
        }
    }
}
