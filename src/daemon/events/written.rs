//! Reads `src` for the lines that are written: each has the fields that its kind
//! promises. The compiler knows kind and priority; field names are only text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{CONTEXT, Kind, all};

/// One `event!(…)` of the source.
struct Line {
    /// The constant's name.
    kind: String,
    /// The fields it gives.
    fields: BTreeSet<String>,
}

impl Line {
    /// From what stands between the parentheses.
    fn read(inside: &str) -> Self {
        let words = inside.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let kind = words.first().copied().unwrap_or_default().to_owned();
        let fields = words.iter().filter(|word| word.starts_with("PATCHD_"));
        let fields = fields.map(|word| (*word).to_owned()).collect();
        Self { kind, fields }
    }

    fn fault(&self, kinds: &[Kind]) -> Option<String> {
        let name = self.kind.to_ascii_lowercase().replace('_', "-");
        let Some(kind) = kinds.iter().find(|kind| kind.name == name) else {
            return Some(format!("{}: its constant and its name differ", self.kind));
        };
        let promised: BTreeSet<&str> = kind.fields.iter().copied().collect();
        let given: BTreeSet<&str> = self.fields.iter().map(String::as_str).collect();
        let missing: Vec<_> = promised.difference(&given).collect();
        let strange: Vec<_> = given
            .difference(&promised)
            .filter(|field| !CONTEXT.contains(*field))
            .collect();
        let sound = missing.is_empty() && strange.is_empty();
        (!sound).then(|| format!("{name}: misses {missing:?}, has {strange:?}"))
    }
}

/// All lines in a text; the macro's own definition has no kind of capitals.
fn lines(text: &str) -> Vec<Line> {
    let calls = text
        .match_indices("event!(")
        .map(|(at, call)| at + call.len());
    let inside = calls.filter_map(|at| text.get(at..)).map(|rest| {
        let rest = rest.trim_start();
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    });
    let is_call = |inside: &&str| inside.starts_with(|c: char| c.is_ascii_uppercase());
    inside.filter(is_call).map(Line::read).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if !path.ends_with("events/mod.rs") && !path.ends_with("events/written.rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_line_has_the_fields_that_its_kind_promises_and_every_kind_its_line() {
    let kinds = all();
    let mut written = BTreeSet::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for line in lines(&std::fs::read_to_string(&path).expect("readable")) {
            assert_eq!(line.fault(&kinds), None, "{}", path.display());
            written.insert(line.kind.to_ascii_lowercase().replace('_', "-"));
        }
    }
    let names: BTreeSet<String> = kinds.iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(written, names);
}

#[test]
fn a_line_with_another_field_is_found() {
    let kinds = all();
    let fault = |text| lines(text).pop().and_then(|line| line.fault(&kinds));
    assert_eq!(
        fault("event!(RUN_OPENED, PATCHD_RUN = %run, \"run {run} (new) begins\")"),
        None
    );
    assert!(fault("event!(RUN_OPENED, \"a run begins\")").is_some());
    assert!(fault("event!(RUN_OPENED, PATCHD_RUN = %run, PATCHD_WHO = 1, \"\")").is_some());
    assert!(fault("event!(RUN_BEGUN, PATCHD_RUN = %run, \"\")").is_some());
}
