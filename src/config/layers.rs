//! The files merged over what is built in; each value still knows where it is
//! written. Merging is associative, so only the order of the files counts.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::file::File;
use super::keys::{Kind, Merge, ROOT, Shape};
use super::node::{Content, Node};
use super::source::Source;

/// The tables by name, each of which has all keys.
const COMPLETED: [&str; 2] = ["policy", "schedule"];

/// The effective configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    pub(super) root: Node,
}

impl Layers {
    /// Merges sound files; later ones win.
    pub(super) fn merge(files: impl IntoIterator<Item = File>) -> Self {
        let mut built_in = built_in();
        let templates = COMPLETED.map(|key| {
            let mut named = built_in.root.named(key).map(|(_, table)| table.clone());
            named.next()
        });
        let files: Vec<File> = files.into_iter().collect();
        let scheduled = |file: &File| file.root.named("schedule").next().is_some();
        if files.iter().any(scheduled) {
            built_in.root.remove("schedule");
        }
        let mut root = files.into_iter().fold(built_in, File::under).root;
        for (key, template) in COMPLETED.iter().zip(templates) {
            if let Some(template) = template {
                complete(&mut root, key, &template);
            }
        }
        Self { root }
    }

    /// As one TOML text; with `origin`, each value with the place it comes from.
    #[must_use]
    pub fn show(&self, origin: bool) -> String {
        let mut show = Show {
            text: String::new(),
            origin,
        };
        show.table("", &ROOT, &self.root);
        show.text.trim_start().to_owned()
    }
}

impl File {
    /// The two as one, where `over` wins.
    pub(super) fn under(self, over: Self) -> Self {
        let root = merge(&Kind::Table(&ROOT), self.root, over.root);
        Self { root }
    }
}

/// What holds where no file says anything: the shipped file with its keys
/// uncommented, so that what operators read is what is done.
fn built_in() -> File {
    let source = Source {
        path: std::path::PathBuf::new(),
        text: uncommented(super::default_text()),
    };
    // A test keeps the shipped file free of faults.
    File::parse(source, &mut Vec::new())
}

/// `#key = value` is a default, `# text` is prose.
pub(super) fn uncommented(text: &str) -> String {
    text.lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with([' ', '#']) => rest,
            _ => line,
        })
        .fold(String::new(), |text, line| text + line + "\n")
}

/// A policy or schedule that does not say something says what is built in, not
/// what the operator wrote for another one.
fn complete(root: &mut Node, key: &str, template: &Node) {
    let Some(Kind::Named(shape)) = ROOT.key(key).map(|key| &key.kind) else {
        return;
    };
    for table in root.named_mut(key) {
        *table = merge(&Kind::Table(shape), template.clone(), table.clone());
    }
}

/// `over` wins.
fn merge(kind: &Kind, under: Node, over: Node) -> Node {
    let (origin, below) = (over.origin, under.content);
    let content = match (kind, below, over.content) {
        (Kind::Table(shape), Content::Table(under), Content::Table(over)) => {
            let kind = |key: &str| shape.key(key).map(|key| &key.kind);
            Content::Table(merge_tables(kind, under, over))
        }
        (Kind::Named(shape), Content::Table(under), Content::Table(over)) => {
            let each = Kind::Table(shape);
            Content::Table(merge_tables(|_| Some(&each), under, over))
        }
        (Kind::Tables(_, Merge::Before), Content::Tables(under), Content::Tables(over)) => {
            Content::Tables([over, under].concat())
        }
        (Kind::Tables(_, Merge::After), Content::Tables(under), Content::Tables(over)) => {
            Content::Tables([under, over].concat())
        }
        (_, _, over) => over,
    };
    Node { origin, content }
}

fn merge_tables<'a>(
    kind: impl Fn(&str) -> Option<&'a Kind>,
    mut under: BTreeMap<String, Node>,
    over: BTreeMap<String, Node>,
) -> BTreeMap<String, Node> {
    for (key, over) in over {
        let merged = match (kind(&key), under.remove(&key)) {
            (Some(kind), Some(under)) => merge(kind, under, over),
            _ => over,
        };
        under.insert(key, merged);
    }
    under
}

struct Show {
    text: String,
    origin: bool,
}

impl Show {
    /// Values first: behind a header they would belong to that.
    fn table(&mut self, path: &str, shape: &Shape, node: &Node) {
        for key in shape.keys {
            if let Some(value) = node.get(key.name)
                && let Some(text) = inline(path, &key.kind, value)
            {
                self.line(&format!("{} = {text}", key.name), value);
            }
        }
        for key in shape.keys {
            let path = join(path, key.name);
            match &key.kind {
                Kind::Table(inner) if shape.path.is_empty() => {
                    if let Some(table) = node.get(key.name) {
                        self.header(&format!("[{path}]"));
                        self.table(&path, inner, table);
                    }
                }
                Kind::Named(inner) => {
                    for (name, table) in node.named(key.name) {
                        let path = join(&path, name);
                        self.header(&format!("[{path}]"));
                        self.table(&path, inner, table);
                    }
                }
                Kind::Tables(inner, _) => {
                    for table in node.tables(key.name) {
                        self.header(&format!("[[{path}]]"));
                        self.table(&path, inner, table);
                    }
                }
                _ => {}
            }
        }
    }

    fn header(&mut self, header: &str) {
        let _ = writeln!(self.text, "\n{header}");
    }

    fn line(&mut self, line: &str, value: &Node) {
        let _ = if self.origin {
            writeln!(self.text, "{line}  # {}", value.origin.label())
        } else {
            writeln!(self.text, "{line}")
        };
    }
}

/// A value as it stands behind `=`; nothing for what gets a header of its own.
fn inline(path: &str, kind: &Kind, node: &Node) -> Option<String> {
    match (kind, &node.content) {
        (_, Content::Leaf(leaf)) => Some(leaf.to_toml()),
        // An empty list replaces as well, and must be seen.
        (Kind::Tables(..), Content::Tables(tables)) if tables.is_empty() => Some("[]".to_owned()),
        (Kind::Table(shape), Content::Table(_)) if !path.is_empty() => {
            let values: Vec<String> = shape
                .keys
                .iter()
                .filter_map(|key| {
                    let value = inline(path, &key.kind, node.get(key.name)?)?;
                    Some(format!("{} = {value}", key.name))
                })
                .collect();
            Some(format!("{{ {} }}", values.join(", ")).replace("{  }", "{}"))
        }
        _ => None,
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
