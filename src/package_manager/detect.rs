//! Which package manager this machine has.

use std::path::Path;

use crate::model::Distribution;
use crate::os::command::Runner;
use crate::os::machine;

use super::apt::Apt;
use super::fault::Fault;
use super::settings::Settings;

/// apt has these; an `apt-get` without dpkg drives rpm and is none of ours.
const APT: [&str; 2] = ["/usr/bin/apt-get", "/usr/bin/dpkg"];

/// The package manager of this machine.
pub fn detect(runner: Box<dyn Runner>, settings: Settings) -> Result<Apt, Fault> {
    let distribution = machine::distribution().ok();
    supported(distribution.as_ref(), |program| Path::new(program).exists())?;
    Ok(Apt::new(runner, settings))
}

fn supported(
    distribution: Option<&Distribution>,
    present: impl Fn(&str) -> bool,
) -> Result<(), Fault> {
    let Some(absent) = APT.into_iter().find(|program| !present(program)) else {
        return Ok(());
    };
    let name = distribution.map_or("a system without os-release", |it| it.id.as_str());
    Err(Fault::Unsupported(format!("{name} without {absent}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_dpkg_is_named_and_refused() {
        let fedora = Distribution {
            id: "fedora".to_owned(),
            version: None,
            codename: None,
        };
        let fault = supported(Some(&fedora), |program| program.ends_with("apt-get"))
            .expect_err("unsupported");
        assert_eq!(
            fault.to_string(),
            "no supported package manager here: fedora without /usr/bin/dpkg; patchd runs on Debian and its kin for now"
        );
        assert!(supported(Some(&fedora), |_| true).is_ok());
    }
}
