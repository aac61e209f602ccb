//! What stand-ins note down: one line of JSON a call, in a file that every
//! maintainer script could write to as well. It is read within bounds, and
//! nothing in it is believed to be more than a word of a script.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

/// The program that says whether a service may be started or stopped.
pub(super) const POLICY: &str = "policy-rc.d";

/// The program that asks systemd.
pub(super) const SYSTEMCTL: &str = "systemctl";

/// No call that says more is told apart from others; longer ones are cut.
const WORDS: usize = 32;
const WORD: usize = 200;

/// As many calls as are read, and bytes of them.
const NOTES: usize = 4096;
const CAP: u64 = 4 << 20;

/// One call of a stand-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its name.
    pub program: String,
    /// How it was called.
    pub arguments: Vec<String>,
}

impl Note {
    /// A call, cut to what is kept of it.
    #[must_use]
    pub fn new(program: &str, arguments: &[String]) -> Self {
        let cut = |word: &String| word.chars().take(WORD).collect();
        Self {
            program: program.chars().take(WORD).collect(),
            arguments: arguments.iter().take(WORDS).map(cut).collect(),
        }
    }

    /// Adds it to the notes. What would not be read is not written.
    pub fn append(&self, notes: &Path) -> std::io::Result<()> {
        let mut file = open(notes, OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE)?;
        if file.metadata()?.len() > CAP {
            return Ok(());
        }
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        // One write, so that calls at the same time do not mix.
        file.write_all(&line)
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.program)?;
        self.arguments
            .iter()
            .try_for_each(|word| write!(f, " {word}"))
    }
}

/// All that was noted down; a line that is no note is left out.
pub fn read(notes: &Path) -> std::io::Result<Vec<Note>> {
    let file = match open(notes, OFlags::RDONLY) {
        Ok(file) => file,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let lines = BufReader::new(file.take(CAP)).split(b'\n');
    let notes = lines
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_slice::<Note>(&line).ok());
    Ok(notes
        .map(|note| Note::new(&note.program, &note.arguments))
        .take(NOTES)
        .collect())
}

/// A script may have put a pipe or a link there, which would hold us for ever
/// or lead us elsewhere.
fn open(path: &Path, flags: OFlags) -> std::io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let access = flags & (OFlags::WRONLY | OFlags::RDWR);
    let custom = i32::try_from((flags - access).bits()).unwrap_or(0);
    let file = File::options()
        .read(access.is_empty())
        .append(!access.is_empty())
        .mode(0o600)
        .custom_flags(custom)
        .open(path)?;
    let stat = file.metadata()?;
    if stat.is_file() && stat.nlink() == 1 {
        return Ok(file);
    }
    Err(std::io::Error::other("it is no file of its own any more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_back_and_what_is_no_note_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes");
        assert_eq!(read(&path).expect("none"), []);
        let note = Note::new("systemctl", &["restart".to_owned(), "x".repeat(1000)]);
        note.append(&path).expect("written");
        let mut file = File::options().append(true).open(&path).expect("there");
        file.write_all(b"rubbish\n{}\n").expect("written");
        note.append(&path).expect("written");
        let notes = read(&path).expect("readable");
        assert_eq!(notes, [note.clone(), note]);
        assert_eq!(notes[0].arguments[1].len(), WORD);
    }

    #[test]
    fn a_pipe_or_a_link_in_its_place_does_not_hold_us() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .expect("made");
        assert!(read(&pipe).is_err());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).expect("made");
        assert!(read(&link).is_err());
    }
}
