//! The text format of Prometheus: one family after the other, each with its
//! meaning and type, then one line for each set of labels.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Metrics, RunTimes};

/// A family without lines is left out.
struct Family<'a> {
    name: &'static str,
    /// `counter` or `gauge`.
    kind: &'static str,
    help: &'static str,
    /// The one label, if lines have one.
    label: Option<&'static str>,
    lines: Vec<(&'a str, i128)>,
}

/// The whole page.
pub(super) fn draw(metrics: &Metrics) -> String {
    let families = [
        Family {
            name: "patchd_info",
            kind: "gauge",
            help: "Always 1; the label has the version of patchd.",
            label: Some("version"),
            lines: vec![(&metrics.version, 1)],
        },
        Family {
            name: "patchd_run_last_start_timestamp_seconds",
            kind: "gauge",
            help: "When the latest run of the schedule began; schedule \"now\": by hand.",
            label: Some("schedule"),
            lines: times(&metrics.runs, |run| run.start),
        },
        Family {
            name: "patchd_run_last_success_timestamp_seconds",
            kind: "gauge",
            help: "When the latest run of the schedule ended that left nothing undone.",
            label: Some("schedule"),
            lines: times(&metrics.runs, |run| run.success),
        },
        Family {
            name: "patchd_run_outcome_total",
            kind: "counter",
            help: "Runs that have ended, by outcome.",
            label: Some("outcome"),
            lines: counts(&metrics.outcomes),
        },
        Family {
            name: "patchd_skips_total",
            kind: "counter",
            help: "Runs that were due and did not begin, by reason.",
            label: Some("reason"),
            lines: counts(&metrics.skips),
        },
        Family {
            name: "patchd_updates_pending",
            kind: "gauge",
            help: "Pending updates by what becomes of them; as of the latest look.",
            label: Some("decision"),
            lines: counts(&metrics.pending),
        },
        Family {
            name: "patchd_reboot_owed_since_seconds",
            kind: "gauge",
            help: "Unix time since which a reboot is owed; absent when none is.",
            label: None,
            lines: metrics.reboot_owed_since.map(second).into_iter().collect(),
        },
        Family {
            name: "patchd_repository_age_seconds",
            kind: "gauge",
            help: "Age of the repository's index; as of the latest look.",
            label: Some("repository"),
            lines: counts(&metrics.repositories),
        },
        Family {
            name: "patchd_feed_age_seconds",
            kind: "gauge",
            help: "Age of what is known from the feed; as of the latest look.",
            label: Some("feed"),
            lines: counts(&metrics.feeds),
        },
    ];
    families.iter().map(Family::draw).collect()
}

impl Family<'_> {
    fn draw(&self) -> String {
        if self.lines.is_empty() {
            return String::new();
        }
        let Self {
            name, kind, help, ..
        } = self;
        let mut text = format!(
            "# HELP {name} {}\n# TYPE {name} {kind}\n",
            escaped_help(help)
        );
        for (value, figure) in &self.lines {
            text += name;
            if let Some(label) = self.label {
                text.extend(["{", label, "=\"", &escaped(value), "\"}"]);
            }
            text.extend([" ", &figure.to_string(), "\n"]);
        }
        text
    }
}

fn times(
    runs: &BTreeMap<String, RunTimes>,
    which: impl Fn(&RunTimes) -> Option<Timestamp>,
) -> Vec<(&str, i128)> {
    let told = |(name, run)| Some((String::as_str(name), which(run)?.as_second().into()));
    runs.iter().filter_map(told).collect()
}

fn counts(counts: &BTreeMap<String, u64>) -> Vec<(&str, i128)> {
    let counts = counts.iter();
    counts
        .map(|(name, count)| (name.as_str(), i128::from(*count)))
        .collect()
}

fn second(at: Timestamp) -> (&'static str, i128) {
    ("", at.as_second().into())
}

/// A label's value: three signs are written with a backslash, all others as they are.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// In a meaning, quotation marks stay.
fn escaped_help(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn some() -> Metrics {
        let at = |second| Timestamp::from_second(second).ok();
        let map = |pairs: &[(&str, u64)]| {
            let owned = pairs
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count));
            owned.collect::<BTreeMap<_, _>>()
        };
        let nightly = RunTimes {
            start: at(1_800_000_000),
            success: None,
        };
        let now = RunTimes {
            start: at(1_799_000_000),
            success: at(1_799_000_090),
        };
        Metrics {
            version: "0.1.0".to_owned(),
            runs: [("nightly".to_owned(), nightly), ("now".to_owned(), now)].into(),
            outcomes: map(&[("failed", 0), ("succeeded", 41)]),
            skips: map(&[("freeze", 2)]),
            pending: map(&[("install", 0), ("soaking", 3)]),
            reboot_owed_since: at(1_798_000_000),
            repositories: map(&[("http://deb.debian.org/debian bookworm", 3600)]),
            feeds: map(&[("kev", 900)]),
        }
    }

    #[test]
    fn the_page_reads_like_this() {
        insta::assert_snapshot!(draw(&some()), @r##"
        # HELP patchd_info Always 1; the label has the version of patchd.
        # TYPE patchd_info gauge
        patchd_info{version="0.1.0"} 1
        # HELP patchd_run_last_start_timestamp_seconds When the latest run of the schedule began; schedule "now": by hand.
        # TYPE patchd_run_last_start_timestamp_seconds gauge
        patchd_run_last_start_timestamp_seconds{schedule="nightly"} 1800000000
        patchd_run_last_start_timestamp_seconds{schedule="now"} 1799000000
        # HELP patchd_run_last_success_timestamp_seconds When the latest run of the schedule ended that left nothing undone.
        # TYPE patchd_run_last_success_timestamp_seconds gauge
        patchd_run_last_success_timestamp_seconds{schedule="now"} 1799000090
        # HELP patchd_run_outcome_total Runs that have ended, by outcome.
        # TYPE patchd_run_outcome_total counter
        patchd_run_outcome_total{outcome="failed"} 0
        patchd_run_outcome_total{outcome="succeeded"} 41
        # HELP patchd_skips_total Runs that were due and did not begin, by reason.
        # TYPE patchd_skips_total counter
        patchd_skips_total{reason="freeze"} 2
        # HELP patchd_updates_pending Pending updates by what becomes of them; as of the latest look.
        # TYPE patchd_updates_pending gauge
        patchd_updates_pending{decision="install"} 0
        patchd_updates_pending{decision="soaking"} 3
        # HELP patchd_reboot_owed_since_seconds Unix time since which a reboot is owed; absent when none is.
        # TYPE patchd_reboot_owed_since_seconds gauge
        patchd_reboot_owed_since_seconds 1798000000
        # HELP patchd_repository_age_seconds Age of the repository's index; as of the latest look.
        # TYPE patchd_repository_age_seconds gauge
        patchd_repository_age_seconds{repository="http://deb.debian.org/debian bookworm"} 3600
        # HELP patchd_feed_age_seconds Age of what is known from the feed; as of the latest look.
        # TYPE patchd_feed_age_seconds gauge
        patchd_feed_age_seconds{feed="kev"} 900
        "##);
    }

    #[test]
    fn what_is_not_known_is_absent() {
        let page = draw(&Metrics::default());
        assert_eq!(page.lines().count(), 3, "{page}");
    }

    /// Name, labels, figure.
    type Sample<'a> = (&'a str, Vec<(String, String)>, f64);

    /// One line of figures, taken apart as Prometheus does it.
    fn sample(line: &str) -> Option<Sample<'_>> {
        let name_end = line.find(['{', ' '])?;
        let (name, mut rest) = line.split_at(name_end);
        let mut labels = Vec::new();
        if let Some(inside) = rest.strip_prefix('{') {
            let (label, more) = inside.split_once("=\"")?;
            let mut value = String::new();
            let mut signs = more.char_indices();
            let end = loop {
                match signs.next()? {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match signs.next()?.1 {
                        'n' => '\n',
                        sign @ ('\\' | '"') => sign,
                        _ => return None,
                    }),
                    (_, '\n') => return None,
                    (_, sign) => value.push(sign),
                }
            };
            labels.push((label.to_owned(), value));
            rest = more.get(end + 1..)?.strip_prefix('}')?;
        }
        let figure = rest.strip_prefix(' ')?.parse().ok()?;
        Some((name, labels, figure))
    }

    fn is_name(word: &str) -> bool {
        let sign = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
        word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(sign)
    }

    /// The rules of the format: each family once and in one piece, meaning and
    /// type first, no line twice, a line feed at the end.
    fn fault(page: &str) -> Option<String> {
        let mut families = BTreeSet::new();
        let mut series = BTreeSet::new();
        let mut current = (String::new(), String::new());
        for line in page.split_terminator('\n') {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words.as_slice() {
                ["#", "HELP", name, text] => {
                    if !is_name(name) || text.is_empty() || !families.insert((*name).to_owned()) {
                        return Some(format!("bad or second family: {line}"));
                    }
                    current = ((*name).to_owned(), String::new());
                }
                ["#", "TYPE", name, kind @ ("counter" | "gauge")] if *name == current.0 => {
                    if (*kind == "counter") != name.ends_with("_total") {
                        return Some(format!("type and name disagree: {line}"));
                    }
                    current.1 = (*kind).to_owned();
                }
                _ => match sample(line) {
                    Some((name, labels, figure))
                        if name == current.0 && !current.1.is_empty() && figure.is_finite() =>
                    {
                        if !labels.iter().all(|(label, _)| is_name(label))
                            || !series.insert((name.to_owned(), labels))
                        {
                            return Some(format!("bad label or second line: {line}"));
                        }
                    }
                    _ => return Some(format!("no line of this family: {line}")),
                },
            }
        }
        (!page.ends_with('\n')).then(|| "no line feed at the end".to_owned())
    }

    #[test]
    fn the_page_keeps_the_rules_of_the_format() {
        assert_eq!(fault(&draw(&some())), None);
        assert_eq!(fault(&draw(&Metrics::default())), None);
    }

    proptest! {
        #[test]
        fn any_name_comes_back_as_it_was(names in proptest::collection::btree_set(any::<String>(), 1..5)) {
            let repositories = names.iter().map(|name| (name.clone(), 1)).collect();
            let page = draw(&Metrics { repositories, ..Metrics::default() });
            prop_assert_eq!(fault(&page), None);
            let told = page.split('\n').filter_map(sample);
            let back: BTreeSet<String> = told
                .filter(|(name, ..)| *name == "patchd_repository_age_seconds")
                .filter_map(|(_, labels, _)| labels.into_iter().next().map(|(_, value)| value))
                .collect();
            prop_assert_eq!(back, names);
        }
    }
}
