//! What `apt-get indextargets` prints, and the files beside a target.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::package_manager::apt::parse::targets;

fuzz_target!(|text: &str| {
    for target in targets::parse(text).unwrap_or_default() {
        let _ = target.beside("InRelease");
    }
});
