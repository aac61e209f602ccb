//! Which machine this is and what runs on it.

use std::path::Path;

use crate::model::{BootId, Distribution, Host, MachineId};

use super::files::read_bounded;

/// More than any of these files holds.
const CAP: u64 = 64 << 10;

/// Name, machine id and boot id.
pub fn host() -> std::io::Result<Host> {
    Ok(Host {
        name: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        machine_id: machine_id(),
        boot_id: boot_id()?,
    })
}

/// The kernel's id of this boot.
pub fn boot_id() -> std::io::Result<BootId> {
    let text = read_bounded(Path::new("/proc/sys/kernel/random/boot_id"), CAP)?;
    Ok(BootId(text.trim().to_owned()))
}

/// Absent where the file is missing, empty or says `uninitialized`.
#[must_use]
pub fn machine_id() -> Option<MachineId> {
    let text = read_bounded(Path::new("/etc/machine-id"), CAP).ok()?;
    let id = text.trim();
    let valid = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| MachineId(id.to_owned()))
}

/// The memory that programs could have at once, bytes; 0 where the kernel does not say.
#[must_use]
pub fn available_memory() -> u64 {
    let text = read_bounded(Path::new("/proc/meminfo"), CAP).unwrap_or_default();
    parse_available(&text).unwrap_or(0)
}

fn parse_available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib.saturating_mul(1024))
}

/// What os-release(5) says, from `/etc`, else from `/usr/lib`.
pub fn distribution() -> std::io::Result<Distribution> {
    read_bounded(Path::new("/etc/os-release"), CAP)
        .or_else(|_| read_bounded(Path::new("/usr/lib/os-release"), CAP))
        .map(|text| parse_distribution(&text))
}

fn parse_distribution(text: &str) -> Distribution {
    let value = |key: &str| {
        text.lines()
            .filter_map(|line| line.trim().split_once('='))
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| unquote(value))
            .next_back()
            .filter(|value| !value.is_empty())
    };
    Distribution {
        // os-release(5): without ID it is `linux`.
        id: value("ID").unwrap_or_else(|| "linux".to_owned()),
        version: value("VERSION_ID"),
        codename: value("VERSION_CODENAME"),
    }
}

/// The values we read are single words; quotes around them are all that is allowed.
fn unquote(value: &str) -> String {
    value.trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_do_not_belong_to_the_value() {
        let text = "# ID=nothing\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        let expected = Distribution {
            id: "debian".to_owned(),
            version: Some("12".to_owned()),
            codename: Some("bookworm".to_owned()),
        };
        assert_eq!(parse_distribution(text), expected);
    }

    #[test]
    fn a_rolling_release_has_no_version() {
        let distribution = parse_distribution("ID=debian\nVERSION_ID=\n");
        assert_eq!(distribution.version, None);
    }

    #[test]
    fn memory_is_told_in_bytes() {
        let text = "MemTotal:       24684280 kB\nMemAvailable:   23495000 kB\n";
        assert_eq!(parse_available(text), Some(23_495_000 << 10));
        assert_eq!(parse_available(""), None);
        assert!(available_memory() > 0);
    }

    #[test]
    fn this_machine_has_a_name_and_a_boot_id() {
        let host = host().expect("readable");
        assert!(!host.name.is_empty());
        assert_eq!(host.boot_id.0.len(), 36);
    }
}
