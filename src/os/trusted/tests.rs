use std::os::unix::fs::{PermissionsExt, chown, symlink};

use super::*;

const CAP: u64 = 16;

/// A folder with a sound file `etc/file`.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(root.path().join("etc")).expect("created");
    let path = root.path().join("etc/file");
    crate::os::files::replace(&path, b"content", 0o644).expect("written");
    set_mode(&root.path().join("etc"), 0o755);
    set_mode(&path, 0o644);
    root
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("chmod");
}

fn read(root: &Path) -> Result<Option<String>, Untrusted> {
    Reader::this_process().text(root, Path::new("/etc/file"), CAP)
}

fn refusal(root: &Path) -> String {
    let text = read(root).expect_err("refused").to_string();
    text.replace(&root.display().to_string(), "")
}

#[test]
fn a_sound_file_is_read_and_an_absent_one_is_none() {
    let root = root();
    assert_eq!(read(root.path()).expect("sound"), Some("content".into()));
    let reader = Reader::this_process();
    for absent in ["/etc/other", "/nowhere/file"] {
        let text = reader.text(root.path(), Path::new(absent), CAP);
        assert_eq!(text.expect("absent"), None);
    }
    let names = reader.names(root.path(), Path::new("/nowhere"));
    assert_eq!(names.expect("absent"), Vec::<OsString>::new());
}

#[test]
fn a_file_that_others_may_write_is_refused() {
    let root = root();
    set_mode(&root.path().join("etc/file"), 0o666);
    insta::assert_snapshot!(refusal(root.path()), @r#"/etc/file is writable by group or others (mode 0666); keep it, and every folder above it, writable by its owner alone"#);
}

#[test]
fn a_folder_that_the_group_may_write_is_refused() {
    let root = root();
    set_mode(&root.path().join("etc"), 0o775);
    insta::assert_snapshot!(refusal(root.path()), @r#"/etc is writable by group or others (mode 0775); keep it, and every folder above it, writable by its owner alone"#);
}

#[test]
fn a_sticky_folder_is_good_enough_for_a_user_and_not_for_root() {
    let root = root();
    set_mode(&root.path().join("etc"), 0o1777);
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(read(root.path()).is_err(), is_root);
    // An ordinary user reads root's file there, too.
    let reader = Reader::of_user(rustix::process::geteuid().as_raw().max(1));
    let text = reader.text(root.path(), Path::new("/etc/file"), CAP);
    assert_eq!(text.expect("sound"), Some("content".into()));
}

#[test]
fn somebody_elses_file_is_refused() {
    let root = root();
    let path = root.path().join("etc/file");
    let somebody = if rustix::process::geteuid().is_root() {
        chown(&path, Some(4242), None).expect("root may");
        Reader::this_process()
    } else {
        // Our own file, seen by another user.
        Reader::of_user(4242)
    };
    let refused = somebody.text(root.path(), Path::new("/etc/file"), CAP);
    assert!(
        matches!(refused, Err(Untrusted::Owner { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_link_is_refused_as_file_and_as_folder() {
    let root = root();
    symlink("file", root.path().join("etc/link")).expect("linked");
    symlink("etc", root.path().join("other")).expect("linked");
    for path in ["/etc/link", "/other/file"] {
        let refused = Reader::this_process().text(root.path(), Path::new(path), CAP);
        assert!(
            matches!(refused, Err(Untrusted::Link { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn what_is_no_bounded_text_file_is_refused() {
    let root = root();
    let path = root.path().join("etc/file");
    let replace = |bytes: &[u8]| crate::os::files::replace(&path, bytes, 0o644).expect("written");
    replace(&[b'x'; 16]);
    assert!(read(root.path()).is_ok());
    replace(&[b'x'; 17]);
    assert!(matches!(read(root.path()), Err(Untrusted::TooLong { .. })));
    replace(b"a\nb\xff");
    assert!(matches!(
        read(root.path()),
        Err(Untrusted::NotText { line: 2, .. })
    ));
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("created");
    set_mode(&path, 0o755);
    assert!(matches!(read(root.path()), Err(Untrusted::NotAFile { .. })));
}

#[test]
fn a_program_is_opened_only_when_it_may_be_executed() {
    let root = root();
    let open = || Reader::this_process().program(root.path(), Path::new("/etc/file"));
    assert!(matches!(open(), Err(Untrusted::NotExecutable { .. })));
    set_mode(&root.path().join("etc/file"), 0o755);
    assert!(open().expect("sound").is_some());
    set_mode(&root.path().join("etc/file"), 0o775);
    assert!(matches!(open(), Err(Untrusted::Writable { .. })));
    let reader = Reader::this_process();
    let absent = reader.program(root.path(), Path::new("/etc/other"));
    assert!(absent.expect("absent").is_none());
    let folder = reader.program(root.path(), Path::new("/etc"));
    assert!(matches!(folder, Err(Untrusted::NotAFile { .. })));
}

#[test]
fn a_named_pipe_does_not_hold_us() {
    let root = root();
    let path = root.path().join("etc/file");
    std::fs::remove_file(&path).expect("removed");
    let mode = Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, mode, 0).expect("a pipe");
    assert!(matches!(read(root.path()), Err(Untrusted::NotAFile { .. })));
}
