//! What `apt-get --simulate` prints.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::package_manager::apt::parse::simulation;

fuzz_target!(|text: &str| {
    let _ = simulation::parse(text);
});
