//! The lines of `APT::Status-Fd`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::package_manager::apt::status_fd;

fuzz_target!(|text: &str| {
    let _ = status_fd::culprits(text);
    let _ = status_fd::failures(text);
    for line in text.lines() {
        let _ = status_fd::parse(line);
    }
});
