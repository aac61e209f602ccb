//! The man pages in `docs/man` are those of the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap_mangen::Man;

const SEE_ALSO: &str =
    ".SH SEE ALSO\nThe configuration file explains itself: \\fBpatchd config default\\fR.\n";

const FILES: &str = "\
.SH FILES
.TP
/etc/patchd/patchd.toml, /etc/patchd/conf.d/*.toml
What is wanted. Nothing needs to be there.
.TP
/var/lib/patchd/ledger.db
Every run, and since when each update is known. For root alone.
.TP
/var/lib/patchd\\-worker/runs/ID/
What the worker was told and did in a run.
.TP
/var/log/patchd/run\\-ID.log
What the package manager printed in a run. For root and the group adm.
";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/man")
}

/// Every page by its file's name.
fn pages() -> BTreeMap<String, String> {
    let mut command = patchd::cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = BTreeMap::new();
    draw(&command, &mut pages);
    pages
}

fn draw(command: &clap::Command, pages: &mut BTreeMap<String, String>) {
    let inner = || {
        command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set())
    };
    inner().for_each(|inner| draw(inner, pages));
    let man = Man::new(command.clone())
        .source(format!("patchd {}", env!("CARGO_PKG_VERSION")))
        .manual("patchd");
    let mut page = Vec::new();
    let drawn = man
        .render_title(&mut page)
        .and_then(|()| man.render_name_section(&mut page))
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| man.render_description_section(&mut page))
        .and_then(|()| man.render_options_section(&mut page));
    drawn.expect("memory takes it");
    if inner().next().is_some() {
        man.render_subcommands_section(&mut page)
            .expect("memory takes it");
    }
    let mut page = String::from_utf8(page).expect("text");
    if let Some(codes) = command.get_after_help() {
        page.extend([".SH EXIT STATUS\n.nf\n", &codes.to_string(), "\n.fi\n"]);
        page += FILES;
    }
    page += SEE_ALSO;
    pages.insert(man.get_filename(), page);
}

#[test]
fn the_manual_is_that_of_the_command_line() {
    let pages = pages();
    if option_env!("PATCHD_DRAW").is_some() {
        for (name, page) in &pages {
            patchd::os::files::replace(&folder().join(name), page.as_bytes(), 0o644)
                .expect("written");
        }
    }
    for (name, page) in &pages {
        let kept = std::fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert_eq!(
            kept, *page,
            "{name}: run `PATCHD_DRAW=1 cargo test --test manual` and commit docs/man"
        );
    }
}

#[test]
fn no_page_is_left_of_a_command_that_is_gone() {
    let pages = pages();
    for entry in std::fs::read_dir(folder()).expect("docs/man is there") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy();
        assert!(pages.contains_key(&*name), "{name} is no page any more");
    }
}

#[test]
fn hidden_commands_have_no_page() {
    let pages = pages();
    assert!(pages.contains_key("patchd-run.1") && pages.contains_key("patchd-config-check.1"));
    assert!(!pages.contains_key("patchd-worker.1"));
}
