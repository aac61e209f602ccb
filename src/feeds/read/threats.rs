//! What the world says of vulnerabilities, each once, in order.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::tally::Tally;
use super::unreadable::Unreadable;
use crate::feeds::Reason;
use crate::model::{CveId, Threat};

/// How many may be taken: three times what there are CVEs.
const MOST: usize = 1_000_000;

/// All of a feed's threats.
#[derive(Debug, Default)]
pub struct Threats(BTreeMap<CveId, Threat>);

impl Threats {
    /// Takes one in; of one vulnerability the first counts.
    pub(super) fn add(
        &mut self,
        cve: CveId,
        threat: Threat,
        tally: &mut Tally,
    ) -> Result<(), Unreadable> {
        match self.0.entry(cve) {
            Entry::Occupied(_) => tally.skip(Reason::Repeated),
            Entry::Vacant(place) => {
                place.insert(threat);
            }
        }
        if self.0.len() > MOST {
            let sentence = format!("it has more than {MOST} records");
            return Err(Unreadable::TooBig(sentence));
        }
        Ok(())
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = (CveId, &Threat)> {
        self.0.iter().map(|(cve, threat)| (*cve, threat))
    }
}
