//! Where evidence is kept: `evidence.jsonl` in the state's folder, to which lines
//! are only added, each on disk before anything else happens. A file that has
//! become long is put away under the number of its last record, and the next one
//! goes on with the chain.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::compliance::evidence::{self, Broken, Chain, LINE_CAP};
use crate::model::Anchor;
use crate::os::files;

/// The file that is added to.
const FILE: &str = "evidence.jsonl";

/// One that is longer is put away, bytes: some thousands of runs.
const LENGTH: u64 = 8 << 20;

/// How many of those are kept; beyond them the oldest goes.
const KEPT: usize = 12;

/// How often the head is noted in the journal.
const ANCHORED_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// The chain, open for more.
#[derive(Debug)]
pub(super) struct Evidence {
    folder: PathBuf,
    head: Option<Anchor>,
    /// When the head was last noted where others see it.
    anchored: Timestamp,
}

impl Evidence {
    /// Finds the end of the chain.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut head = end_of(&folder.join(FILE))?;
        if head.is_none()
            && let Some(latest) = put_away(folder)?.last()
        {
            head = end_of(latest)?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            head,
            anchored: Timestamp::MIN,
        })
    }

    /// The end of the chain.
    pub fn head(&self) -> Option<&Anchor> {
        self.head.as_ref()
    }

    /// The head, when it was not noted for a day.
    pub fn anchor_due(&mut self, now: Timestamp) -> Option<Anchor> {
        let is_due = self.anchored > now || now.duration_since(self.anchored) >= ANCHORED_EVERY;
        let head = self.head.clone().filter(|_| is_due)?;
        self.anchored = now;
        Some(head)
    }

    /// Adds a record. It is on disk when this returns; where that fails, the file is
    /// as it was.
    pub fn record(&mut self, at: Timestamp, body: &Value) -> io::Result<()> {
        let (line, head) = evidence::append(self.head.as_ref(), at, body);
        let path = self.folder.join(FILE);
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(files::no_follow())
            .open(&path)?;
        let before = file.metadata()?.len();
        let written = file.write_all(line.as_bytes());
        if let Err(cause) = written.and_then(|()| file.sync_data()) {
            file.set_len(before)?;
            return Err(cause);
        }
        let sequence = head.sequence;
        self.head = Some(head);
        if before + line.len() as u64 >= LENGTH {
            std::fs::rename(&path, self.folder.join(aside(sequence)))?;
            self.forget_oldest()?;
        }
        // A file that is new, or has another name, is there after a power cut too.
        File::open(&self.folder)?.sync_all()
    }

    fn forget_oldest(&self) -> io::Result<()> {
        let files = put_away(&self.folder)?;
        let surplus = files.len().saturating_sub(KEPT);
        files
            .iter()
            .take(surplus)
            .try_for_each(std::fs::remove_file)
    }
}

/// Goes through the whole chain, and looks for what was noted elsewhere.
pub fn verify(folder: &Path, anchors: &[Anchor]) -> Result<Option<Chain>, Unproven> {
    let mut paths = put_away(folder)?;
    paths.push(folder.join(FILE));
    let mut lines = Vec::new();
    for path in paths {
        match File::open(&path) {
            Ok(file) => lines.push(Lines(BufReader::new(file))),
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(cause.into()),
        }
    }
    Ok(evidence::verify(lines.into_iter().flatten(), anchors)?)
}

/// Why evidence proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// It was changed.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It cannot be read.
    #[error("the evidence cannot be read: {0}; look at its disk")]
    Unreadable(#[from] io::Error),
}

/// The lines of a file, none of them longer than a record can be. What cannot be
/// read is an empty line, which is no record.
struct Lines(BufReader<File>);

impl Iterator for Lines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.0).take(LINE_CAP as u64 + 2);
        match bounded.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) if line.pop() == Some(b'\n') => Some(String::from_utf8(line).unwrap_or_default()),
            Ok(_) | Err(_) => Some(String::new()),
        }
    }
}

/// Names that sort as the records do.
fn aside(sequence: u64) -> String {
    format!("evidence-{sequence:020}.jsonl")
}

/// The files that were put away, oldest first.
fn put_away(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = files::names(folder)?;
    names.retain(|name| {
        let number = name.strip_prefix("evidence-");
        let number = number.and_then(|it| it.strip_suffix(".jsonl"));
        number.is_some_and(|it| it.len() == 20 && it.bytes().all(|byte| byte.is_ascii_digit()))
    });
    names.sort();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// The head of the chain that ends in this file. What stands behind the last line
/// feed was torn by a power cut and never acknowledged: it goes.
fn end_of(path: &Path) -> io::Result<Option<Anchor>> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(files::no_follow())
        .open(path);
    let mut file = match opened {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let length = file.metadata()?.len();
    let window = (2 * LINE_CAP as u64).min(length);
    file.seek(SeekFrom::Start(length - window))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let torn = tail.len() - whole;
    if torn > 0 {
        file.set_len(length - torn as u64)?;
        file.sync_all()?;
    }
    tail.truncate(whole);
    let text = String::from_utf8(tail).map_err(|_| not_ours(path))?;
    let Some(line) = text.lines().next_back() else {
        return if length == torn as u64 {
            Ok(None)
        } else {
            Err(not_ours(path))
        };
    };
    evidence::head(line).map(Some).ok_or_else(|| not_ours(path))
}

fn not_ours(path: &Path) -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        format!("{} does not end with a record of ours", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn record(evidence: &mut Evidence, number: i64) {
        let body = json!({"kind": "run", "run": number});
        evidence.record(at(number), &body).expect("on disk");
    }

    #[test]
    fn a_chain_goes_on_after_a_restart_and_after_a_torn_line() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..4 {
            let mut evidence = Evidence::open(folder.path()).expect("opened");
            record(&mut evidence, number);
            let path = folder.path().join(FILE);
            let mut file = OpenOptions::new().append(true).open(path).expect("there");
            file.write_all(b"{\"at\":\"1970").expect("torn");
        }
        let evidence = Evidence::open(folder.path()).expect("mended");
        let head = evidence.head().cloned().expect("a head");
        let chain = verify(folder.path(), std::slice::from_ref(&head)).expect("sound");
        let chain = chain.expect("a chain");
        assert_eq!((chain.first, &chain.head, head.sequence), (1, &head, 4));
    }

    #[test]
    fn a_long_file_is_put_away_and_the_chain_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut evidence = Evidence::open(folder.path()).expect("opened");
        let body = json!("x".repeat(LINE_CAP / 2 - 2));
        let needed = LENGTH / (LINE_CAP as u64 / 2);
        for number in 0..needed {
            evidence.record(at(1), &body).expect("on disk");
            assert_eq!(evidence.head().map(|it| it.sequence), Some(number + 1));
        }
        assert_eq!(put_away(folder.path()).expect("read").len(), 1);
        let mut evidence = Evidence::open(folder.path()).expect("opened");
        record(&mut evidence, 2);
        let chain = verify(folder.path(), &[]).expect("sound").expect("a chain");
        assert_eq!((chain.first, chain.head.sequence), (1, needed + 1));
    }

    #[test]
    fn a_file_that_was_changed_is_not_added_to() {
        let folder = tempfile::tempdir().expect("a folder");
        record(&mut Evidence::open(folder.path()).expect("opened"), 0);
        files::replace(&folder.path().join(FILE), b"something else\n", 0o600).expect("written");
        assert!(Evidence::open(folder.path()).is_err());
        assert!(matches!(
            verify(folder.path(), &[]),
            Err(Unproven::Broken(_))
        ));
    }

    #[test]
    fn a_head_is_to_be_noted_once_a_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut evidence = Evidence::open(folder.path()).expect("opened");
        assert_eq!(evidence.anchor_due(at(0)), None);
        record(&mut evidence, 0);
        assert!(evidence.anchor_due(at(10)).is_some());
        assert_eq!(evidence.anchor_due(at(11)), None);
        assert!(evidence.anchor_due(at(10 + 24 * 3600)).is_some());
    }
}
