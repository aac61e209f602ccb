//! Where the files are, which of them count, and in which order.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::source::Source;
use crate::os::trusted::{self, Reader, Untrusted};

/// The longest file, bytes.
pub(super) const FILE: u64 = 1 << 20;

/// How many drop-ins there may be.
const DROP_INS: usize = 200;

/// The places that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The main file.
    pub main: PathBuf,
    /// Whether it must be there.
    pub main_is_required: bool,
    /// The folders of drop-ins; a file hides those of its name in the folders before.
    pub drop_ins: Vec<PathBuf>,
    /// Below which folder all of them lie; tests have their own.
    pub root: PathBuf,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            main: "/etc/patchd/patchd.toml".into(),
            main_is_required: false,
            drop_ins: vec![
                "/usr/lib/patchd/conf.d".into(),
                "/run/patchd.conf.d".into(),
                "/etc/patchd/conf.d".into(),
            ],
            root: "/".into(),
        }
    }
}

impl Sources {
    /// One file and nothing else, for `--config FILE`: what it says must not
    /// depend on drop-ins that were made for another main file.
    pub fn only(file: &Path) -> std::io::Result<Self> {
        Ok(Self {
            main: std::path::absolute(file)?,
            main_is_required: true,
            drop_ins: Vec::new(),
            root: "/".into(),
        })
    }

    /// The same places below another folder.
    #[must_use]
    pub fn below(self, root: &Path) -> Self {
        let root = root.to_owned();
        Self { root, ..self }
    }

    /// All texts in the order in which they count, with what could not be read.
    pub(super) fn read(&self, reader: &Reader) -> (Vec<Source>, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut texts = Vec::new();
        let drop_ins = self.drop_ins(reader, &mut faults);
        for path in std::iter::once(&self.main).chain(&drop_ins) {
            let shown = trusted::below(&self.root, path);
            match reader.text(&self.root, path, FILE) {
                Ok(Some(text)) => texts.push(Source { path: shown, text }),
                Ok(None) if *path == self.main && self.main_is_required => {
                    let what = format!("there is no file {}; give another path", shown.display());
                    faults.push(Fault::of_file(shown, what));
                }
                // A drop-in that was there a moment ago is being replaced or removed.
                Ok(None) => {}
                Err(error) => faults.push(Fault::of_file(shown, untrusted(&error))),
            }
        }
        (texts, faults)
    }

    /// The files that count, as they are called on the machine.
    pub(super) fn paths(&self, reader: &Reader) -> Vec<PathBuf> {
        let mut paths = vec![self.main.clone()];
        paths.extend(self.drop_ins(reader, &mut Vec::new()));
        paths
    }

    fn drop_ins(&self, reader: &Reader, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
        let mut found: BTreeMap<OsString, PathBuf> = BTreeMap::new();
        for folder in &self.drop_ins {
            match reader.names(&self.root, folder) {
                Ok(names) => {
                    let names = names.into_iter().filter(|name| is_drop_in(name));
                    found.extend(names.map(|name| (name.clone(), folder.join(name))));
                }
                Err(error) => {
                    let shown = trusted::below(&self.root, folder);
                    faults.push(Fault::of_file(shown, untrusted(&error)));
                }
            }
        }
        if found.len() > DROP_INS {
            let what = format!(
                "there are {} drop-ins, more than {DROP_INS}; join some of them",
                found.len()
            );
            faults.push(Fault::of_file(self.main.clone(), what));
            found.clear();
        }
        found.into_values().collect()
    }
}

/// `*.toml`, and not an editor's hidden leftover.
fn is_drop_in(name: &OsStr) -> bool {
    Path::new(name).extension() == Some(OsStr::new("toml"))
        && !name.as_encoded_bytes().starts_with(b".")
}

fn untrusted(error: &Untrusted) -> String {
    format!("the configuration cannot be trusted: {error}")
}
