//! What was left out, and why.

use std::collections::BTreeMap;

use crate::feeds::Reason;

/// How often each reason occurred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally(BTreeMap<Reason, u64>);

impl Tally {
    /// One more.
    pub fn skip(&mut self, reason: Reason) {
        self.skip_all(reason, 1);
    }

    /// So many more; none leaves the reason out.
    pub fn skip_all(&mut self, reason: Reason, count: u64) {
        if count > 0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    /// What there is, or one more of the reason why there is not.
    pub fn kept<T>(&mut self, record: Result<T, Reason>) -> Option<T> {
        record.map_err(|reason| self.skip(reason)).ok()
    }

    /// As the last line has it.
    pub fn counts(&self) -> &BTreeMap<Reason, u64> {
        &self.0
    }

    /// For a sentence: `3 no-cve, 1 withdrawn`.
    pub fn words(&self) -> String {
        if self.0.is_empty() {
            return "nothing".to_owned();
        }
        let each = self.0.iter().map(|(reason, count)| {
            let word = serde_json::to_value(reason).unwrap_or_default();
            format!("{count} {}", word.as_str().unwrap_or_default())
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_did_not_occur_is_absent() {
        let mut tally = Tally::default();
        tally.skip_all(Reason::Repeated, 0);
        assert_eq!(tally.words(), "nothing");
        assert_eq!(tally.kept::<()>(Err(Reason::NoCve)), None);
        assert_eq!(tally.kept(Ok(1)), Some(1));
        tally.skip_all(Reason::Elsewhere, 7);
        assert_eq!(tally.words(), "7 elsewhere, 1 no-cve");
    }
}
