//! "Did you mean": the known word that is nearest to what was written.

/// The nearest of `known`, if it is near enough to be a slip of the finger.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Longer than any key: not a slip, and comparing it would cost.
    if written.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|word| (distance(written, word), word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(1))
        .min()
        .map(|(_, word)| word)
}

/// How many letters must be put in, left out or exchanged (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut left = index + 1;
        let mut next = vec![left];
        for (other, pair) in to.iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            let exchanged = diagonal + usize::from(letter != *other);
            left = exchanged.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("soak", "soak"), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["retries", "interval", "probe"];
        assert_eq!(nearest("retires", known), Some("retries"));
        assert_eq!(nearest("Probe", known), Some("probe"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest(&"retries".repeat(99), known), None);
    }
}
