//! Lengths of time as operators write them: `90s`, `2h`, `1h30m`, `3d`.

use std::time::Duration;

/// Units from large to small, with their seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// What the published schema says about it.
pub(super) const PATTERN: &str = "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";

/// Reads one; each unit at most once, large ones first. A bare number says
/// nothing about its unit and is refused.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds: u64 = 0;
    for (unit, length) in UNITS {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = rest.split_at_checked(digits)?;
        if let Some(behind) = behind.strip_prefix(unit) {
            let number: u64 = number.parse().ok()?;
            seconds = seconds.checked_add(number.checked_mul(length)?)?;
            rest = behind;
        }
    }
    (rest.is_empty() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

/// The same the other way round.
pub(super) fn write(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    let mut text = String::new();
    for (unit, length) in UNITS {
        if seconds >= length {
            text += &(seconds / length).to_string();
            text.push(unit);
            seconds %= length;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_numbers_with_units_large_ones_first() {
        let table = [
            ("90s", Some(90)),
            ("2h", Some(7_200)),
            ("1h30m", Some(5_400)),
            ("3d", Some(259_200)),
            ("1d2h3m4s", Some(93_784)),
            ("0s", Some(0)),
            ("", None),
            ("90", None),
            ("h", None),
            ("30m1h", None),
            ("1h1h", None),
            ("1 h", None),
            ("1.5h", None),
            ("-1h", None),
            ("2w", None),
            ("1hour", None),
            ("99999999999999999999s", None),
            ("999999999999999999d", None),
        ];
        for (text, seconds) in table {
            assert_eq!(parse(text), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in 0_u64..1 << 40) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse(&write(duration)), Some(duration));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
