//! A notification as a mail. Every header is built of signs that cannot end it,
//! and the text is encoded, so that nothing that is told becomes mail of its own.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Message;
use crate::os::net::Exchange;

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest line of the text, signs; the standard's own number.
const LINE: usize = 76;

/// The longest word of a header, signs.
const WORD: usize = 120;

/// A mail to this address by way of this server, which the operator has named.
pub(super) fn exchange(to: &str, server: &str, message: &Message<'_>, now: Timestamp) -> Exchange {
    let from = format!("patchd@{}", domain(message.host));
    let letter = letter(&from, to, message, now);
    Exchange {
        timeout: TIMEOUT,
        ..Exchange::mail(server, &from, to, letter.into_bytes())
    }
}

fn letter(from: &str, to: &str, message: &Message<'_>, now: Timestamp) -> String {
    let host = word(message.host);
    let kind = message.notification.kind;
    let headers = [
        ("From", format!("patchd <{from}>")),
        ("To", word(to)),
        ("Subject", format!("[patchd] {host}: {kind}")),
        ("Date", date(now)),
        ("Message-ID", id(from, message)),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("Content-Transfer-Encoding", "quoted-printable".to_owned()),
    ];
    let mut letter = String::new();
    for (name, value) in headers {
        let _ = write!(letter, "{name}: {value}\r\n");
    }
    letter + "\r\n" + &quoted_printable(&text(message))
}

fn text(message: &Message<'_>) -> String {
    let mut text = message.notification.sentence.clone() + "\n\n";
    for (name, value) in message.facts() {
        if !matches!(name, "sentence") {
            let _ = writeln!(text, "{name}: {value}");
        }
    }
    if let Some(run) = message.notification.run {
        let _ = write!(text, "\n`patchd history {run}` tells the whole run.\n");
    }
    text
}

/// The same notification has the same id, so that a mail that is sent twice is
/// seen to be one.
fn id(from: &str, message: &Message<'_>) -> String {
    let mut id = String::from("<");
    for byte in Sha256::digest(message.document).iter().take(16) {
        let _ = write!(id, "{byte:02x}");
    }
    let domain = from
        .split_once('@')
        .map_or("localhost", |(_, domain)| domain);
    format!("{id}@{domain}>")
}

fn date(now: Timestamp) -> String {
    jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC))
        .unwrap_or_else(|_| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}

/// Printable ASCII, and not too much of it.
fn word(text: &str) -> String {
    let printable = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    text.chars().take(WORD).map(printable).collect()
}

/// A host's name as the domain of an address.
fn domain(host: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let name: String = host.chars().filter(allowed).take(WORD).collect();
    match name.trim_matches(['.', '-']) {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

/// Text in lines of printable ASCII (RFC 2045, 6.7).
fn quoted_printable(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut length = 0;
        let bytes = line.as_bytes();
        for (index, byte) in bytes.iter().enumerate() {
            let is_last = index + 1 == bytes.len();
            let plain = match byte {
                b'=' => false,
                b' ' => !is_last,
                byte => byte.is_ascii_graphic(),
            };
            let width = if plain { 1 } else { 3 };
            if length + width >= LINE {
                out.push_str("=\r\n");
                length = 0;
            }
            if plain {
                out.push(char::from(*byte));
            } else {
                let _ = write!(out, "={byte:02X}");
            }
            length += width;
        }
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::message::tests::failed;
    use super::*;

    fn written(host: &str, to: &str, sentence: &str) -> String {
        let notification = failed(sentence);
        let message = Message {
            host,
            notification: &notification,
            document: "{}",
        };
        letter("patchd@web1", to, &message, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_mail_reads_like_this() {
        let letter = written("web1", "ops@example.org", "run 01 failed: größer = mehr");
        insta::assert_snapshot!(letter.replace('\r', ""), @r"
        From: patchd <patchd@web1>
        To: ops@example.org
        Subject: [patchd] web1: failed
        Date: Thu, 1 Jan 1970 00:00:00 +0000
        Message-ID: <44136fa355b3678a1146ad16f7e8649e@web1>
        Auto-Submitted: auto-generated
        MIME-Version: 1.0
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: quoted-printable

        run 01 failed: gr=C3=B6=C3=9Fer =3D mehr

        kind: failed
        subject: 01
        host: web1
        at: 2027-01-15T08:00:00Z
        run: 00000000010000000000000001

        `patchd history 00000000010000000000000001` tells the whole run.
        ");
    }

    proptest! {
        /// Whatever a host or a sentence says, the letter has the headers that we
        /// write, and its lines are short and printable.
        #[test]
        fn nothing_that_is_told_becomes_a_header(
            host in "\\PC{0,40}|.{0,40}|[\r\n:A-Za-z ]{0,40}",
            sentence in "(?s).{0,300}",
        ) {
            let letter = written(&host, "ops@example.org", &sentence);
            let (head, body) = letter.split_once("\r\n\r\n").expect("two parts");
            prop_assert_eq!(head.split("\r\n").count(), 9);
            prop_assert!(!head.replace("\r\n", "").contains(['\r', '\n']));
            for line in head.split("\r\n").chain(body.split("\r\n")) {
                prop_assert!(line.bytes().all(|it| matches!(it, b' '..=b'~')), "{:?}", line);
                prop_assert!(line.len() <= 998);
            }
            prop_assert!(body.split("\r\n").all(|it| it.len() <= LINE));
        }
    }

    #[test]
    fn a_sender_is_an_address_whatever_the_host_is_called() {
        for (host, expected) in [
            ("web1", "web1"),
            ("a b\r\nc", "abc"),
            ("", "localhost"),
            ("..", "localhost"),
            ("wäb", "wb"),
        ] {
            assert_eq!(domain(host), expected, "{host:?}");
        }
    }
}
