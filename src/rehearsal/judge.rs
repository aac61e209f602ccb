//! What a rehearsal proves. Pure.

use std::time::Duration;

use super::said::Heard;
use crate::model::{PackageName, Verdict};

/// How the jail ended, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this exit status.
    Status(i32),
    /// It was ended after this long.
    TimeLimit(Duration),
    /// It wanted more memory than it had.
    Memory,
    /// It filled its layer.
    LayerFull,
    /// It started more processes than it may.
    Tasks,
}

/// What it proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it would work.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub summary: String,
    /// Who makes it fail, if that can be told.
    pub culprits: Vec<PackageName>,
}

/// What a rehearsal lacks, by the words of whoever misses it.
const LACKS: [(&str, &[&str]); 5] = [
    (
        "there is no network in a rehearsal",
        &[
            "could not resolve",
            "couldn't resolve",
            "failure in name resolution",
            "name or service not known",
            "network is unreachable",
            "connection refused",
            "no route to host",
            "unable to resolve host",
        ],
    ),
    (
        "no service manager runs in a rehearsal",
        &[
            "failed to connect to bus",
            "failed to connect to system scope bus",
            "system_bus_socket",
            "/run/systemd/private",
            "not been booted with systemd",
            "failed to get d-bus connection",
            "/run/dbus",
        ],
    ),
    (
        "a rehearsal may not touch devices or the kernel",
        &[
            "operation not permitted",
            "no such device",
            "no such file or directory: '/dev/",
            "failed to determine device for",
            "canonical path of `overlay'",
            "canonical path of 'overlay'",
            "read-only file system",
            "function not implemented",
            "protocol not supported",
        ],
    ),
    (
        "its layer had no more room",
        &["no space left on device", "disk quota exceeded"],
    ),
    (
        "it had no more memory",
        &[
            "cannot allocate memory",
            "out of memory",
            "memory exhausted",
            "killed by signal (killed)",
        ],
    ),
];

/// Judges a rehearsal by what was heard and how it ended.
#[must_use]
pub fn judge(heard: &Heard, ending: Ending) -> Judgement {
    if let Some(failure) = failure(heard) {
        let culprits = culprits(heard);
        let said = heard.words.iter().map(String::as_str);
        let lack = match ending {
            Ending::Memory => Some("it had no more memory"),
            Ending::LayerFull => Some("its layer had no more room"),
            Ending::Tasks => Some("it started more processes than it may there"),
            Ending::Status(_) | Ending::TimeLimit(_) => lack(said.chain([failure.as_str()])),
        };
        return match lack {
            Some(lack) => unproven(
                format!("{failure}; on the machine itself it may work, because {lack}"),
                culprits,
            ),
            None => Judgement {
                verdict: Verdict::Confirmed,
                summary: failure,
                culprits,
            },
        };
    }
    if heard.done {
        return Judgement {
            verdict: Verdict::Passed,
            summary: passed(heard),
            culprits: Vec::new(),
        };
    }
    let why = match (&heard.impossible, ending) {
        (Some(sentence), _) => sentence.clone(),
        (None, Ending::TimeLimit(limit)) => format!(
            "it did not end within {} min, and was last at {:?}; perhaps a script waits for something that is not there in a rehearsal",
            limit.as_secs() / 60,
            heard.doing
        ),
        (None, Ending::Memory) => "it wanted more memory than it may have".to_owned(),
        (None, Ending::Tasks) => "it started more processes than it may".to_owned(),
        (None, Ending::LayerFull) => "its layer had no more room".to_owned(),
        (None, Ending::Status(status)) => format!("it ended with status {status} and no answer"),
    };
    unproven(why, Vec::new())
}

fn unproven(summary: String, culprits: Vec<PackageName>) -> Judgement {
    Judgement {
        verdict: Verdict::Unproven,
        summary,
        culprits,
    }
}

fn passed(heard: &Heard) -> String {
    match heard.probes {
        0 => "it went through, and the package database is sound behind it".to_owned(),
        1 => {
            "it went through; the package database is sound behind it, and 1 check passes as before"
                .to_owned()
        }
        probes => format!(
            "it went through; the package database is sound behind it, and {probes} checks pass as before"
        ),
    }
}

/// What went wrong, in one sentence; the transaction's own failure first.
fn failure(heard: &Heard) -> Option<String> {
    let applied = heard.applied.as_ref()?;
    if let Some(failure) = &applied.failure {
        let words = script_words(&heard.words).filter(|words| !failure.contains(words));
        return Some(match words {
            Some(words) => format!("{failure} ({words})"),
            None => failure.clone(),
        });
    }
    if let Some(first) = heard.unsound.first() {
        return Some(format!(
            "the package database is not sound behind it: {first}"
        ));
    }
    let (name, words) = heard.failed_probes.first()?;
    Some(format!(
        "{name} passes before it and fails behind it: {words}"
    ))
}

/// The last line that is not dpkg's own.
fn script_words(words: &[String]) -> Option<&str> {
    const DPKG: [&str; 6] = [
        "dpkg",
        "Setting up ",
        "Unpacking ",
        "Preparing to unpack ",
        "Processing triggers for ",
        " ",
    ];
    let own = |line: &&String| !DPKG.iter().any(|start| line.starts_with(start));
    words.iter().rfind(own).map(|line| line.trim())
}

fn culprits(heard: &Heard) -> Vec<PackageName> {
    let applied = heard.applied.as_ref();
    applied.map(|it| it.culprits.clone()).unwrap_or_default()
}

/// What a rehearsal lacks that these words miss.
fn lack<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    words.find_map(|line| {
        let line = line.to_lowercase();
        LACKS
            .iter()
            .find(|(_, signs)| signs.iter().any(|sign| line.contains(sign)))
            .map(|(lack, _)| *lack)
    })
}

#[cfg(test)]
mod tests {
    use super::super::said::Applied;
    use super::*;

    fn heard(failure: Option<&str>, words: &[&str]) -> Heard {
        let name = PackageName::try_from("bad".to_owned()).expect("valid");
        Heard {
            applied: Some(Applied {
                milliseconds: 1,
                failure: failure.map(str::to_owned),
                culprits: failure.map(|_| name).into_iter().collect(),
            }),
            words: words.iter().map(|it| (*it).to_owned()).collect(),
            done: true,
            ..Heard::default()
        }
    }

    const EXIT: &str =
        "installed bad package post-installation script subprocess returned error exit status 3";
    const WELL: Ending = Ending::Status(0);

    #[test]
    fn a_failure_is_confirmed_unless_a_rehearsal_lacks_what_it_needs() {
        type Case<'a> = (Option<&'a str>, &'a [&'a str], Ending, Verdict);
        let table: [Case<'_>; 9] = [
            (None, &[], WELL, Verdict::Passed),
            (None, &["connection refused"], WELL, Verdict::Passed),
            (
                Some(EXIT),
                &["bad: no such option"],
                WELL,
                Verdict::Confirmed,
            ),
            (
                Some(EXIT),
                &["psql: could not connect: Connection refused"],
                WELL,
                Verdict::Unproven,
            ),
            (
                Some(EXIT),
                &["Failed to connect to bus: No such file or directory"],
                WELL,
                Verdict::Unproven,
            ),
            (
                Some(EXIT),
                &["mknod: Operation not permitted"],
                WELL,
                Verdict::Unproven,
            ),
            (
                Some("cp: No space left on device"),
                &[],
                WELL,
                Verdict::Unproven,
            ),
            (Some(EXIT), &[], Ending::Memory, Verdict::Unproven),
            (Some(EXIT), &[], Ending::LayerFull, Verdict::Unproven),
        ];
        for (failure, words, ending, verdict) in table {
            let judged = judge(&heard(failure, words), ending);
            assert_eq!(judged.verdict, verdict, "{judged:?}");
            assert_eq!(judged.culprits.is_empty(), failure.is_none());
        }
    }

    #[test]
    fn the_last_words_of_a_script_are_told_and_not_those_around_it() {
        let words = [
            "Setting up bad (2.0) ...",
            "cannot find the answer",
            "dpkg: error processing package bad (--configure):",
            " installed bad package post-installation script subprocess returned error exit status 3",
        ];
        let judged = judge(&heard(Some(EXIT), &words), WELL);
        assert_eq!(judged.summary, format!("{EXIT} (cannot find the answer)"));
    }

    #[test]
    fn silence_proves_nothing() {
        let hour = Duration::from_hours(1);
        let table = [
            (Ending::TimeLimit(hour), "within 60 min"),
            (Ending::Memory, "more memory"),
            (Ending::LayerFull, "no more room"),
            (Ending::Tasks, "more processes"),
            (Ending::Status(137), "status 137"),
        ];
        for (ending, words) in table {
            let judged = judge(&Heard::default(), ending);
            assert_eq!(judged.verdict, Verdict::Unproven);
            assert!(judged.summary.contains(words), "{}", judged.summary);
        }
        let impossible = Heard {
            impossible: Some("apt cannot be asked".to_owned()),
            ..Heard::default()
        };
        assert_eq!(judge(&impossible, WELL).summary, "apt cannot be asked");
    }

    #[test]
    fn a_check_that_fails_behind_it_and_an_unsound_database_are_failures() {
        let mut probe = heard(None, &[]);
        let failed = ("nginx -t".to_owned(), "unknown directive".to_owned());
        probe.failed_probes.push(failed);
        let mut unsound = heard(None, &[]);
        unsound.unsound.push("bad is half-configured".to_owned());
        for (heard, words) in [
            (probe, "nginx -t passes before"),
            (unsound, "half-configured"),
        ] {
            let judged = judge(&heard, WELL);
            assert_eq!(judged.verdict, Verdict::Confirmed);
            assert!(judged.summary.contains(words), "{}", judged.summary);
            assert!(judged.culprits.is_empty());
        }
    }

    #[test]
    fn a_transaction_that_did_not_tell_its_end_has_not_passed() {
        let cut_short = Heard {
            done: false,
            ..heard(None, &[])
        };
        assert_eq!(judge(&cut_short, WELL).verdict, Verdict::Unproven);
    }
}
