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
    let faults = check(&Sources::only(&FILE).expect("absolute"), &Reader::this_process());
    let _ = (faults.render(true), faults.to_json());
});
