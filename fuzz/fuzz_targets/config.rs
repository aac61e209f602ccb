//! A configuration file, from its bytes to settings or to faults that can be told.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use patchd::config::{Reader, Sources, check};

/// In memory, and nobody else may write it.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from(format!("/dev/shm/patchd-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("made");
    folder.join("patchd.toml")
});

fuzz_target!(|bytes: &[u8]| {
    std::fs::write(&*FILE, bytes).expect("written");
    let sources = Sources {
        main: "/patchd.toml".into(),
        main_is_required: true,
        drop_ins: Vec::new(),
        root: FILE.parent().expect("a folder").to_owned(),
    };
    let faults = check(&sources, &Reader::this_process());
    let _ = (faults.render(true), faults.to_json());
});
