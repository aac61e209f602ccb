//! A package version and its order. The order is Debian's (Policy 5.6.12);
//! rpm's gets a type of its own when its backend comes.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that is no package version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a package version; expected [epoch:]upstream[-revision]")]
pub struct InvalidVersion(String);

/// A Debian version, `[epoch:]upstream[-revision]`, ordered as dpkg orders it.
///
/// `Eq` follows that order (`1.0` equals `1.00`), so it is not derived.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

impl Version {
    /// The version as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> (u64, &str, &str) {
        let (epoch, rest) = self.0.split_once(':').unwrap_or(("0", &self.0));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch.parse().unwrap_or(0), upstream, revision)
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidVersion;

    fn try_from(text: String) -> Result<Self, InvalidVersion> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".+-~:_^".contains(&byte);
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", &text));
        let valid = !rest.is_empty()
            && text.len() <= 512
            && epoch.parse::<u32>().is_ok()
            && rest
                .bytes()
                .next()
                .is_some_and(|first| first.is_ascii_alphanumeric())
            && rest.bytes().all(allowed);
        if valid {
            Ok(Self(text))
        } else {
            Err(InvalidVersion(text))
        }
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let (epoch, upstream, revision) = self.parts();
        let (other_epoch, other_upstream, other_revision) = other.parts();
        epoch
            .cmp(&other_epoch)
            .then_with(|| compare(upstream, other_upstream))
            .then_with(|| compare(revision, other_revision))
    }
}

/// Compares one part: runs of non-digits by [`weight`], runs of digits as
/// numbers, in turn, until both are used up.
fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    while !left.is_empty() || !right.is_empty() {
        let (left_text, left_rest) = split_while(left, |c| !c.is_ascii_digit());
        let (right_text, right_rest) = split_while(right, |c| !c.is_ascii_digit());
        let by_text = compare_text(left_text, right_text);
        let (left_number, left_rest) = split_while(left_rest, |c| c.is_ascii_digit());
        let (right_number, right_rest) = split_while(right_rest, |c| c.is_ascii_digit());
        let order = by_text.then_with(|| compare_number(left_number, right_number));
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

fn split_while(text: &str, matches: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !matches(c)).unwrap_or(text.len()))
}

fn compare_text(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.chars(), right.chars());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (l, r) => {
                let order = weight(l).cmp(&weight(r));
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}

/// Numbers of any length: without leading zeros, the longer one is greater.
fn compare_number(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// `~` before the end, the end before letters, letters before everything else.
fn weight(c: Option<char>) -> u32 {
    match c {
        Some('~') => 0,
        None => 1,
        Some(c) if c.is_ascii_alphabetic() => 2 + u32::from(c),
        Some(c) => 1000 + u32::from(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::try_from(text.to_owned()).expect("valid")
    }

    #[test]
    fn each_version_is_older_than_the_next() {
        let rising = [
            "0~",
            "0",
            "0a",
            "1.0~rc1-1",
            "1.0-1~bpo12+1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1+deb12u1",
            "1.0-1.1",
            "1.0+ds-1",
            "1.2-1",
            "1.10-1",
            "1:0.1-1",
        ];
        for pair in rising.windows(2) {
            if let [older, newer] = pair {
                assert!(version(older) < version(newer), "{older} < {newer}");
            }
        }
    }

    #[test]
    fn leading_zeros_and_a_zero_epoch_say_nothing() {
        assert_eq!(version("1.02"), version("0:1.2"));
    }

    #[test]
    fn text_that_is_no_version_is_refused() {
        for bad in ["", "-1", "1 2", "x:1", "1/2", "99999999999:1", "1:"] {
            assert!(Version::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
