//! Whether the package database is sound. dpkg's states decide; its prose is
//! only quoted.

use std::path::Path;

use super::super::fault::Fault;
use super::commands;
use crate::model::{PackageId, Version};
use crate::os::command::{Output, Runner};

/// Where dpkg leaves what it had not yet merged into its database.
const JOURNAL: &str = "/var/lib/dpkg/updates";

/// So much of an odd name is quoted.
const SHOWN: usize = 100;

/// One package as dpkg knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which package.
    pub id: PackageId,
    /// Its version; absent when it is not on disk.
    pub version: Option<Version>,
    /// What is wrong with it.
    pub trouble: Option<Trouble>,
}

/// A state in which a package must not stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Removed half-way, or unpacked half-way.
    HalfInstalled,
    /// Unpacked, its configuration not begun.
    Unpacked,
    /// Its configuration failed or was interrupted.
    HalfConfigured,
    /// Another package must process its triggers.
    TriggersAwaited,
    /// It must process triggers.
    TriggersPending,
    /// Its files are in a mess; only its archive brings it back.
    MustBeReinstalled,
}

/// Letters of dpkg that we do not know.
struct UnknownFlags;

/// Sentences about everything that is not sound; empty means sound.
pub async fn audit(runner: &dyn Runner) -> Result<Vec<String>, Fault> {
    let listed = listed(runner).await?;
    let (known, odd) = (listed.records, listed.odd);
    let mut faults = sentences(&known);
    faults.extend(odd);
    let entries = journal(Path::new(JOURNAL))?;
    if entries > 0 {
        faults.push(format!(
            "dpkg was interrupted: {entries} unmerged entries in {JOURNAL}"
        ));
    }
    let own = answer(&runner.ask(&commands::audit()).await?, "dpkg --audit")?;
    if faults.is_empty()
        && let Some(first) = own.lines().find(|line| !line.trim().is_empty())
    {
        faults.push(format!("dpkg --audit says: {first}"));
    }
    Ok(faults)
}

/// Every package that dpkg knows.
pub async fn records(runner: &dyn Runner) -> Result<Vec<Record>, Fault> {
    Ok(listed(runner).await?.records)
}

/// All that dpkg lists.
#[derive(Debug, Default)]
struct Listed {
    /// What we can name.
    records: Vec<Record>,
    /// A sentence for each unsound package with a name of another form than ours.
    odd: Vec<String>,
}

async fn listed(runner: &dyn Runner) -> Result<Listed, Fault> {
    let text = answer(&runner.ask(&commands::states()).await?, "dpkg-query")?;
    read(&text)
}

/// dpkg allows names that no archive has. They stand in nobody's way as long as
/// the package is sound.
fn read(text: &str) -> Result<Listed, Fault> {
    let mut listed = Listed::default();
    for line in text.lines() {
        match record(line)? {
            Entry::Known(record) => listed.records.push(record),
            Entry::Odd(None) => {}
            Entry::Odd(Some(sentence)) => listed.odd.push(sentence),
        }
    }
    Ok(listed)
}

/// One line of dpkg's list.
#[derive(Debug)]
enum Entry {
    Known(Record),
    /// With a sentence when it is not sound.
    Odd(Option<String>),
}

fn answer(output: &Output, program: &'static str) -> Result<String, Fault> {
    if output.status == 0 {
        return Ok(output.text());
    }
    Err(Fault::Failed {
        program,
        words: output.last_words(),
        advice: "run it by hand; the package database may be damaged",
    })
}

/// A sentence for each package that is not sound.
#[must_use]
pub fn sentences(records: &[Record]) -> Vec<String> {
    records
        .iter()
        .filter_map(|record| Some(format!("{} is {}", record.id.name, record.trouble?.words())))
        .collect()
}

/// dpkg numbers its journal files; everything else there is its own affair.
fn journal(folder: &Path) -> Result<usize, Fault> {
    let fault = |cause| Fault::File {
        path: folder.to_owned(),
        cause,
    };
    let mut entries = 0;
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let name = entry.map_err(fault)?.file_name();
        let numbered = name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        entries += usize::from(numbered);
    }
    Ok(entries)
}

/// `iF \tbad\tall\t2.0`: wanted, state, error flag; name; architecture; version.
fn record(line: &str) -> Result<Entry, Fault> {
    let garbage = || Fault::Garbage {
        source_of: "dpkg-query".to_owned(),
        line: line.chars().take(200).collect(),
    };
    let fields: Vec<&str> = line.split('\t').collect();
    let [flags, name, architecture, version] = fields.as_slice() else {
        return Err(garbage());
    };
    let trouble = trouble(flags).map_err(|UnknownFlags| garbage())?;
    let Ok(id) = PackageId::parse(name, architecture) else {
        let name: String = name.chars().take(SHOWN).collect();
        let sentence = |it: Trouble| {
            format!(
                "{name:?}, a package with a name unknown to patchd, is {}",
                it.words()
            )
        };
        return Ok(Entry::Odd(trouble.map(sentence)));
    };
    let there = !version.is_empty() && !matches!(flags.chars().nth(1), Some('n' | 'c'));
    let version = there
        .then(|| Version::try_from((*version).to_owned()))
        .transpose();
    Ok(Entry::Known(Record {
        id,
        version: version.map_err(|_| garbage())?,
        trouble,
    }))
}

/// Reads wanted, state and error flag; an error for letters that we do not know.
fn trouble(flags: &str) -> Result<Option<Trouble>, UnknownFlags> {
    let letters: Vec<char> = flags.chars().collect();
    let (wanted, state, error) = match letters.as_slice() {
        [wanted, state] => (wanted, state, &' '),
        [wanted, state, error] => (wanted, state, error),
        _ => return Err(UnknownFlags),
    };
    let trouble = match state {
        'n' | 'c' | 'i' => None,
        'H' => Some(Trouble::HalfInstalled),
        'U' => Some(Trouble::Unpacked),
        'F' => Some(Trouble::HalfConfigured),
        'W' => Some(Trouble::TriggersAwaited),
        't' => Some(Trouble::TriggersPending),
        _ => return Err(UnknownFlags),
    };
    match (wanted, error) {
        ('u' | 'i' | 'h' | 'r' | 'p', ' ') => Ok(trouble),
        ('u' | 'i' | 'h' | 'r' | 'p', 'R') => Ok(Some(Trouble::MustBeReinstalled)),
        _ => Err(UnknownFlags),
    }
}

impl Trouble {
    fn words(self) -> &'static str {
        match self {
            Self::HalfInstalled => "half-installed",
            Self::Unpacked => "unpacked and not configured",
            Self::HalfConfigured => "half-configured",
            Self::TriggersAwaited => "waiting for another package's triggers",
            Self::TriggersPending => "left with triggers to process",
            Self::MustBeReinstalled => "in a state that only a reinstallation mends",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(line: &str) -> Record {
        match record(line).expect(line) {
            Entry::Known(record) => record,
            Entry::Odd(_) => panic!("{line}"),
        }
    }

    #[test]
    fn an_odd_name_is_passed_over_unless_it_is_unsound() {
        let text = "ii \tnginx\tamd64\t1\nii \t-o\tamd64\t1\nii \t!odd\tall\t1\n";
        let listed = read(text).expect("readable");
        assert_eq!((listed.records.len(), listed.odd.len()), (1, 0));
        let listed = read("iU \t!odd\tall\t1\n").expect("readable");
        assert_eq!(
            listed.odd,
            ["\"!odd\", a package with a name unknown to patchd, is unpacked and not configured"]
        );
    }

    #[test]
    fn each_state_is_sound_or_has_its_word() {
        let cases = [
            ("ii ", None),
            ("hi ", None),
            ("rc ", None),
            ("hc ", None),
            ("un ", None),
            ("pn ", None),
            ("ri ", None),
            ("iF ", Some(Trouble::HalfConfigured)),
            ("iU ", Some(Trouble::Unpacked)),
            ("iH ", Some(Trouble::HalfInstalled)),
            ("iHR", Some(Trouble::MustBeReinstalled)),
            ("iiR", Some(Trouble::MustBeReinstalled)),
            ("it ", Some(Trouble::TriggersPending)),
            ("iW ", Some(Trouble::TriggersAwaited)),
        ];
        for (flags, expected) in cases {
            let line = format!("{flags}\tnginx\tamd64\t1.0");
            assert_eq!(known(&line).trouble, expected, "{flags:?}");
        }
    }

    #[test]
    fn what_is_only_remembered_has_no_version() {
        for (line, version) in [
            ("ii \tnginx\tamd64\t1.0", Some("1.0")),
            ("iHR\tnginx\tamd64\t1.0", Some("1.0")),
            ("rc \tnginx\tamd64\t1.0", None),
            ("un \tnginx\tamd64\t", None),
        ] {
            let found = known(line).version;
            assert_eq!(found.as_ref().map(Version::as_str), version, "{line:?}");
        }
    }

    #[test]
    fn a_line_of_another_shape_is_not_guessed_at() {
        for bad in [
            "",
            "ii \tnginx\tamd64",
            "xx \tnginx\tamd64\t1",
            "iz \tnginx\tamd64\t1",
            "iiX\tnginx\tamd64\t1",
        ] {
            assert!(matches!(record(bad), Err(Fault::Garbage { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_real_unsound_database_is_read_whole() {
        for release in ["12", "13"] {
            let path = format!(
                "{}/tests/fixtures/apt/{release}/apply/states-unsound.txt",
                env!("CARGO_MANIFEST_DIR")
            );
            let text = std::fs::read_to_string(path).expect("a fixture");
            assert_eq!(
                sentences(&read(&text).expect("known states").records),
                [
                    "bad is unpacked and not configured",
                    "needsbad is unpacked and not configured",
                    "plain is unpacked and not configured",
                ]
            );
        }
    }

    #[test]
    fn only_numbered_files_are_a_journal() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(journal(folder.path()).expect("readable"), 0);
        for name in ["0000", "0001", "tmp.i"] {
            std::fs::File::create(folder.path().join(name)).expect("written");
        }
        assert_eq!(journal(folder.path()).expect("readable"), 2);
    }
}
