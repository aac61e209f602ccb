//! What apt writes to `APT::Status-Fd`: `kind:subject:percent:words`, where
//! the subject may hold colons itself.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::model::PackageName;

/// At most this much is read at once; progress beyond it comes with the next look.
const GULP: u64 = 1 << 20;

/// How many failures are told in full.
const TOLD: usize = 5;

/// Words of dpkg about a package that was only hit by another one's failure.
const BY_DEPENDENCY: &str = "dependency problems";

/// One line of the status file.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// How far it is.
    Progress {
        /// 0 to 100.
        percent: u8,
        /// What is being done.
        doing: String,
    },
    /// A package failed.
    Error {
        /// Its name, or the path of its archive.
        subject: String,
        /// dpkg's words.
        words: String,
    },
    /// Anything else; only diagnostics are in it.
    Other,
}

/// A growing file, read line by line from where the last look ended.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    offset: u64,
    rest: Vec<u8>,
}

/// Understands one line.
#[must_use]
pub fn parse(line: &str) -> Line {
    let Some((kind, rest)) = line.split_once(':') else {
        return Line::Other;
    };
    let Some((subject, percent, words)) = fields(rest) else {
        return Line::Other;
    };
    match kind {
        "pmstatus" | "dlstatus" => Line::Progress {
            percent,
            doing: words.to_owned(),
        },
        "pmerror" => Line::Error {
            subject: subject.to_owned(),
            words: words.to_owned(),
        },
        _ => Line::Other,
    }
}

/// Splits at the first field that is a number with a fraction.
fn fields(rest: &str) -> Option<(&str, u8, &str)> {
    rest.match_indices(':').find_map(|(at, _)| {
        let (subject, behind) = rest.split_at_checked(at)?;
        let (number, words) = behind.strip_prefix(':')?.split_once(':')?;
        let (whole, fraction) = number.split_once('.')?;
        let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
        let percent: u8 = whole.parse().ok().filter(|_| digits)?;
        Some((subject, percent.min(100), words))
    })
}

/// The packages that failed by themselves, each once, in the order of failing.
#[must_use]
pub fn culprits(status: &str) -> Vec<PackageName> {
    let mut found = Vec::new();
    for (subject, words) in errors(status) {
        if let Some(name) = package_of(&subject)
            && !words.starts_with(BY_DEPENDENCY)
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

/// The failures that were not caused by others, in dpkg's words: who is to be
/// set aside must find its own among them.
#[must_use]
pub fn failures(status: &str) -> Option<String> {
    let mut told: Vec<String> = Vec::new();
    for (subject, words) in errors(status) {
        let who = package_of(&subject).map_or(subject, |name| name.to_string());
        let sentence = format!("{who}: {words}");
        if !words.starts_with(BY_DEPENDENCY) && !told.contains(&sentence) {
            told.push(sentence);
        }
    }
    let more = told.len().saturating_sub(TOLD);
    told.truncate(TOLD);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

fn errors(status: &str) -> Vec<(String, String)> {
    status
        .lines()
        .filter_map(|line| match parse(line) {
            Line::Error { subject, words } => Some((subject, words)),
            Line::Progress { .. } | Line::Other => None,
        })
        .collect()
}

/// `nginx`, `nginx:amd64` or `/…/nginx_1.2_amd64.deb`.
fn package_of(subject: &str) -> Option<PackageName> {
    let file = subject.rsplit('/').next()?;
    // A package name holds neither of these.
    let name = file.split(['_', ':']).next()?;
    // In one call apt numbers the archives it hands to dpkg: `3-nginx_1.2_amd64.deb`.
    let unnumbered = name
        .split_once('-')
        .filter(|(number, _)| {
            subject.contains("/apt-dpkg-install-") && number.bytes().all(|b| b.is_ascii_digit())
        })
        .map_or(name, |(_, name)| name);
    PackageName::try_from(unnumbered.to_owned()).ok()
}

impl Tail {
    /// From the present end of the file on; a file that is not there is empty.
    #[must_use]
    pub fn from_end(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            offset: std::fs::metadata(path).map_or(0, |file| file.len()),
            rest: Vec::new(),
        }
    }

    /// The complete lines that came since the last look. A file that cannot be
    /// read has none: progress is a courtesy.
    pub fn lines(&mut self) -> Vec<String> {
        let mut bytes = std::mem::take(&mut self.rest);
        self.offset += self.read_on(&mut bytes).unwrap_or(0);
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            self.rest = bytes;
            return Vec::new();
        };
        self.rest = bytes.split_off(end + 1);
        String::from_utf8_lossy(&bytes)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn read_on(&self, bytes: &mut Vec<u8>) -> std::io::Result<u64> {
        let mut file = std::fs::File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        file.take(GULP).read_to_end(bytes).map(|read| read as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_are_understood_whatever_their_subject_holds() {
        let progress = |percent, doing: &str| Line::Progress {
            percent,
            doing: doing.to_owned(),
        };
        let error = |subject: &str, words: &str| Line::Error {
            subject: subject.to_owned(),
            words: words.to_owned(),
        };
        for (line, expected) in [
            (
                "pmstatus:bad:51.5152:Configuring bad (amd64)",
                progress(51, "Configuring bad (amd64)"),
            ),
            (
                "pmstatus:libc6:i386:3.0000:Unpacking",
                progress(3, "Unpacking"),
            ),
            (
                "dlstatus:8:100.0000:Retrieving file 8 of 8",
                progress(100, "Retrieving file 8 of 8"),
            ),
            (
                "pmerror:/a:b/x_1%3a2_all.deb:12.1:trying to: fail",
                error("/a:b/x_1%3a2_all.deb", "trying to: fail"),
            ),
            (
                "pmconffile:/etc/a:1.0:'/etc/a' '/etc/a.dpkg-new' 1 1 ",
                Line::Other,
            ),
            ("pmstatus:bad:x:y", Line::Other),
            ("pmstatus:bad:999999.0:y", Line::Other),
            ("", Line::Other),
        ] {
            assert_eq!(parse(line), expected, "{line:?}");
        }
    }

    #[test]
    fn who_fails_for_another_one_is_no_culprit() {
        let status = "pmerror:bad:51.5152:installed bad package post-installation script subprocess returned error exit status 1\n\
                      pmerror:needsbad:51.5152:dependency problems - leaving unconfigured\n\
                      pmerror:bad:60.0:again\n";
        let names: Vec<String> = culprits(status).into_iter().map(String::from).collect();
        assert_eq!(names, ["bad"]);
        let told = failures(status).expect("two");
        assert!(told.starts_with("bad: installed bad package"), "{told}");
        assert!(told.ends_with("exit status 1; bad: again"), "{told}");
        let many: Vec<String> = (0..9).map(|it| format!("pmerror:p{it}:1.0:no")).collect();
        let told = failures(&many.join("\n")).expect("nine");
        assert!(told.ends_with("p4: no; and 4 more"), "{told}");
        assert_eq!(failures("pmerror:x1:1.0:dependency problems - y\n"), None);
    }

    #[test]
    fn a_culprit_is_known_by_its_archive_too() {
        for release in ["12", "13"] {
            let path = format!(
                "{}/tests/fixtures/apt/{release}/apply/status-failing.txt",
                env!("CARGO_MANIFEST_DIR")
            );
            let status = std::fs::read_to_string(path).expect("a fixture");
            let names: Vec<String> = culprits(&status).into_iter().map(String::from).collect();
            assert_eq!(names, ["clash"]);
        }
        let in_temporary_folder = "pmerror:/tmp/apt-dpkg-install-Ab1/03-foo-bar_1_all.deb:1.0:x\n";
        assert_eq!(culprits(in_temporary_folder)[0].as_str(), "foo-bar");
    }

    #[test]
    fn a_line_is_told_once_and_only_when_it_is_complete() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        writeln!(file, "before").expect("written");
        let mut tail = Tail::from_end(file.path());
        assert_eq!(tail.lines(), [""; 0]);
        write!(file, "one\ntw").expect("written");
        assert_eq!(tail.lines(), ["one"]);
        assert_eq!(tail.lines(), [""; 0]);
        writeln!(file, "o").expect("written");
        assert_eq!(tail.lines(), ["two"]);
    }
}
