//! Who makes a transaction fail when nobody says so. Pure: it names what shall
//! be tried, and learns how that went.
//!
//! The packages stand in a row. A beginning of the row that passes and a longer
//! one that fails are brought together by halving, until one package alone lies
//! between them: with it the row fails, without it it passes. That holds
//! whatever the reason is, also when two packages fail only together: the later
//! one is set aside, and the other stays. Then the rest is tried, and searched
//! again when it fails.

/// The search for culprits among `0..count`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Who may still be part of it, in order.
    row: Vec<usize>,
    /// This long a beginning of the row passes.
    passes: usize,
    /// This long a beginning of the row fails.
    fails: usize,
    culprits: Vec<usize>,
    /// How many more may be tried.
    budget: u32,
    /// The whole row was not tried since the last culprit was set aside.
    untried: bool,
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Without these the rest passes, as far as it was tried.
    pub culprits: Vec<usize>,
    /// Whether the rest was tried, and passed.
    pub proven: bool,
}

impl Search {
    /// All of them together have failed; none of them passes.
    #[must_use]
    pub fn new(count: usize, budget: u32) -> Self {
        Self {
            row: (0..count).collect(),
            passes: 0,
            fails: count,
            culprits: Vec::new(),
            budget,
            untried: false,
        }
    }

    /// What to try next; `None` when the search is over.
    #[must_use]
    pub fn next(&self) -> Option<&[usize]> {
        if self.budget == 0 || self.row.is_empty() {
            return None;
        }
        if self.untried {
            return Some(&self.row);
        }
        let half = self.passes.midpoint(self.fails);
        (half > self.passes).then(|| self.row.get(..half)).flatten()
    }

    /// How the last one went that [`Self::next`] named.
    pub fn learn(&mut self, passed: bool) {
        self.budget = self.budget.saturating_sub(1);
        match (std::mem::take(&mut self.untried), passed) {
            (true, true) => self.row.clear(),
            (true, false) => (self.passes, self.fails) = (0, self.row.len()),
            (false, true) => self.passes = self.passes.midpoint(self.fails),
            (false, false) => self.fails = self.passes.midpoint(self.fails),
        }
        if !self.row.is_empty() && self.fails - self.passes == 1 {
            self.set_aside();
        }
    }

    /// The culprits so far. When the budget ended in between, all that lie
    /// between what passes and what fails are suspects, and are set aside with them.
    #[must_use]
    pub fn found(mut self) -> Found {
        let proven = self.row.is_empty();
        if !proven && !self.untried {
            let suspects = self.row.get(self.passes..self.fails).unwrap_or_default();
            self.culprits.extend(suspects);
        }
        self.culprits.sort_unstable();
        Found {
            culprits: self.culprits,
            proven,
        }
    }

    fn set_aside(&mut self) {
        let culprit = self.row.remove(self.passes);
        self.culprits.push(culprit);
        // All but the culprit may be known to pass already.
        if self.passes == self.row.len() {
            self.row.clear();
        }
        self.untried = true;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Whether a set fails: when it holds all of any of these.
    fn fails(set: &[usize], reasons: &[BTreeSet<usize>]) -> bool {
        reasons
            .iter()
            .any(|reason| reason.iter().all(|one| set.contains(one)))
    }

    fn search(count: usize, budget: u32, reasons: &[BTreeSet<usize>]) -> (Found, u32) {
        let mut search = Search::new(count, budget);
        let mut tried = 0;
        while let Some(set) = search.next() {
            let passed = !fails(set, reasons);
            search.learn(passed);
            tried += 1;
        }
        (search.found(), tried)
    }

    #[test]
    fn one_culprit_of_a_hundred_is_found_in_eight() {
        for culprit in [0, 1, 49, 98, 99] {
            let (found, tried) = search(100, 8, &[BTreeSet::from([culprit])]);
            assert_eq!(found.culprits, [culprit]);
            assert!(tried <= 8, "{tried}");
        }
    }

    #[test]
    fn of_two_that_fail_only_together_the_later_one_is_set_aside() {
        let (found, _) = search(8, 20, &[BTreeSet::from([2, 5])]);
        assert_eq!(
            found,
            Found {
                culprits: vec![5],
                proven: true
            }
        );
    }

    #[test]
    fn a_single_package_is_its_own_culprit_and_needs_no_trial() {
        let (found, tried) = search(1, 8, &[BTreeSet::from([0])]);
        assert_eq!((found.culprits.as_slice(), tried), (&[0][..], 0));
    }

    proptest! {
        #[test]
        fn without_the_culprits_the_rest_passes(
            count in 1usize..40,
            reasons in prop::collection::vec(prop::collection::btree_set(0usize..40, 1..4), 1..4),
            budget in 0u32..30,
        ) {
            let inside = |reason: &BTreeSet<usize>| reason.iter().all(|one| *one < count);
            let reasons: Vec<_> = reasons.into_iter().filter(inside).collect();
            prop_assume!(!reasons.is_empty());
            let (found, tried) = search(count, budget, &reasons);
            prop_assert!(tried <= budget);
            let rest: Vec<usize> = (0..count).filter(|one| !found.culprits.contains(one)).collect();
            if found.proven {
                prop_assert!(!fails(&rest, &reasons));
                // Nobody is set aside who has nothing to do with it.
                for culprit in &found.culprits {
                    prop_assert!(reasons.iter().any(|reason| reason.contains(culprit)));
                }
            }
            // With room enough it is always proven.
            if budget >= 29 {
                prop_assert!(found.proven);
            }
        }
    }
}
