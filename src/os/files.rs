//! Files, written so that a crash leaves the old or the new content, and read
//! with a bound.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{
    DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, lchown,
};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};

use super::users::User;

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

/// A file that nobody else has, and that is gone with us.
pub fn nameless(folder: &Path) -> std::io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR)?;
    Ok(file.into())
}

/// Reads a text file of at most `cap` bytes. Somebody who put a pipe there does
/// not have us wait for him.
pub fn read_bounded(path: &Path, cap: u64) -> std::io::Result<String> {
    let mut text = String::new();
    let file = File::options()
        .read(true)
        .custom_flags(flag(OFlags::NONBLOCK))
        .open(path)?;
    let read = file.take(cap + 1).read_to_string(&mut text)?;
    if read as u64 > cap {
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("longer than {cap} bytes"),
        ));
    }
    Ok(text)
}

/// Makes a folder for somebody, in one that is root's. One that was root's alone
/// goes over to him with all that is in it.
pub fn make_folder_for(owner: User, folder: &Path, mode: u32) -> std::io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {
            chown(folder, Some(owner.uid), Some(owner.gid))?;
            std::fs::set_permissions(folder, Permissions::from_mode(mode))
        }
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            let stat = std::fs::symlink_metadata(folder)?;
            let is_roots_alone = stat.uid() == 0 && stat.mode() & 0o022 == 0;
            match () {
                () if !stat.is_dir() => Err(ErrorKind::NotADirectory.into()),
                () if stat.uid() == owner.uid => Ok(()),
                () if is_roots_alone => hand_over(folder, owner),
                () => Err(ErrorKind::PermissionDenied.into()),
            }
        }
        Err(cause) => Err(cause),
    }
}

/// Gives a folder with all that is in it to somebody, and follows no link.
/// The folder itself comes last: until then nobody but root can change what is
/// in it, and what was interrupted is done again.
pub fn hand_over(folder: &Path, owner: User) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            hand_over(&entry.path(), owner)?;
        } else {
            lchown(entry.path(), Some(owner.uid), Some(owner.gid))?;
        }
    }
    lchown(folder, Some(owner.uid), Some(owner.gid))
}

/// The names of what lies in a folder, as far as they are text; where there is
/// no folder nothing does.
pub fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.collect())
}

/// `O_NOFOLLOW` as `OpenOptionsExt::custom_flags` wants it.
#[must_use]
pub fn no_follow() -> i32 {
    flag(OFlags::NOFOLLOW)
}

fn flag(flag: OFlags) -> i32 {
    i32::try_from(flag.bits()).unwrap_or(0)
}

/// Whether there is such a regular file in somebody's root folder, whose links
/// are followed as he means them: within it.
#[must_use]
pub fn is_file_within(root: &Path, path: &Path) -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let found = rustix::fs::open(root, flags, Mode::empty())
        .and_then(|root| {
            rustix::fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT)
        })
        .and_then(rustix::fs::fstat);
    found.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file())
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
    fn a_folder_of_roots_goes_over_with_all_that_is_in_it() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let nobody = User {
            uid: 65534,
            gid: 65534,
        };
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("state");
        std::fs::create_dir_all(folder.join("metrics")).expect("made");
        replace(&folder.join("metrics/page"), b"", 0o644).expect("written");
        replace(&parent.path().join("passwd"), b"", 0o600).expect("written");
        std::os::unix::fs::symlink("../passwd", folder.join("link")).expect("linked");
        make_folder_for(nobody, &folder, 0o711).expect("handed over");
        let owner = |name: &str| {
            std::fs::symlink_metadata(parent.path().join(name))
                .expect("there")
                .uid()
        };
        let names = [
            "state",
            "state/metrics",
            "state/metrics/page",
            "state/link",
            "passwd",
        ];
        assert_eq!(names.map(owner), [65534, 65534, 65534, 65534, 0]);
        make_folder_for(nobody, &folder, 0o711).expect("his already");

        let strangers = User {
            uid: 65533,
            gid: 65533,
        };
        assert!(make_folder_for(strangers, &folder, 0o711).is_err());
        assert!(make_folder_for(nobody, &folder.join("link"), 0o711).is_err());
        let new = parent.path().join("new");
        make_folder_for(User { uid: 0, gid: 65534 }, &new, 0o2750).expect("made");
        let stat = std::fs::metadata(&new).expect("there");
        assert_eq!(
            (stat.uid(), stat.gid(), stat.mode() & 0o7777),
            (0, 65534, 0o2750)
        );
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
