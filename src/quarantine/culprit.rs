//! Who did it? Pure. What is suspected together is let in by halves. A half that is
//! installed and does no harm is cleared; with one that does harm, the other is let
//! in next, and if that does harm too, halves tell nothing. One culprit among
//! sixteen is found in four tries.

use jiff::Timestamp;

use super::book::{Book, Entry, LASTS, Standing, Suspect, TRIALS};
use crate::model::RunId;

/// How much is kept of what was said and seen.
const SENTENCE: usize = 500;
const EVIDENCE: usize = 20;

/// A harm that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accusation {
    /// What had come in; none of it is on trial.
    pub suspects: Vec<Suspect>,
    /// Whether each of them is to blame.
    pub known: bool,
    /// One sentence.
    pub reason: String,
    /// What was seen, a line each.
    pub evidence: Vec<String>,
}

impl Book {
    /// Writes a harm down. With suspects of an entry that were on trial, it is the
    /// same harm once more, which tells something of the others in it.
    pub fn accuse(&mut self, mut accusation: Accusation, run: RunId, now: Timestamp) {
        accusation.suspects.retain(|it| !it.changes.is_empty());
        let (mut trials, mut cross_check) = (0, false);
        if let Some(before) = self.take_tried(&accusation) {
            let others = before.suspects.into_iter().filter(|it| !it.on_trial);
            if before.cross_check {
                // Either half does harm: halves tell nothing more.
                trials = TRIALS;
                accusation.suspects.extend(others);
            } else if !accusation.known {
                trials = before.trials;
                cross_check = true;
                let on_trial = |it| Suspect {
                    on_trial: true,
                    ..it
                };
                accusation.suspects.extend(others.map(on_trial));
            }
        }
        // Of two versions of one source the later harm tells what is suspected.
        for entry in &mut self.entries {
            entry.suspects.retain(|it| !accusation.names(it));
        }
        let evidence = accusation.evidence.iter().take(EVIDENCE);
        self.entries.push(Entry {
            run,
            since: now,
            until: now.saturating_add(LASTS).unwrap_or(Timestamp::MAX),
            reason: shortened(&accusation.reason),
            evidence: evidence.map(|line| shortened(line)).collect(),
            known: accusation.known,
            trials,
            cross_check,
            had_its_run: false,
            suspects: accusation.suspects,
        });
        self.tidy();
    }

    /// The entry with a suspect on trial that is accused again.
    fn take_tried(&mut self, accusation: &Accusation) -> Option<Entry> {
        let tried = |entry: &Entry| {
            let mut suspects = entry.suspects.iter();
            suspects.any(|it| it.on_trial && accusation.names(it))
        };
        let index = self.entries.iter().position(tried)?;
        Some(self.entries.remove(index))
    }

    /// At the beginning of a run: lets in the next half of everything that is
    /// searched. Returns what comes in.
    pub fn try_halves(&mut self) -> Vec<Suspect> {
        let mut tried = Vec::new();
        for entry in &mut self.entries {
            if entry.next_half() {
                let half = entry.suspects.iter().filter(|it| it.on_trial);
                tried.extend(half.cloned());
            }
        }
        self.tidy();
        tried
    }
}

impl Entry {
    /// What was let in and is still on trial has not come in: it may want what is
    /// kept away, and the others are let in instead.
    fn next_half(&mut self) -> bool {
        let on_trial = |it: &Self| it.suspects.iter().filter(|it| it.on_trial).count();
        if self.cross_check && 0 < on_trial(self) {
            if !std::mem::replace(&mut self.had_its_run, true) {
                return false;
            }
            // It only had to show that it is harmless.
            self.suspects.retain(|it| !it.on_trial);
        }
        self.cross_check = false;
        let (count, on_trial) = (self.suspects.len(), on_trial(self));
        let turns = 0 < on_trial && on_trial < count && self.trials < TRIALS;
        if !turns && (0 < on_trial || self.standing() != Standing::Searching) {
            return false;
        }
        self.trials += 1;
        for (at, suspect) in self.suspects.iter_mut().enumerate() {
            suspect.on_trial = if turns {
                !suspect.on_trial
            } else {
                at < count / 2
            };
        }
        true
    }
}

impl Accusation {
    fn names(&self, suspect: &Suspect) -> bool {
        self.suspects.iter().any(|it| it.source == suspect.source)
    }
}

fn shortened(sentence: &str) -> String {
    sentence.chars().take(SENTENCE).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::super::review::Seen;
    use super::*;
    use crate::model::{Change, KeptAway, PackageId, PackageName, Version};

    fn version(text: &str) -> Version {
        Version::try_from(text.to_owned()).expect("valid")
    }

    fn suspect(number: usize) -> Suspect {
        let name = format!("p{number:02}");
        Suspect {
            source: PackageName::try_from(name.clone()).expect("valid"),
            changes: vec![Change {
                id: PackageId::parse(&name, "amd64").expect("valid"),
                from: Some(version("1")),
                to: Some(version("2")),
            }],
            on_trial: false,
        }
    }

    fn accusation(numbers: impl IntoIterator<Item = usize>) -> Accusation {
        Accusation {
            suspects: numbers.into_iter().map(suspect).collect(),
            known: false,
            reason: "it was rolled back: nginx.service is not active".to_owned(),
            evidence: Vec::new(),
        }
    }

    fn now() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn run() -> RunId {
        RunId::new(1, 1)
    }

    /// A machine that a run patches each night. Everything on offer comes in but
    /// what is kept away; with a culprit among it, it all goes out again.
    struct Machine {
        installed: BTreeMap<PackageId, Version>,
        culprits: BTreeSet<PackageName>,
        suspects: Vec<Suspect>,
        rollbacks: usize,
    }

    impl Machine {
        fn new(count: usize, culprits: &[usize]) -> Self {
            let suspects: Vec<Suspect> = (0..count).map(suspect).collect();
            let culprits = culprits.iter().map(|number| suspect(*number).source);
            Self {
                installed: suspects
                    .iter()
                    .map(|it| (it.changes[0].id.clone(), version("1")))
                    .collect(),
                culprits: culprits.collect(),
                suspects,
                rollbacks: 0,
            }
        }

        fn night(&mut self, book: &mut Book) {
            let pins = book.kept_away();
            let seen = Seen {
                pins: &pins,
                installed: &self.installed,
                now: now(),
            };
            book.review(&seen);
            book.try_halves();
            let kept = book.kept_away();
            let away = |it: &&Suspect| !it.versions().any(|version| kept.contains(&version));
            let old = |it: &&Suspect| self.installed[&it.changes[0].id] == version("1");
            let came: Vec<Suspect> = self
                .suspects
                .iter()
                .filter(away)
                .filter(old)
                .cloned()
                .collect();
            if came.iter().any(|it| self.culprits.contains(&it.source)) {
                self.rollbacks += 1;
                let known = came.len() == 1;
                let accusation = Accusation {
                    suspects: came,
                    known,
                    ..accusation([])
                };
                book.accuse(accusation, run(), now());
            } else {
                for it in came {
                    self.installed
                        .insert(it.changes[0].id.clone(), version("2"));
                }
            }
        }

        fn kept_out(&self) -> Vec<PackageName> {
            let old = |it: &&Suspect| self.installed[&it.changes[0].id] == version("1");
            let out = self.suspects.iter().filter(old);
            out.map(|it| it.source.clone()).collect()
        }
    }

    proptest! {
        /// The promise: at most four tries, and all but the culprit comes in.
        #[test]
        fn one_culprit_among_sixteen_is_found_in_four_tries(count in 1usize..=16, at in 0usize..16) {
            let culprit = at % count;
            let mut machine = Machine::new(count, &[culprit]);
            let mut book = Book::default();
            for _ in 0..10 {
                machine.night(&mut book);
            }
            prop_assert_eq!(machine.kept_out(), vec![suspect(culprit).source]);
            // The first night, and at worst each try.
            prop_assert!(machine.rollbacks <= 5, "{}", machine.rollbacks);
            let [entry] = book.entries.as_slice() else {
                panic!("one entry: {book:?}");
            };
            prop_assert_eq!(entry.standing(), Standing::Known);
            prop_assert!(entry.trials <= 4, "{}", entry.trials);
        }

        /// Whatever is wrong with a machine: nothing harmful stays, the tries end,
        /// and what they did not tell is left to a person.
        #[test]
        fn however_many_culprits_the_tries_end(count in 1usize..=40, culprits in proptest::collection::vec(0usize..40, 0..5)) {
            let culprits: Vec<usize> = culprits.into_iter().map(|it| it % count).collect();
            let mut machine = Machine::new(count, &culprits);
            let mut book = Book::default();
            for _ in 0..40 {
                machine.night(&mut book);
            }
            let rollbacks = machine.rollbacks;
            machine.night(&mut book);
            prop_assert_eq!(machine.rollbacks, rollbacks, "still trying");
            for culprit in &culprits {
                prop_assert!(machine.kept_out().contains(&suspect(*culprit).source));
            }
            let searching = book.entries.iter().any(|it| it.standing() == Standing::Searching);
            prop_assert!(!searching, "{book:?}");
        }
    }

    #[test]
    fn a_set_that_four_tries_do_not_settle_is_for_a_person() {
        let mut machine = Machine::new(40, &[39]);
        let mut book = Book::default();
        for _ in 0..10 {
            machine.night(&mut book);
        }
        let entry = &book.entries[0];
        assert_eq!((entry.standing(), entry.trials), (Standing::NeedsHuman, 4));
        // 40, 20, 10, 5, and of five the half that is left.
        assert_eq!(machine.kept_out().len(), 3);
    }

    #[test]
    fn a_known_culprit_is_never_tried() {
        let mut book = Book::default();
        let known = Accusation {
            known: true,
            ..accusation([1, 2])
        };
        book.accuse(known, run(), now());
        assert_eq!(book.try_halves(), []);
        assert_eq!(book.kept_away().len(), 2);
    }

    #[test]
    fn what_came_in_beside_a_half_on_trial_is_suspected_too() {
        let mut book = Book::default();
        book.accuse(accusation([1, 2, 3, 4]), run(), now());
        book.try_halves();
        book.accuse(accusation([1, 2, 9]), RunId::new(2, 2), now());
        let [entry] = book.entries.as_slice() else {
            panic!("one harm: {book:?}");
        };
        let told = entry
            .suspects
            .iter()
            .map(|it| (it.source.as_str(), it.on_trial));
        let expected = [
            ("p01", false),
            ("p02", false),
            ("p09", false),
            ("p03", true),
            ("p04", true),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert_eq!(entry.trials, 1);
    }

    #[test]
    fn when_either_half_does_harm_it_is_for_a_person() {
        let mut machine = Machine::new(8, &[0, 7]);
        let mut book = Book::default();
        for _ in 0..6 {
            machine.night(&mut book);
        }
        assert_eq!(book.entries[0].standing(), Standing::NeedsHuman);
        // The set, one half, the other half.
        assert_eq!((machine.kept_out().len(), machine.rollbacks), (8, 3));
    }

    #[test]
    fn a_half_that_cannot_come_in_makes_way_for_the_other() {
        let on_trial = |book: &Book| -> Vec<String> {
            let suspects = book.entries.iter().flat_map(|entry| &entry.suspects);
            let tried = suspects.filter(|it| it.on_trial);
            tried.map(|it| it.source.to_string()).collect()
        };
        let mut book = Book::default();
        book.accuse(accusation([1, 2, 3, 4]), run(), now());
        book.try_halves();
        assert_eq!(on_trial(&book), ["p01", "p02"]);
        book.try_halves();
        assert_eq!(on_trial(&book), ["p03", "p04"]);
        // They do harm, and what seems harmless then cannot come in alone.
        book.accuse(accusation([3, 4]), RunId::new(2, 2), now());
        for _ in 0..2 {
            assert_eq!(on_trial(&book), ["p01", "p02"]);
            book.try_halves();
        }
        assert_eq!(on_trial(&book), ["p03"]);
        assert_eq!(book.entries[0].suspects.len(), 2, "the others are let go");
    }

    #[test]
    fn another_harm_leaves_a_trial_alone() {
        let mut book = Book::default();
        book.accuse(accusation([1, 2]), run(), now());
        book.try_halves();
        book.accuse(accusation([7]), RunId::new(2, 2), now());
        assert_eq!(book.entries.len(), 2);
        assert!(book.entries[0].suspects[0].on_trial);
    }

    #[test]
    fn what_is_lifted_is_gone_and_an_empty_entry_with_it() {
        let mut book = Book::default();
        book.accuse(accusation([1, 2]), run(), now());
        let name = |number| suspect(number).source;
        assert_eq!(book.lift(&name(9)), []);
        assert_eq!(book.lift(&name(1)).len(), 1);
        let kept: Vec<KeptAway> = book.kept_away().into_iter().collect();
        assert_eq!(kept.len(), 1);
        assert!(book.entry_of(&kept[0]).is_some());
        book.lift(&name(2));
        assert_eq!(book, Book::default());
    }

    #[test]
    fn a_book_has_a_bound_and_so_has_what_is_said_in_it() {
        let mut book = Book::default();
        for number in 0..80 {
            let long = Accusation {
                reason: "x".repeat(9000),
                evidence: vec!["y".repeat(9000); 99],
                ..accusation([number])
            };
            book.accuse(long, run(), now());
        }
        assert_eq!(book.entries.len(), 64);
        assert_eq!(book.entries[0].suspects[0].source.as_str(), "p16");
        let entry = &book.entries[0];
        assert_eq!((entry.reason.len(), entry.evidence.len()), (500, 20));
        assert!(entry.evidence.iter().all(|line| line.len() == 500));
    }
}
