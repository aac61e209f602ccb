//! Names. A name that exists as a value is a valid one, so it can go on a
//! command line without being looked at again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that is no package or architecture name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}; expected {expected}")]
pub struct InvalidName {
    text: String,
    kind: &'static str,
    expected: &'static str,
}

/// A binary package's name, as Debian Policy 5.6.1 allows it (two or more of
/// `a-z 0-9 + - .`, first alphanumeric), plus `_` and capitals for rpm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(String);

/// The architecture of a binary package: `amd64`, `i386`, `all`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Architecture(String);

/// One installed or installable binary package; two architectures of the same
/// name are two packages. Written `name:architecture`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageId {
    /// Which package.
    #[serde(rename = "package")]
    pub name: PackageName,
    /// For which architecture.
    pub architecture: Architecture,
}

impl PackageName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Architecture {
    /// The architecture as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PackageId {
    /// Both parts from text; the first fault is reported.
    pub fn parse(name: &str, architecture: &str) -> Result<Self, InvalidName> {
        Ok(Self {
            name: PackageName::try_from(name.to_owned())?,
            architecture: Architecture::try_from(architecture.to_owned())?,
        })
    }
}

impl TryFrom<String> for PackageName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
        let valid = text.len() >= 2
            && text.len() <= 255
            && text
                .bytes()
                .next()
                .is_some_and(|first| first.is_ascii_alphanumeric())
            && text.bytes().all(inner);
        if valid {
            Ok(Self(text))
        } else {
            Err(InvalidName {
                text,
                kind: "package name",
                expected: "letters, digits, + - . _, the first a letter or digit",
            })
        }
    }
}

impl TryFrom<String> for Architecture {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        let inner =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let starts = text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric());
        if starts && text.len() <= 64 && text.bytes().all(inner) {
            Ok(Self(text))
        } else {
            Err(InvalidName {
                text,
                kind: "architecture",
                expected: "a word such as amd64, i386 or all",
            })
        }
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.0
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_be_an_option_is_refused() {
        for bad in ["-o", "", "a", "a b", "a;b", "../x", "a\nb", "a=1", "a:b"] {
            assert!(PackageName::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
        for good in ["libstdc++6", "0ad", "g++", "linux-image-6.1.0-56-amd64"] {
            assert!(PackageName::try_from(good.to_owned()).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn an_id_is_written_as_apt_writes_it() {
        let id = PackageId::parse("libc6", "i386").expect("valid");
        assert_eq!(id.to_string(), "libc6:i386");
    }
}
