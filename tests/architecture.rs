//! Which component may know which. Reads the paths in `src` and fails on every
//! arrow that is not in the table, and on what grows where no component is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Top down: a component may name those on the right and no others. Every
/// component of `src` has its line.
const ARROWS: [(&str, &[&str]); 27] = [
    ("main", &["cli"]),
    ("lib", &[]),
    // What people type asks everybody, and shows.
    (
        "cli",
        &[
            "daemon",
            "worker",
            "config",
            "control",
            "package_manager",
            "feeds",
            "notify",
            "state",
            "cycle",
            "policy",
            "compliance",
            "vulnerability",
            "schedule",
            "os",
            "model",
        ],
    ),
    // Composition roots.
    (
        "daemon",
        &[
            "worker",
            "config",
            "control",
            "package_manager",
            "running",
            "takeover",
            "quarantine",
            "feeds",
            "notify",
            "metrics",
            "state",
            "cycle",
            "policy",
            "compliance",
            "vulnerability",
            "schedule",
            "os",
            "model",
        ],
    ),
    (
        "worker",
        &[
            "config",
            "package_manager",
            "hooks",
            "reboot",
            "rehearsal",
            "restore",
            "running",
            "takeover",
            "quarantine",
            "verify",
            "policy",
            "os",
            "model",
        ],
    ),
    // The file into everybody's settings.
    (
        "config",
        &[
            "package_manager",
            "feeds",
            "notify",
            "verify",
            "policy",
            "vulnerability",
            "schedule",
            "os",
            "model",
        ],
    ),
    // Adapters: they know neither each other nor the configuration.
    ("control", &["os", "model"]),
    ("package_manager", &["os", "model"]),
    ("running", &["policy", "os", "model"]),
    ("reboot", &["os", "model"]),
    ("hooks", &["policy", "os", "model"]),
    ("rehearsal", &["os", "model"]),
    ("restore", &["os", "model"]),
    ("takeover", &["os", "model"]),
    ("quarantine", &["os", "model"]),
    ("verify", &["os", "model"]),
    ("feeds", &["os", "model"]),
    ("notify", &["os", "model"]),
    ("metrics", &["os", "model"]),
    ("state", &["cycle", "os", "model"]),
    ("os", &["model"]),
    // Pure core.
    ("cycle", &["model"]),
    ("policy", &["model"]),
    ("compliance", &["model"]),
    ("vulnerability", &["model"]),
    ("schedule", &["model"]),
    ("model", &[]),
];

/// Arrows for a few things only: from, to, which.
const NARROW: [(&str, &str, &[&str]); 3] = [
    // Siblings; the brain knows where the hands leave their records, no more.
    (
        "daemon",
        "worker",
        &[
            "FOLDER",
            "LOGS",
            "LAST_GOOD",
            "PutBack",
            "put_back",
            "restore_points",
            "open_run",
        ],
    ),
    // What the operator wants, as data; no decision about an update.
    ("running", "policy", &["RestartWhen", "Restarts", "Pattern"]),
    ("hooks", "policy", &["Hooks"]),
];

/// Names of places where things are put that have no place.
const HOMELESS: [&str; 9] = [
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "types",
    "constants",
    "manager",
];

/// No file is longer.
const LINES: usize = 600;

/// A file of `src` as the checks see it.
struct Source {
    /// Relative to `src`.
    path: PathBuf,
    text: String,
}

impl Source {
    /// The top-level folder or file it belongs to.
    fn component(&self) -> String {
        let first = self.path.components().next().expect("a path");
        let name = Path::new(&first).with_extension("");
        name.to_string_lossy().into_owned()
    }

    fn faults(&self) -> Vec<String> {
        let code = without_comments_and_texts(&self.text);
        let mut faults: Vec<String> = crate_paths(&code)
            .into_iter()
            .filter_map(|path| forbidden(&self.component(), &path))
            .collect();
        if self.text.lines().count() > LINES {
            faults.push(format!("is longer than {LINES} lines"));
        }
        let words: Vec<&str> = code.split(|c: char| !is_word(c)).collect();
        for (word, name) in words.iter().zip(words.iter().skip(1)) {
            if *word == "mod" && HOMELESS.contains(name) {
                faults.push(format!("has a `mod {name}`: find the missing noun"));
            }
        }
        let packed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if packed.contains("#[allow(") || packed.contains("#![allow(") {
            faults.push("says `#[allow(..)]`: write `#[expect(.., reason = \"..\")]`".to_owned());
        }
        let at = |fault| format!("src/{}: {fault}", self.path.display());
        faults.into_iter().map(at).collect()
    }
}

/// Why a component may not name this path below the crate, if it may not.
fn forbidden(from: &str, path: &[String]) -> Option<String> {
    let to = path.first()?;
    let known = |name: &str| ARROWS.iter().find(|(component, _)| *component == name);
    if to == from || from == "lib" {
        return None;
    }
    let Some((_, allowed)) = known(from) else {
        return Some(format!("component `{from}` is not in the table of arrows"));
    };
    // A macro or item at the crate's root is nobody's component.
    known(to)?;
    let arrow = format!("{from} -> {}", path.join("::"));
    if !allowed.contains(&to.as_str()) {
        return Some(format!("{arrow} is no arrow of the design"));
    }
    let narrow = NARROW
        .iter()
        .find(|(above, below, _)| (*above, *below) == (from, to.as_str()));
    let item = path.get(1).map_or("", String::as_str);
    match narrow {
        Some((_, _, only)) if !only.contains(&item) => {
            Some(format!("{arrow}: only {only:?} may be named"))
        }
        _ => None,
    }
}

/// All paths that begin with `crate`, or in the program with the library's
/// name, their trees unfolded.
fn crate_paths(code: &str) -> BTreeSet<Vec<String>> {
    let tokens = tokens(code);
    let mut paths = BTreeSet::new();
    let mut before = "";
    for (index, token) in tokens.iter().enumerate() {
        let root = matches!(*token, "crate" | "patchd") && before != "::";
        if root && tokens.get(index + 1) == Some(&"::") {
            unfold(&tokens, index + 2, &mut Vec::new(), &mut paths);
        }
        before = token;
    }
    paths
}

/// Reads one path or tree; returns where it ends.
fn unfold(
    tokens: &[&str],
    mut at: usize,
    stem: &mut Vec<String>,
    paths: &mut BTreeSet<Vec<String>>,
) -> usize {
    let depth = stem.len();
    while let Some(token) = tokens.get(at) {
        if *token == "{" {
            at += 1;
            while let Some(token) = tokens.get(at).filter(|token| **token != "}") {
                at = match *token {
                    "," => at + 1,
                    // `as name` after a member.
                    "as" => at + 2,
                    _ => unfold(tokens, at, stem, paths),
                };
            }
            stem.truncate(depth);
            return at + 1;
        }
        stem.push((*token).to_owned());
        at += 1;
        if tokens.get(at) != Some(&"::") || tokens.get(at + 1) == Some(&"<") {
            break;
        }
        at += 1;
    }
    paths.insert(stem.clone());
    stem.truncate(depth);
    at
}

/// Words, `::`, and single signs.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            c => c.len_utf8(),
        };
        let (token, more) = rest.split_at(length);
        tokens.push(token);
        rest = more.trim_start();
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Code alone: comments and the insides of string literals are blanked.
fn without_comments_and_texts(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_text(rest) {
            length
        } else if first == '"' {
            plain_text(rest)
        } else if rest.starts_with("'\"'") {
            3
        } else if rest.starts_with("'\\\"'") {
            4
        } else {
            0
        };
        if skipped > 0 {
            code.push(' ');
            rest = &rest[skipped..];
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    code
}

/// The length of `r#"..."#`.
fn raw_text(rest: &str) -> Option<usize> {
    let hashes = rest
        .strip_prefix('r')?
        .chars()
        .take_while(|c| *c == '#')
        .count();
    let inner = rest.get(1 + hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end)?;
    Some(2 + hashes + length + end.len())
}

/// The length of `"..."`.
fn plain_text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\\' => escaped = !escaped,
            '"' if !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    rest.len()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = std::fs::read_to_string(&path).expect("readable");
                let path = path.strip_prefix(&root).expect("below").to_owned();
                sources.push(Source { path, text });
            }
        }
    }
    sources
}

#[test]
fn every_arrow_points_down() {
    let sources = sources();
    assert!(sources.len() > 100, "only {} files", sources.len());
    let faults: Vec<String> = sources.iter().flat_map(Source::faults).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_table_names_what_there_is_and_no_more() {
    let there: BTreeSet<String> = sources().iter().map(Source::component).collect();
    let table: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, table);
}

/// Read top down, the table has no way back up: it is a list of layers.
#[test]
fn no_component_of_the_table_names_one_above_it() {
    let place = |name: &str| ARROWS.iter().position(|(component, _)| *component == name);
    for (above, belows) in ARROWS {
        for below in belows {
            assert!(place(below) > place(above), "{above} -> {below}");
        }
    }
}

fn faults(path: &str, text: &str) -> Vec<String> {
    let source = Source {
        path: path.into(),
        text: text.to_owned(),
    };
    source.faults()
}

#[test]
fn a_forbidden_arrow_is_found_however_it_is_written() {
    let bad = [
        ("model/a.rs", "use crate::os::clock;"),
        ("cycle/step/mod.rs", "pub use crate::policy::Judge;"),
        (
            "policy/a.rs",
            "fn f() { let now = crate::os::clock::now(); }",
        ),
        (
            "verify/a.rs",
            "use crate::{model::Plan, config::{Settings}};",
        ),
        (
            "state/a.rs",
            "use crate::{\n    cycle::State,\n    // why not\n    package_manager::{apt as a},\n};",
        ),
        (
            "package_manager/apt/a.rs",
            "pub(in crate::package_manager) use crate :: running :: kernel;",
        ),
        (
            "os/a.rs",
            "#[cfg(test)]\nmod tests { use crate::state::Ledger; }",
        ),
        ("worker/a.rs", "type A = Vec<crate::daemon::Parts>;"),
        ("daemon/a.rs", "use crate::worker::Record;"),
        ("main.rs", "fn main() { patchd::daemon::run() }"),
        ("hub/a.rs", "use crate::model::Plan;"),
    ];
    for (path, text) in bad {
        assert_eq!(
            faults(path, text).len(),
            1,
            "{path}: {:?}",
            faults(path, text)
        );
    }
}

#[test]
fn an_allowed_arrow_is_let_pass() {
    let good = [
        (
            "cli/a.rs",
            "use crate::{daemon::{Parts, run}, model::ExitCode as E, os};",
        ),
        ("state/a.rs", "use crate::cycle::State;"),
        ("daemon/parts.rs", "let folder = crate::worker::FOLDER;"),
        (
            "policy/a.rs",
            "// as crate::os::clock does\nconst A: &str = \"crate::os\";\nconst B: &str = r#\"use crate::\"os\"#;\nuse crate::policy::Rule;",
        ),
        ("main.rs", "fn main() { patchd::cli::main() }"),
        (
            "model/a.rs",
            "fn f(c: char) -> bool { c == '\"' } // crate::os\nuse super::plan::Plan;",
        ),
    ];
    for (path, text) in good {
        assert_eq!(faults(path, text), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn what_grows_wild_is_found() {
    assert_eq!(
        faults("model/mod.rs", "mod helpers;"),
        ["src/model/mod.rs: has a `mod helpers`: find the missing noun"]
    );
    assert_eq!(
        faults("model/a.rs", "#[ allow (dead_code)]\nfn f() {}").len(),
        1
    );
    assert_eq!(faults("model/a.rs", "#![allow(dead_code)]").len(), 1);
    assert_eq!(
        faults("model/a.rs", "#[expect(dead_code, reason = \"#[allow(\")]").len(),
        0
    );
    assert_eq!(faults("model/a.rs", &"\n".repeat(601)).len(), 1);
}
