//! dpkg's own files, byte for byte: what is put back must be what was there.
//! Pure. The parser of the package manager reads the same status file for its
//! values; here the lines themselves are wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::model::{PackageId, Version};

/// The package that stands for the machine's owner in diversions.
const LOCAL: &str = ":";

/// One package in the status file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza<'a> {
    /// Its lines, without the empty one behind.
    pub raw: &'a [u8],
    pub id: PackageId,
    pub version: Option<Version>,
    /// `install ok installed`.
    pub status: &'a str,
    pub source: &'a str,
    /// How its files in `info` begin.
    pub base: String,
}

impl Stanza<'_> {
    /// Unpacked and configured, triggers included.
    pub fn is_sound(&self) -> bool {
        self.status.ends_with(" ok installed")
    }

    /// Somebody wants it to stay as it is.
    pub fn is_held(&self) -> bool {
        self.status.starts_with("hold ")
    }

    /// Something of it besides configuration files is on disk.
    pub fn is_there(&self) -> bool {
        !self.status.ends_with(" not-installed") && !self.status.ends_with(" config-files")
    }
}

/// Whether both mean one package: it may move to or from `all`.
pub fn is_same(one: &PackageId, other: &PackageId) -> bool {
    let all = |id: &PackageId| id.architecture.as_str() == "all";
    one.name == other.name && (one.architecture == other.architecture || all(one) || all(other))
}

/// A package among those of the status file; its own architecture comes first.
pub fn find<'s, 'a>(stanzas: &'s [Stanza<'a>], id: &PackageId) -> Option<&'s Stanza<'a>> {
    let exact = stanzas.iter().find(|stanza| stanza.id == *id);
    exact.or_else(|| stanzas.iter().find(|stanza| is_same(&stanza.id, id)))
}

/// The whole file. A stanza with a name of another form than ours is passed over.
pub fn stanzas(status: &[u8]) -> Vec<Stanza<'_>> {
    raw_stanzas(status).filter_map(stanza).collect()
}

/// All of them, also those that we cannot name.
pub fn raw_stanzas(status: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = status;
    std::iter::from_fn(move || {
        while let Some(behind) = rest.strip_prefix(b"\n") {
            rest = behind;
        }
        if rest.is_empty() {
            return None;
        }
        let end = rest.windows(2).position(|two| two == b"\n\n");
        let (one, behind) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
        rest = behind;
        Some(one)
    })
}

/// What a stanza is about.
pub fn stanza(raw: &[u8]) -> Option<Stanza<'_>> {
    let architecture = field(raw, "Architecture")?;
    let name = field(raw, "Package")?;
    let id = PackageId::parse(name, architecture).ok()?;
    let base = match field(raw, "Multi-Arch") {
        Some("same") => id.to_string(),
        _ => id.name.to_string(),
    };
    let version = field(raw, "Version").map(|text| Version::try_from(text.to_owned()));
    let source = field(raw, "Source").unwrap_or(name);
    Some(Stanza {
        raw,
        id,
        version: version.transpose().ok()?,
        status: field(raw, "Status")?,
        // `openssl (3.0.1-1)` when it has another version.
        source: source.split(' ').next().unwrap_or(source),
        base,
    })
}

/// The first line of a field.
pub fn field<'a>(stanza: &'a [u8], name: &str) -> Option<&'a str> {
    let line = |line: &'a [u8]| {
        let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b":")?;
        Some(std::str::from_utf8(value).ok()?.trim())
    };
    stanza.split(|byte| *byte == b'\n').find_map(line)
}

/// A stanza without these fields and what belongs to them: as a package file
/// has it.
pub fn without(stanza: &[u8], fields: &[&str]) -> Vec<u8> {
    let mut left = Vec::with_capacity(stanza.len());
    let mut dropping = false;
    for line in stanza.split_inclusive(|byte| *byte == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or(line);
            dropping = fields.iter().any(|field| field.as_bytes() == name);
        }
        if !dropping {
            left.extend(line);
        }
    }
    left
}

/// Configuration files by what dpkg remembers of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Conffiles {
    /// All that dpkg treats as such.
    pub all: BTreeSet<PathBuf>,
    /// Those that the installed version does not bring any more.
    pub obsolete: BTreeSet<PathBuf>,
}

/// ` /etc/nginx/nginx.conf 0123… [obsolete] [remove-on-upgrade]` below `Conffiles:`.
pub fn conffiles(stanza: &[u8]) -> Conffiles {
    let mut found = Conffiles::default();
    let lines = stanza.split(|byte| *byte == b'\n');
    let mut lines = lines.skip_while(|line| !line.starts_with(b"Conffiles:"));
    lines.next();
    for line in lines.take_while(|line| line.starts_with(b" ")) {
        let mut line = line.trim_ascii();
        let mut is_obsolete = false;
        while let Some(rest) = strip_flag(line) {
            is_obsolete |= line.ends_with(b" obsolete");
            line = rest;
        }
        let Some(blank) = line.iter().rposition(|byte| *byte == b' ') else {
            continue;
        };
        let path = bytes_path(line.get(..blank).unwrap_or_default());
        if is_obsolete {
            found.obsolete.insert(path.clone());
        }
        found.all.insert(path);
    }
    found
}

fn strip_flag(line: &[u8]) -> Option<&[u8]> {
    let flags: [&[u8]; 2] = [b" obsolete", b" remove-on-upgrade"];
    flags.iter().find_map(|flag| line.strip_suffix(*flag))
}

/// A package's list of paths; `/.` is the root.
pub fn list(text: &[u8]) -> Vec<PathBuf> {
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .filter(|line| line.starts_with(b"/"))
        .map(bytes_path)
        .collect()
}

/// Where another package's file goes instead, by where it would be.
#[derive(Debug, Default)]
pub struct Diversions(BTreeMap<PathBuf, (PathBuf, String)>);

/// Three lines each: from, to, by whom.
pub fn diversions(text: &[u8]) -> Diversions {
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let one = |three: &[&[u8]]| {
        let [from, to, by] = three else { return None };
        let by = std::str::from_utf8(by).ok()?.to_owned();
        Some((bytes_path(from), (bytes_path(to), by)))
    };
    Diversions(lines.chunks(3).filter_map(one).collect())
}

impl Diversions {
    /// Where this package's file really lies, when that is elsewhere.
    pub fn of(&self, path: &Path, package: &str) -> Option<PathBuf> {
        let (to, by) = self.0.get(path)?;
        (by == LOCAL || by != package).then(|| to.clone())
    }
}

fn bytes_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &[u8] = b"Package: libx\nStatus: install ok installed\nMulti-Arch: same\nArchitecture: amd64\nSource: xsrc (1.0)\nVersion: 1.0-1\nConffiles:\n /etc/a b 0123\n /etc/old 0123 obsolete\nDescription: x\n more: words\n\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 2\n";

    #[test]
    fn stanzas_keep_their_bytes_and_tell_who_they_are() {
        let found = stanzas(STATUS);
        let [libx, gone] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((libx.base.as_str(), libx.source), ("libx:amd64", "xsrc"));
        assert!(libx.is_sound() && libx.is_there() && !gone.is_there());
        assert_eq!(gone.base, "gone");
        let mut whole = libx.raw.to_vec();
        whole.push(b'\n');
        whole.extend(gone.raw);
        assert_eq!(whole, STATUS);
    }

    #[test]
    fn what_only_dpkg_knows_is_left_out_of_a_package_file() {
        let first = raw_stanzas(STATUS).next().expect("one");
        let control = without(first, &["Status", "Conffiles"]);
        assert_eq!(
            String::from_utf8(control).expect("text"),
            "Package: libx\nMulti-Arch: same\nArchitecture: amd64\nSource: xsrc (1.0)\nVersion: 1.0-1\nDescription: x\n more: words\n"
        );
    }

    #[test]
    fn configuration_files_are_told_with_their_flags() {
        let first = raw_stanzas(STATUS).next().expect("one");
        let found = conffiles(first);
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        assert_eq!(found.all, paths(&["/etc/a b", "/etc/old"]));
        assert_eq!(found.obsolete, paths(&["/etc/old"]));
        assert_eq!(conffiles(b"Package: x\n"), Conffiles::default());
    }

    #[test]
    fn a_diversion_moves_the_file_of_everybody_but_who_made_it() {
        let diversions = diversions(b"/bin/sh\n/bin/sh.distrib\ndash\n/bin/x\n/bin/x.local\n:\n");
        let of = |path: &str, package: &str| diversions.of(Path::new(path), package);
        assert_eq!(of("/bin/sh", "dash"), None);
        assert_eq!(of("/bin/sh", "bash"), Some("/bin/sh.distrib".into()));
        assert_eq!(of("/bin/x", "xpkg"), Some("/bin/x.local".into()));
        assert_eq!(of("/bin/y", "xpkg"), None);
    }
}
