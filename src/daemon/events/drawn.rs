//! The message catalog, and the table in `docs/logging.md`, are these kinds.
//! `PATCHD_DRAW=1 cargo test drawn` draws both anew.

use std::collections::BTreeSet;
use std::path::Path;

use super::{CONTEXT, Kind, Priority, all};
use crate::model::SkipReason;
use crate::os::files;

const CATALOG: &str = "systemd/patchd.catalog";
const PAGE: &str = "docs/logging.md";
const BEGIN: &str = "<!-- events: drawn from src/daemon/events -->\n";
const END: &str = "<!-- end of events -->\n";

/// The text without the indentation it has in the source.
fn text(kind: &Kind) -> String {
    let lines: Vec<&str> = kind.text.trim().lines().map(str::trim).collect();
    lines.join("\n")
}

fn catalog() -> String {
    let mut catalog = String::from(
        "# What `journalctl -x` says of patchd's lines. Drawn from src/daemon/events by a test.\n",
    );
    catalog.extend(all().iter().map(|kind| {
        format!(
            "\n-- {}\nSubject: {}\nDefined-By: patchd\nDocumentation: man:patchd(1)\n\n{}\n",
            kind.id,
            kind.subject,
            text(kind)
        )
    }));
    catalog
}

fn table() -> String {
    let mut table = String::from(
        "| `PATCHD_EVENT` | priority | fields | meaning | `MESSAGE_ID` |\n|---|---|---|---|---|\n",
    );
    table.extend(all().iter().map(|kind| {
        let priorities: Vec<&str> = kind.priorities.iter().map(|it| word(*it)).collect();
        let fields: Vec<String> = kind.fields.iter().map(|it| format!("`{it}`")).collect();
        let subject = meaning(kind.subject);
        format!(
            "| `{}` | {} | {} | {subject} | `{}` |\n",
            kind.name,
            priorities.join(", "),
            fields.join(" "),
            kind.id
        )
    }));
    table
}

/// A subject with `*run*` for `@PATCHD_RUN@`.
fn meaning(subject: &str) -> String {
    let fields = filled_in(subject).into_iter();
    fields.fold(subject.to_owned(), |text, field| {
        let name = field.trim_start_matches("PATCHD_").to_ascii_lowercase();
        text.replace(&format!("@{field}@"), &format!("*{name}*"))
    })
}

fn word(priority: Priority) -> &'static str {
    match priority {
        Priority::Info => "info",
        Priority::Warn => "warn",
        Priority::Error => "error",
    }
}

/// The page with the table between its marks.
fn page(kept: &str) -> String {
    let (before, rest) = kept.split_once(BEGIN).expect("the mark is there");
    let (_, after) = rest.split_once(END).expect("the mark is there");
    [before, BEGIN, &table(), END, after].concat()
}

/// All `@FIELD@` of a text.
fn filled_in(text: &str) -> BTreeSet<&str> {
    let is_field =
        |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    text.split('@').filter(is_field).collect()
}

#[test]
fn the_catalog_and_the_page_are_these_kinds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let drawn = [(CATALOG, catalog()), (PAGE, page(&read(PAGE)))];
    for (name, drawn) in drawn {
        if option_env!("PATCHD_DRAW").is_some() {
            files::replace(&root.join(name), drawn.as_bytes(), 0o644).expect("written");
        }
        let hint = "run `PATCHD_DRAW=1 cargo test drawn` and commit it";
        assert_eq!(read(name), drawn, "{name}: {hint}");
    }
}

#[test]
fn no_name_and_no_id_stands_for_two_kinds() {
    let kinds = all();
    let names: BTreeSet<&str> = kinds.iter().map(|kind| kind.name).collect();
    let ids: BTreeSet<&str> = kinds.iter().map(|kind| kind.id).collect();
    assert_eq!((names.len(), ids.len()), (kinds.len(), kinds.len()));
}

#[test]
fn an_id_is_128_bits_in_hexadecimal() {
    for Kind { id, name, .. } in all() {
        let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(id.len() == 32 && id.chars().all(hexadecimal), "{name}");
    }
}

/// journalctl leaves the name of a field that a line does not have in the text.
#[test]
fn the_catalog_fills_in_only_what_each_line_has() {
    for kind in all() {
        for field in filled_in(kind.subject).union(&filled_in(kind.text)) {
            assert!(kind.fields.contains(field), "{}: {field}", kind.name);
        }
    }
}

#[test]
fn every_text_fits_a_terminal_and_says_what_to_do() {
    for kind in all() {
        let text = text(&kind);
        assert!(text.contains("\n\n"), "{}: only one paragraph", kind.name);
        let wide = text.lines().find(|line| line.chars().count() > 79);
        assert_eq!(wide, None, "{}", kind.name);
    }
}

#[test]
fn a_kind_has_a_priority_and_names_no_field_twice() {
    for kind in all() {
        assert!(!kind.priorities.is_empty(), "{}", kind.name);
        let fields: BTreeSet<&&str> = kind.fields.iter().collect();
        assert_eq!(fields.len(), kind.fields.len(), "{}", kind.name);
    }
}

#[test]
fn the_catalog_explains_every_reason_for_which_there_is_no_run() {
    let told = text(&super::SKIPPED);
    for reason in SkipReason::ALL {
        assert!(told.contains(&format!("\n{reason}: ")), "{reason}");
    }
}

#[test]
fn every_field_is_explained() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE));
    let page = page.expect("the page is there");
    let kinds = all();
    let fields = kinds.iter().flat_map(|kind| kind.fields).chain(&CONTEXT);
    for field in fields {
        assert!(page.contains(&format!("\n| `{field}` |")), "{field}");
    }
}
