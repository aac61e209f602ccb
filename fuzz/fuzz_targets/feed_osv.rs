//! OSV records, alone and in zips.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use patchd::feeds::{Request, read};

static REQUEST: LazyLock<Request> = LazyLock::new(|| {
    let line =
        r#"{"protocol":1,"format":"osv","distribution":"ubuntu","version":"18.04","codename":""}"#;
    serde_json::from_str(line).expect("a request")
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(records) = read::read(&REQUEST, bytes) {
        assert!(
            records
                .lines()
                .all(|line| serde_json::to_string(&line).is_ok())
        );
    }
});
