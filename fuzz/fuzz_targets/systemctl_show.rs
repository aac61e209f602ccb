//! `systemctl show` and `/proc/PID/cgroup`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::os::systemd::{parse_show, unit_of_cgroup};

fuzz_target!(|text: &str| {
    let _ = parse_show(text);
    let _ = unit_of_cgroup(text);
});
