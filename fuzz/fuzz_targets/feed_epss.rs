//! FIRST's table of probabilities.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use patchd::feeds::{Request, read};

static REQUEST: LazyLock<Request> = LazyLock::new(|| {
    let line =
        r#"{"protocol":1,"format":"epss","distribution":"debian","version":"12","codename":""}"#;
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
