//! A vulnerability that the operator lives with for a while.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::cve::CveId;

/// Why one vulnerability is not mended here, and until when. It is shown in every
/// report until it ends, and hides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Which.
    pub cve: CveId,
    /// The operator's words.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds.
    pub until: Date,
}

impl Exception {
    /// Whether it holds on this day.
    #[must_use]
    pub fn holds_on(&self, day: Date) -> bool {
        day <= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_last_day_belongs_to_it() {
        let exception = Exception {
            cve: CveId::try_from("CVE-2026-0001".to_owned()).expect("valid"),
            reason: "module not loaded here".to_owned(),
            owner: "ops".to_owned(),
            until: "2027-03-01".parse().expect("a day"),
        };
        let holds = |day: &str| exception.holds_on(day.parse().expect("a day"));
        assert!(holds("2026-11-22") && holds("2027-03-01"));
        assert!(!holds("2027-03-02"));
    }
}
