//! What apt writes to `APT::Status-Fd`: `kind:subject:percent:words`, where
//! the subject may hold colons itself.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::model::PackageName;

/// At most this much is read at once; progress beyond it comes with the next look.
const GULP: u64 = 1 << 20;

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

/// The first failure that was not caused by another one, in dpkg's words.
#[must_use]
pub fn first_failure(status: &str) -> Option<String> {
    errors(status)
        .into_iter()
        .find(|(_, words)| !words.starts_with(BY_DEPENDENCY))
        .map(|(subject, words)| match package_of(&subject) {
            Some(name) => format!("{name}: {words}"),
            None => format!("{subject}: {words}"),
        })
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
    let name = if file.ends_with(".deb") {
        file.split('_').next()?
    } else {
        file.split(':').next()?
    };
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
