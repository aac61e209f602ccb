//! A repository's Release file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::package_manager::apt::parse::release;

fuzz_target!(|text: &str| {
    let release = release::parse(text);
    let _ = (
        release.origin(),
        release.lists("main/binary-amd64/Packages"),
    );
});
