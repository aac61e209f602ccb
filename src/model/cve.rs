//! The name of a vulnerability.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The year that fits into eight bits from here on.
const FIRST_YEAR: u32 = 1980;

/// Ids have had up to seven digits; so many fit into 24 bits.
const LAST_NUMBER: u32 = (1 << 24) - 1;

/// A text that is no CVE id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a CVE id; expected CVE-YYYY-NNNN")]
pub struct InvalidCveId(String);

/// `CVE-2026-0001`, in four bytes; ordered by year, then by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CveId(u32);

impl CveId {
    /// The year in its name, which need not be that of its discovery.
    #[must_use]
    pub fn year(self) -> u32 {
        FIRST_YEAR + (self.0 >> 24)
    }

    /// Its number within the year.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0 & LAST_NUMBER
    }

    /// Its four bytes, in the same order as the ids.
    #[must_use]
    pub fn to_bits(self) -> u32 {
        self.0
    }

    /// Any four bytes are an id.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    fn parse(text: &str) -> Option<Self> {
        let prefix = text.get(..4)?;
        let (year, number) = text.get(4..)?.split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let well_formed = prefix.eq_ignore_ascii_case("CVE-")
            && (year.len(), digits(year)) == (4, true)
            && (4..=8).contains(&number.len())
            && digits(number);
        let year = year.parse::<u32>().ok()?.checked_sub(FIRST_YEAR)?;
        let number = number.parse::<u32>().ok()?;
        (well_formed && year < 1 << 8 && number <= LAST_NUMBER).then_some(Self(year << 24 | number))
    }
}

impl TryFrom<String> for CveId {
    type Error = InvalidCveId;

    fn try_from(text: String) -> Result<Self, InvalidCveId> {
        Self::parse(&text).ok_or(InvalidCveId(text))
    }
}

impl From<CveId> for String {
    fn from(id: CveId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for CveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CVE-{:04}-{:04}", self.year(), self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_it_was_read() {
        for text in ["CVE-1999-0001", "CVE-2026-0001", "CVE-2026-1234567"] {
            let id = CveId::try_from(text.to_owned()).expect("valid");
            assert_eq!(id.to_string(), text);
            assert_eq!(CveId::from_bits(id.to_bits()), id);
        }
        let id = CveId::try_from("cve-2021-44228".to_owned()).expect("valid");
        assert_eq!(id.to_string(), "CVE-2021-44228");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "CVE",
            "CVE-2026",
            "CVE-2026-1",
            "CVE-26-1234",
            "CVE-1979-1234",
            "CVE-2026-99999999",
            "CVE-2026-+123",
            "CVE-2026-123４",
            "TEMP-0000000-2A5B3C",
            "GHSA-xxxx",
            "ＣＶE-2026-1234",
        ] {
            assert!(CveId::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn later_ids_come_later() {
        let id = |text: &str| CveId::try_from(text.to_owned()).expect("valid");
        assert!(id("CVE-2021-99999") < id("CVE-2022-0001"));
        assert!(id("CVE-2022-9999") < id("CVE-2022-10000"));
    }
}
