//! Words that several formats have in common.

use jiff::civil::Date;

use crate::feeds::Reason;
use crate::model::{CveId, PackageName, Severity, Version};

/// The longest label there is; what is longer is none.
const LABEL: usize = 64;

/// A vendor's rating. `None` and `unspecified` of rpm vendors are no ratings:
/// who does not rate does not say that there is no risk.
pub(super) fn severity(word: &str) -> Option<Severity> {
    // Debian marks with stars what was not rated by hand.
    let word = word.trim().trim_end_matches('*').to_ascii_lowercase();
    match word.as_str() {
        "critical" => Some(Severity::Critical),
        "high" | "important" => Some(Severity::High),
        "medium" | "moderate" => Some(Severity::Medium),
        "low" => Some(Severity::Low),
        "unimportant" | "negligible" => Some(Severity::None),
        _ => None,
    }
}

/// The id of a vulnerability, whoever put his own name before it.
pub(super) fn cve(text: &str) -> Option<CveId> {
    let id = ["DEBIAN-", "UBUNTU-"]
        .iter()
        .find_map(|name| text.strip_prefix(name));
    CveId::try_from(id.unwrap_or(text).trim().to_owned()).ok()
}

/// A package, if it can be one.
pub(super) fn package(text: &str) -> Result<PackageName, Reason> {
    PackageName::try_from(text.to_owned()).map_err(|_| Reason::BadName)
}

/// A version, if it can be one.
pub(super) fn version(text: &str) -> Result<Version, Reason> {
    Version::try_from(text.to_owned()).map_err(|_| Reason::BadVersion)
}

/// The day of a date or time, as all feeds begin them.
pub(super) fn day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// What a person may be shown as the name of an advisory.
pub(super) fn label(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= LABEL;
    (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| text.to_owned())
}

/// A number between 0 and 1 in `parts` parts, rounded.
pub(super) fn scaled(number: f64, parts: u16) -> Option<u16> {
    let text = format!("{:.0}", number * f64::from(parts));
    text.parse().ok().filter(|it| *it <= parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vendors_words_are_known() {
        let table = [
            ("Critical", Some(Severity::Critical)),
            ("Important", Some(Severity::High)),
            ("MODERATE", Some(Severity::Medium)),
            ("low**", Some(Severity::Low)),
            ("unimportant", Some(Severity::None)),
            ("negligible", Some(Severity::None)),
            ("None", None),
            ("not yet assigned", None),
            ("untriaged", None),
            ("", None),
        ];
        for (word, severity) in table {
            assert_eq!(super::severity(word), severity, "{word}");
        }
    }

    #[test]
    fn a_number_is_scaled_and_bounded() {
        assert_eq!(scaled(0.18126, 10_000), Some(1813));
        assert_eq!(scaled(1.0, 10_000), Some(10_000));
        for bad in [1.1, -0.5, f64::NAN, f64::INFINITY] {
            assert_eq!(scaled(bad, 10_000), None, "{bad}");
        }
    }

    #[test]
    fn a_time_begins_with_its_day() {
        let day = |text| super::day(text).map(|it| it.to_string());
        assert_eq!(
            day("2026-08-07T16:45:47.0648Z").as_deref(),
            Some("2026-08-07")
        );
        assert_eq!(day("2026-08-07").as_deref(), Some("2026-08-07"));
        assert_eq!(day("2026-13-07"), None);
        assert_eq!(day("07.08.2026"), None);
    }
}
