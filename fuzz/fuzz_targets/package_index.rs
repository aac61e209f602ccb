//! A `Packages` index, which need not be text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::package_manager::apt::parse::package_index;

fuzz_target!(|bytes: &[u8]| {
    let mut input = bytes;
    let _ = package_index::scan(&mut input, &|_| true, &mut |_| {});
});
