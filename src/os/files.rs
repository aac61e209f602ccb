//! Files, written so that a crash leaves the old or the new content, and read
//! with a bound.

use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Replaces `path` with `content` at once: written beside it, synced, renamed,
/// and the folder synced. The mode is as asked for, whatever the umask.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = folder.join(name);
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .custom_flags(no_follow())
        .open(&beside)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

/// Reads a text file of at most `cap` bytes.
pub fn read_bounded(path: &Path, cap: u64) -> std::io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(cap + 1).read_to_string(&mut text)?;
    if read as u64 > cap {
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("longer than {cap} bytes"),
        ));
    }
    Ok(text)
}

/// `O_NOFOLLOW` as `OpenOptionsExt::custom_flags` wants it.
#[must_use]
pub fn no_follow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_content_is_gone_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        replace(&path, b"one", 0o600).expect("written");
        replace(&path, b"two", 0o600).expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 1);
    }

    #[test]
    fn a_file_beyond_the_bound_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        replace(&path, b"12345", 0o600).expect("written");
        assert!(read_bounded(&path, 4).is_err());
        assert_eq!(read_bounded(&path, 5).expect("fits"), "12345");
    }
}
