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
            Self::Ubuntu(request) => wanted(ubuntu(package, &request.version)?, request),
            Self::Suse(release, request) => wanted(suse(&package.ecosystem, release)?, request),
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
fn ubuntu(package: &Package, version: &str) -> Result<Option<String>, Reason> {
    let words = package.ecosystem.strip_prefix("Ubuntu:");
    let words = words.ok_or(Reason::Elsewhere)?.split(':');
    let (ours, others): (Vec<&str>, Vec<&str>) = words.partition(|word| *word == version);
    if ours.is_empty() {
        return Err(Reason::Elsewhere);
    }
    let is_pro = others.contains(&"Pro");
    let more = others
        .into_iter()
        .filter(|it| !matches!(*it, "Pro" | "LTS"));
    let more = more.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    Ok(match (more.is_empty(), is_pro) {
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
fn suse(ecosystem: &str, release: &str) -> Result<Option<String>, Reason> {
    let product = ecosystem.strip_prefix("SUSE:Linux Enterprise ");
    let names = ["Server ", "Module for "];
    let product = product.and_then(|it| names.iter().find_map(|name| it.strip_prefix(name)));
    let product = product.ok_or(Reason::Elsewhere)?;
    let version = product.strip_suffix("-LTSS").unwrap_or(product);
    if version == release || version.ends_with(&format!(" {release}")) {
        Ok((version != product).then(|| "ltss".to_owned()))
    } else {
        Err(Reason::Elsewhere)
    }
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

    /// Distribution, version, ecosystem, end of the package's address; the channel,
    /// `-` for the release itself, or why not.
    const TABLE: &str = "
        ubuntu,16.04,Ubuntu:16.04:LTS,xenial,-
        ubuntu,24.10,Ubuntu:24.10,oracular,-
        ubuntu,16.04,Ubuntu:Pro:16.04:LTS,esm-infra/xenial,esm-infra
        ubuntu,16.04,Ubuntu:Pro:16.04:LTS,esm-apps/xenial,esm-apps
        ubuntu,14.04,Ubuntu:Pro:14.04:LTS,trusty/esm,esm-infra
        ubuntu,14.04,Ubuntu:Pro:14.04:LTS,esm-infra-legacy/trusty,OtherChannel
        ubuntu,22.04,Ubuntu:Pro:FIPS-updates:22.04:LTS,,fips-updates
        ubuntu,22.04,Ubuntu:Pro:22.04:LTS:Realtime:Kernel,,OtherChannel
        ubuntu,22.04,Ubuntu:Pro:22.04:LTS,,OtherChannel
        ubuntu,22.04,Ubuntu:20.04:LTS,,Elsewhere
        ubuntu,22.04,Debian:12,,Elsewhere
        debian,12,Debian:12,,-
        debian,12.5,Debian:12,,-
        debian,12,Debian:1,,Elsewhere
        almalinux,9.4,AlmaLinux:9,,-
        opensuse-leap,15.6,openSUSE:Leap 15.6,,-
        opensuse-tumbleweed,20261101,openSUSE:Tumbleweed,,-
        sles,15.5,SUSE:Linux Enterprise Server 15 SP5,,-
        sles,15.5,SUSE:Linux Enterprise Module for Basesystem 15 SP5,,-
        sles,15.3,SUSE:Linux Enterprise Server 15 SP3-LTSS,,OtherChannel
        sles,15.5,SUSE:Linux Enterprise Desktop 15 SP5,,Elsewhere
        sles,15.5,SUSE:Linux Enterprise Server 15 SP4,,Elsewhere
        sles,12,SUSE:Linux Enterprise Server 12,,-
        sles,16.0,SUSE:Linux Enterprise Server 16.0,,-";

    #[test]
    fn the_release_and_its_channels_are_told_apart() {
        for line in TABLE.lines().skip(1) {
            let fields: Vec<&str> = line.trim().split(',').collect();
            let [distribution, version, ecosystem, distro, expected] = fields[..] else {
                panic!("{line}");
            };
            let purl = format!("pkg:deb/ubuntu/bash?arch=source&distro={distro}");
            let found = match channel(distribution, version, ecosystem, &purl) {
                Ok(channel) => channel.unwrap_or_else(|| "-".to_owned()),
                Err(reason) => format!("{reason:?}"),
            };
            assert_eq!(found, expected, "{line}");
        }
    }
}
