//! `/proc/PID/maps`, and what systemd and logind say of who runs there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::os::systemd::{parse_inhibitors, parse_session_ids, parse_sessions, parse_standings};
use patchd::running::replaced_code;

fuzz_target!(|text: &str| {
    let _ = replaced_code(text);
    let _ = parse_standings(text);
    let _ = parse_inhibitors(text);
    let _ = parse_session_ids(text);
    let _ = parse_sessions(text);
});
