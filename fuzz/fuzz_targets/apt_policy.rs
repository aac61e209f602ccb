//! What `apt-cache policy` prints.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::package_manager::apt::parse::policy;

fuzz_target!(|text: &str| {
    let _ = policy::parse(text);
});
