//! Would the machine come up again? Pure, but for looking at files.

use std::path::Path;

/// Packages that a machine does not boot without, by the beginning of their names.
const BOOT: [&str; 30] = [
    "linux-image",
    "linux-modules",
    "linux-base",
    "linux-signed",
    "initramfs-tools",
    "dracut",
    "busybox",
    "grub",
    "shim",
    "efibootmgr",
    "flash-kernel",
    "u-boot",
    "libc6",
    "libc-bin",
    "libgcc-s1",
    "libcrypt1",
    "libselinux1",
    "systemd",
    "libsystemd",
    "udev",
    "libudev",
    "init",
    "sysvinit",
    "kmod",
    "libkmod",
    "lvm2",
    "mdadm",
    "cryptsetup",
    "zfs",
    "dkms",
];

/// The first thing that the next boot could fail at, out of the sentences of a
/// package database that is not sound.
#[must_use]
pub fn unsound(sentences: &[String]) -> Option<String> {
    let of_the_boot = |sentence: &&String| {
        let name = sentence.split(' ').next().unwrap_or_default();
        // What dpkg says of itself tells of no package in particular.
        name == "dpkg" || BOOT.iter().any(|start| name.starts_with(start))
    };
    let sentence = sentences.iter().find(of_the_boot)?;
    Some(format!(
        "{sentence}, and the machine may not come up without it; mend it, then reboot by hand"
    ))
}

/// What of the kernel that will be booted is missing below `root`. `running` is
/// the one that has proved itself here: what it has, the other must have.
#[must_use]
pub fn incomplete(root: &Path, running: &str, next: &str) -> Option<String> {
    let kernel = |release: &str| root.join(format!("boot/vmlinuz-{release}"));
    let initramfs = |release: &str| root.join(format!("boot/initrd.img-{release}"));
    let modules = |release: &str| {
        let folder = root.join("usr/lib/modules").join(release);
        folder.join("modules.dep")
    };
    let broken = |what: &str, path: &Path| {
        let path = path.display();
        format!("{what} {path} is missing or empty; run `dpkg-reconfigure linux-image-{next}`")
    };
    if !has_content(&kernel(next)) {
        return Some(broken("the kernel", &kernel(next)));
    }
    if next != running {
        if has_content(&modules(running)) && !has_content(&modules(next)) {
            return Some(broken("the module list", &modules(next)));
        }
        if has_content(&initramfs(running)) && !has_content(&initramfs(next)) {
            return Some(broken("the initramfs", &initramfs(next)));
        }
    } else if initramfs(next).exists() && !has_content(&initramfs(next)) {
        return Some(broken("the initramfs", &initramfs(next)));
    }
    let menu = root.join("boot/grub/grub.cfg");
    let half = root.join("boot/grub/grub.cfg.new");
    if half.exists() || (menu.exists() && !has_content(&menu)) {
        return Some(format!(
            "GRUB's configuration {} was not written to its end; run `update-grub`",
            menu.display()
        ));
    }
    None
}

fn has_content(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_boot_needs_stands_against_it() {
        let table = [
            ("linux-image-6.1.0-56-amd64 is half-configured", true),
            ("initramfs-tools has triggers pending", true),
            ("grub-pc is unpacked and not configured", true),
            ("libc6 is half-configured", true),
            ("dpkg was interrupted: 3 unmerged entries", true),
            ("dpkg --audit says: something", true),
            ("nginx is half-configured", false),
            ("lab-fails is half-configured", false),
        ];
        for (sentence, stands) in table {
            assert_eq!(
                unsound(&[sentence.to_owned()]).is_some(),
                stands,
                "{sentence}"
            );
        }
        assert_eq!(unsound(&[]), None);
    }

    fn machine(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = root.path().join(file.trim_start_matches('!'));
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            let content: &[u8] = if file.starts_with('!') { b"" } else { b"x" };
            crate::os::files::replace(&path, content, 0o644).expect("written");
        }
        root
    }

    const OLD: [&str; 4] = [
        "boot/vmlinuz-1",
        "boot/initrd.img-1",
        "usr/lib/modules/1/modules.dep",
        "boot/grub/grub.cfg",
    ];

    fn missing(more: &[&str]) -> Option<String> {
        let root = machine(&[&OLD, more].concat());
        incomplete(root.path(), "1", "2")
    }

    #[test]
    fn a_kernel_is_booted_only_with_all_that_the_old_one_has() {
        let whole = [
            "boot/vmlinuz-2",
            "boot/initrd.img-2",
            "usr/lib/modules/2/modules.dep",
        ];
        assert_eq!(missing(&whole), None);
        for left_out in 0..whole.len() {
            let mut files = whole.to_vec();
            files.remove(left_out);
            assert!(missing(&files).is_some(), "{files:?}");
        }
        let empty = [
            "boot/vmlinuz-2",
            "!boot/initrd.img-2",
            "usr/lib/modules/2/modules.dep",
        ];
        assert!(missing(&empty).is_some_and(|why| why.contains("initramfs")));
        let half = [&whole[..], &["boot/grub/grub.cfg.new"]].concat();
        assert!(missing(&half).is_some_and(|why| why.contains("update-grub")));
    }

    #[test]
    fn a_machine_that_boots_without_initramfs_goes_on_doing_so() {
        let root = machine(&["boot/vmlinuz-1", "boot/vmlinuz-2"]);
        assert_eq!(incomplete(root.path(), "1", "2"), None);
        assert_eq!(incomplete(root.path(), "1", "1"), None);
    }
}
