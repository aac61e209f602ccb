//! dpkg's status file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::package_manager::apt::parse::dpkg_status;

fuzz_target!(|text: &str| {
    let _ = dpkg_status::parse(text);
});
