//! `/run/reboot-required` and its list of packages, as Debian's own tools write
//! and read them. The next boot takes both away.

use std::collections::BTreeSet;
use std::path::Path;

use super::reboot::Owed;
use crate::os::files;

/// The text that login messages show.
const TEXT: &[u8] = b"*** System restart required ***\n";

/// A list longer than this is nobody's, bytes.
const CAP: u64 = 1 << 20;

/// Has others see that a reboot is owed. What others wrote there stays.
pub fn raise_flag(root: &Path, owed: &[Owed]) -> std::io::Result<()> {
    if owed.is_empty() {
        return Ok(());
    }
    let flag = root.join("run/reboot-required");
    if !flag.exists() {
        files::replace(&flag, TEXT, 0o644)?;
    }
    let list = root.join("run/reboot-required.pkgs");
    let known = match files::read_bounded(&list, CAP) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(cause),
        known => known.unwrap_or_default(),
    };
    let known: BTreeSet<&str> = known.lines().collect();
    let packages: BTreeSet<String> = owed.iter().filter_map(Owed::package).collect();
    if packages
        .iter()
        .all(|package| known.contains(package.as_str()))
    {
        return Ok(());
    }
    let all: BTreeSet<&str> = known
        .into_iter()
        .chain(packages.iter().map(String::as_str))
        .collect();
    let text: String = all.iter().flat_map(|package| [package, "\n"]).collect();
    files::replace(&list, text.as_bytes(), 0o644)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_grows_and_keeps_what_others_wrote() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(root.path().join("run")).expect("made");
        let list = root.path().join("run/reboot-required.pkgs");
        files::replace(&list, b"zfs\n", 0o644).expect("written");
        let replaced = |package: &str| Owed::Replaced(package.into());
        raise_flag(root.path(), &[replaced("libc6")]).expect("written");
        raise_flag(root.path(), &[replaced("libc6"), replaced("dbus")]).expect("written");
        let text = files::read_bounded(&list, CAP).expect("there");
        assert_eq!(text, "dbus\nlibc6\nzfs\n");
        assert!(root.path().join("run/reboot-required").exists());
    }

    #[test]
    fn without_a_reason_there_is_no_flag() {
        let root = tempfile::tempdir().expect("a folder");
        raise_flag(root.path(), &[]).expect("nothing to do");
        assert!(!root.path().join("run").exists());
    }
}
