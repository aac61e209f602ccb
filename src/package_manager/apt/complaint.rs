//! What apt's complaints mean for a repository. It has no machine format for
//! them, so this is a list of its words, in the order in which they count.

use crate::model::RepositoryState;

/// So much of a line that we do not know is quoted.
const QUOTE: usize = 300;

/// Words of apt, and what they tell of a repository. The first that fits counts.
const WORDS: [(&str, RepositoryState); 44] = {
    use RepositoryState::{
        BadSignature, Corrupt, Expired, ExpiredKey, IdentityChanged, Missing, Unreachable,
    };
    [
        ("EXPKEYSIG", ExpiredKey),
        ("KEYEXPIRED", ExpiredKey),
        ("because: Expired on", ExpiredKey),
        ("is expired (invalid since", Expired),
        ("Release file expired", Expired),
        ("is not valid yet", Expired),
        ("changed its '", IdentityChanged),
        ("Hash Sum mismatch", Corrupt),
        ("unexpected size", Corrupt),
        ("Mirror sync in progress", Corrupt),
        ("Remote end closed connection", Corrupt),
        ("Unable to parse", Corrupt),
        ("Unable to find expected entry", Corrupt),
        ("got 'NODATA'", Unreachable),
        ("require authentication?", Unreachable),
        ("Clearsigned file isn't valid", Corrupt),
        ("Splitting up", Corrupt),
        ("NO_PUBKEY", BadSignature),
        ("BADSIG", BadSignature),
        ("REVKEYSIG", BadSignature),
        ("Missing key", BadSignature),
        ("Failed to parse keyring", BadSignature),
        ("Message has been manipulated", BadSignature),
        ("signatures were invalid", BadSignature),
        ("couldn't be verified", BadSignature),
        ("signature verification", BadSignature),
        ("is not signed", BadSignature),
        ("no longer signed", BadSignature),
        ("/usr/bin/sqv returned an error", BadSignature),
        ("does not have a Release file", Unreachable),
        ("no longer has a Release file", Unreachable),
        ("doesn't have the component", Missing),
        ("Could not resolve", Unreachable),
        ("Temporary failure resolving", Unreachable),
        ("Could not connect", Unreachable),
        ("Unable to connect", Unreachable),
        ("Could not handshake", Unreachable),
        ("Certificate verification failed", Unreachable),
        ("Connection failed", Unreachable),
        ("Connection timed out", Unreachable),
        ("Connection reset", Unreachable),
        ("Network is unreachable", Unreachable),
        ("Undetermined Error", Unreachable),
        ("File not found", Unreachable),
    ]
};

/// Complaints that take nothing away from an index that came.
const HARMLESS: [&str; 5] = [
    "Conflicting distribution",
    "legacy trusted.gpg keyring",
    "is configured multiple times",
    "weak digest algorithm",
    "Policy will reject signature",
];

/// The first complaint that we understand, else the first that we do not.
#[must_use]
pub fn worst<'a>(complaints: impl Iterator<Item = &'a str>) -> Option<(RepositoryState, &'a str)> {
    let mut unknown = None;
    for words in complaints {
        match classify(words) {
            Some(RepositoryState::Fresh) => {}
            Some(state) => return Some((state, words)),
            None => unknown = unknown.or(Some((RepositoryState::Unknown, words))),
        }
    }
    unknown
}

/// `Fresh` for what is harmless, `None` for words that we do not know.
fn classify(words: &str) -> Option<RepositoryState> {
    if HARMLESS.iter().any(|harmless| words.contains(harmless)) {
        return Some(RepositoryState::Fresh);
    }
    WORDS
        .iter()
        .find(|(needle, _)| words.contains(needle))
        .map(|(_, state)| *state)
        .or_else(|| http_fault(words).map(|_| RepositoryState::Unreachable))
}

/// `  404  Not Found`: apt puts two blanks around a status of HTTP.
fn http_fault(words: &str) -> Option<&str> {
    words.split("  ").find(|part| {
        part.len() == 3
            && part.starts_with(['4', '5'])
            && part.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// What the operator should do, with apt's words; `None` when all is well.
#[must_use]
pub fn advice(state: RepositoryState, words: &str) -> Option<String> {
    let sentence = match state {
        RepositoryState::Fresh | RepositoryState::Stale => return None,
        RepositoryState::Unreachable => {
            "check network, proxy and URL; patchd tries again in the next run"
        }
        RepositoryState::Corrupt => {
            "the mirror is being synchronised, or something in between changes files; try again later or use another mirror"
        }
        RepositoryState::BadSignature => {
            "check that the key in Signed-By is the one its owner publishes; patchd never imports keys"
        }
        RepositoryState::ExpiredKey => {
            "install the owner's renewed key, often in a newer keyring package; patchd never imports keys"
        }
        RepositoryState::Expired => {
            "check the clock of this host; if it is right, the mirror is out of date: use another one"
        }
        RepositoryState::IdentityChanged => {
            "find out why it is another repository now; if that is wanted, run apt-get update --allow-releaseinfo-change once"
        }
        RepositoryState::Missing => "a component is misspelt or gone; correct its sources entry",
        RepositoryState::Unknown => "run apt-get update by hand",
    };
    let quoted: String = words.trim().chars().take(QUOTE).collect();
    let refused = http_fault(words).filter(|_| state == RepositoryState::Unreachable);
    Some(match refused {
        Some(status) => format!(
            "its server answers {status}: {} ({quoted})",
            in_http(status)
        ),
        None => format!("{sentence} ({quoted})"),
    })
}

/// What to do when the server is there, and refuses.
fn in_http(status: &str) -> &'static str {
    match status {
        "401" | "403" | "407" => "check the credentials for it, and those for the proxy",
        "404" | "410" => "check URL and suite; the release may have moved to an archive",
        _ if status.starts_with('5') => {
            "it is in trouble itself; patchd tries again in the next run, or use another mirror"
        }
        _ => "check URL and proxy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_refuses_is_told_from_one_that_is_not_there() {
        let table = [
            (
                "  404  Not Found [IP: 127.0.0.1 8080]",
                "its server answers 404: check URL and suite",
            ),
            (
                "  500  Internal Server Error",
                "its server answers 500: it is in trouble itself",
            ),
            (
                "  407  Proxy Authentication Required",
                "its server answers 407: check the credentials",
            ),
            (
                "  Could not resolve 'deb.example.org'",
                "check network, proxy and URL",
            ),
        ];
        for (words, expected) in table {
            let (state, words) = worst([words].into_iter()).expect("understood");
            assert_eq!(state, RepositoryState::Unreachable);
            let advice = advice(state, words).expect("something to do");
            assert!(advice.starts_with(expected), "{advice}");
        }
    }
}
