//! What apt announces to the guard before it starts dpkg.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use patchd::package_manager::apt::guard;

/// In memory: the guard syncs its verdict.
static PLAN: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from(format!("/dev/shm/patchd-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("made");
    let plan = folder.join("plan.json");
    std::fs::write(&plan, "[]").expect("written");
    plan
});

fuzz_target!(|bytes: &[u8]| {
    let _ = guard::guard(&PLAN, bytes);
});
