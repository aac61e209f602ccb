//! A notification as a signed `POST`. The receiver computes the same HMAC over
//! the time, a dot and the body, and refuses what is old.

use std::fmt::Write;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::settings::Secret;
use super::{Message, NotifyError, secret};
use crate::os::net::{Exchange, Reach};

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is taken of the answer, bytes; nobody reads it.
const ANSWER: u64 = 64 << 10;

/// Hosts that are this very machine.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What goes out. The host is the one that the operator has named, so it may be
/// a neighbour; link-local it may not be, nor may anybody redirect us.
pub(super) fn exchange(
    url: &str,
    key: Option<&Secret>,
    message: &Message<'_>,
    now: Timestamp,
) -> Result<Exchange, NotifyError> {
    let body = message.document.as_bytes().to_vec();
    let host = host(url);
    let is_here = HERE.contains(&host.as_str());
    let post = Exchange {
        timeout: TIMEOUT,
        plain_http: is_here,
        reach: Reach::PublicOnly {
            besides: vec![host.trim_matches(['[', ']']).to_owned()],
        },
        ..Exchange::post(url, body, ANSWER)
    };
    let post = post.header("Content-Type", "application/json");
    let Some(key) = key else {
        return Ok(post);
    };
    let key = secret::read(key)?;
    let signature = signature(key.as_bytes(), now.as_second(), message.document);
    Ok(post.header("X-Patchd-Signature", signature))
}

/// A status of 2xx is a yes; a redirect leads nowhere.
pub(super) fn judge(url: &str, status: u16) -> Result<(), NotifyError> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    Err(NotifyError::Status {
        receiver: host(url),
        status,
    })
}

/// `t=<unix>,v1=<hex>`.
fn signature(key: &[u8], second: i64, body: &str) -> String {
    let mut text = format!("t={second},v1=");
    // A key of any length will do.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
        mac.update(format!("{second}.").as_bytes());
        mac.update(body.as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

/// What of an address may be shown: a path can have a secret in it.
fn host(url: &str) -> String {
    let parsed = reqwest::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(|url| url.host_str());
    host.unwrap_or("the webhook").to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::failed;
    use super::*;

    fn posted(url: &str) -> Exchange {
        let notification = failed("it failed");
        let message = Message {
            host: "web1",
            notification: &notification,
            document: r#"{"schema":"patchd/notification/1"}"#,
        };
        exchange(url, None, &message, Timestamp::UNIX_EPOCH).expect("no secret to read")
    }

    /// As `printf '1800000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef` has it.
    #[test]
    fn a_signature_is_what_others_compute() {
        assert_eq!(
            signature(b"0123456789abcdef", 1_800_000_000, "{}"),
            "t=1800000000,v1=1313ae9c874eb1a0868ad0b65f841c4243c23fdcfad69a3ada227726fad9960e"
        );
    }

    #[test]
    fn only_this_machine_may_be_told_without_encryption_and_nobody_redirects() {
        for (url, plain, named) in [
            ("https://ops.example/x", false, "ops.example"),
            ("http://ops.example/x", false, "ops.example"),
            ("http://127.0.0.1:9/x", true, "127.0.0.1"),
            ("http://[::1]:9/x", true, "::1"),
        ] {
            let post = posted(url);
            assert_eq!((post.plain_http, post.redirects), (plain, 0), "{url}");
            let besides = vec![named.to_owned()];
            assert_eq!(post.reach, Reach::PublicOnly { besides }, "{url}");
        }
    }

    #[test]
    fn what_is_no_yes_is_a_no_that_shows_no_path() {
        assert!(judge("https://ops.example/x", 204).is_ok());
        for status in [100, 301, 400, 410, 500] {
            let error = judge("https://ops.example/t0ken", status).expect_err("refused");
            let told = error.to_string();
            assert!(told.contains("ops.example") && !told.contains("t0ken"));
        }
    }
}
