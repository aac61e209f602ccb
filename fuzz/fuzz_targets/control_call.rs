//! What anybody may send to the control socket, from its bytes to a call. What is understood is sent the same way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::control::{Call, Request};

fuzz_target!(|bytes: &[u8]| {
    let Ok(request) = Request::parse(bytes) else {
        return;
    };
    if let Ok(call) = Call::parse(&request.method, request.parameters.unwrap_or_default()) {
        let sent = call.request();
        let again = Call::parse(&sent.method, sent.parameters.unwrap_or_default());
        assert_eq!(again, Ok(call));
    }
});
