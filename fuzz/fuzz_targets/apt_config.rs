//! What `apt-config dump` prints, and what apt complains of.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::package_manager::apt::parse::{apt_config, complaint};

fuzz_target!(|text: &str| {
    let _ = apt_config::parse(text);
    let _ = complaint::parse(text, text);
});
