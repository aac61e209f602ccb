//! One file as written: its syntax, its keys, its values. Everything that is
//! wrong with it is found here, also in values that a later file replaces.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::fault::Fault;
use super::keys::{Key, Kind, ROOT, Shape};
use super::leaf;
use super::node::{Content, Node};
use super::not_built;
use super::source::{Origin, Source};
use super::suggestion;

/// One file, looked at by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// What it says.
    pub root: Node,
}

/// Of what stands in this key nothing is shown.
const SECRET: &str = "secret";

/// A key with the place where it is written.
type Written<'a> = (&'a str, Range<usize>);

struct Walk<'a> {
    source: Arc<Source>,
    faults: &'a mut Vec<Fault>,
}

impl File {
    /// Reads a text. What is wrong with it is added to `faults`.
    pub fn parse(source: Source, faults: &mut Vec<Fault>) -> Self {
        let source = Arc::new(source);
        let mut walk = Walk {
            source: Arc::clone(&source),
            faults,
        };
        let root = match DeTable::parse(&source.text) {
            Ok(table) => walk.table(&ROOT, table.get_ref(), table.span()),
            Err(error) => {
                // A second fault behind the first may only be its echo.
                let span = error.span().unwrap_or(0..0);
                let what = format!("this is not TOML: {}", error.message());
                let advice = "mend this first; the rest of the file is looked at after that";
                walk.fault(span.clone(), what, advice);
                walk.node(span, Content::Faulty)
            }
        };
        Self { root }
    }

    /// Whether more is known of it than that its syntax is wrong.
    pub fn is_read(&self) -> bool {
        self.root.content != Content::Faulty
    }
}

impl Walk<'_> {
    fn table(&mut self, shape: &Shape, table: &DeTable<'_>, span: Range<usize>) -> Node {
        let mut read = BTreeMap::new();
        for (name, value) in table {
            let (written, name) = ((name.get_ref().as_ref(), name.span()), name.get_ref());
            match shape.key(name) {
                Some(key) => {
                    read.insert(name.to_string(), self.value(key, value));
                }
                None => self.unknown(shape, &written),
            }
        }
        let node = self.node(span, Content::Table(read));
        self.complete(shape, &node);
        (shape.check)(&node, self.faults);
        node
    }

    fn value(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) -> Node {
        let before = self.faults.len();
        let node = self.read(key, value);
        if key.name == SECRET {
            // Somebody may have written the secret itself.
            let faults: Vec<Fault> = self.faults.drain(before..).collect();
            self.faults.extend(faults.into_iter().map(Fault::secret));
        }
        node
    }

    fn read(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) -> Node {
        match (&key.kind, value.get_ref()) {
            (Kind::Table(shape), DeValue::Table(table)) => self.table(shape, table, value.span()),
            (Kind::Named(shape), DeValue::Table(table)) => self.named(shape, table, value.span()),
            (Kind::Tables(shape, _), DeValue::Array(items)) => {
                self.tables(key, shape, items, value.span())
            }
            (kind @ (Kind::Table(_) | Kind::Named(_) | Kind::Tables(..)), other) => {
                let wrong = leaf::wrong_type(kind, key.name, other);
                self.fault(value.span(), wrong.what, wrong.advice);
                self.node(value.span(), Content::Faulty)
            }
            (kind, leaf) => match leaf::read(kind, key.name, leaf) {
                Ok(leaf) => self.node(value.span(), Content::Leaf(leaf)),
                Err(wrong) => {
                    let node = self.node(value.span(), Content::Faulty);
                    let fault = Fault::at(&node.origin, wrong.what, wrong.advice);
                    let fault = if wrong.secret { fault.secret() } else { fault };
                    self.faults.push(fault);
                    node
                }
            },
        }
    }

    fn named(&mut self, shape: &Shape, table: &DeTable<'_>, span: Range<usize>) -> Node {
        let mut read = BTreeMap::new();
        for (name, value) in table {
            if !leaf::is_name(name.get_ref()) {
                let what = format!("{:?} cannot be a name", name.get_ref());
                let advice = format!("use {}", leaf::expected(&Kind::Name));
                self.fault(name.span(), what, advice);
            }
            let node = if let DeValue::Table(table) = value.get_ref() {
                self.table(shape, table, value.span())
            } else {
                self.not_named(shape, name.get_ref(), value.span())
            };
            read.insert(name.get_ref().to_string(), node);
        }
        self.node(span, Content::Table(read))
    }

    /// A value where a table with a name of the operator's should be; most
    /// likely the name was forgotten.
    fn not_named(&mut self, shape: &Shape, name: &str, span: Range<usize>) -> Node {
        let below = |name: &str| shape.path.replace("NAME", name);
        let advice = match shape.key(name) {
            Some(key) => format!("write it below a name: {}.{}", below("default"), key.name),
            None => format!("write [{}]", below(name)),
        };
        let what = format!("{name:?} must be a table");
        self.fault(span.clone(), what, advice);
        self.node(span, Content::Faulty)
    }

    fn tables(
        &mut self,
        key: &Key,
        shape: &Shape,
        items: &DeArray<'_>,
        span: Range<usize>,
    ) -> Node {
        let mut read = Vec::new();
        for item in items {
            if let DeValue::Table(table) = item.get_ref() {
                read.push(self.table(shape, table, item.span()));
            } else {
                let what = format!("{:?} must be a list of tables", key.name);
                let advice = format!("begin each with a line [[{}]]", shape.path);
                self.fault(item.span(), what, advice);
            }
        }
        self.node(span, Content::Tables(read))
    }

    /// Complains of what must be there and is not.
    fn complete(&mut self, shape: &Shape, node: &Node) {
        for key in shape.keys.iter().filter(|key| key.required) {
            if node.get(key.name).is_none() {
                let what = format!("{:?} is missing in this {}", key.name, noun(shape));
                let advice = format!("add {:?}: {}", key.name, leaf::expected(&key.kind));
                self.faults.push(Fault::at(&node.origin, what, advice));
            }
        }
        if shape.one_of.is_empty() {
            return;
        }
        let given: Vec<&Node> = shape
            .one_of
            .iter()
            .filter_map(|name| node.get(name))
            .collect();
        let choices = shape.one_of.join(", ");
        let (origin, count) = match given.as_slice() {
            [_] => return,
            [] => (&node.origin, "none".to_owned()),
            [.., last] => (&last.origin, given.len().to_string()),
        };
        let what = format!("this {} has {count} of {choices}", noun(shape));
        let advice = "give exactly one of them";
        self.faults.push(Fault::at(origin, what, advice));
    }

    fn unknown(&mut self, shape: &Shape, (name, span): &Written<'_>) {
        let place = match shape.path {
            "" => "at the top of the file".to_owned(),
            path => format!("in {path}"),
        };
        if let Some(reason) = not_built::reason(shape.path, name) {
            let what = format!("{name:?} is not built yet: {reason}");
            return self.fault(span.clone(), what, "remove the key");
        }
        let known = shape.names().collect::<Vec<_>>().join(", ");
        let advice = match suggestion::nearest(name, shape.names()) {
            Some(near) => format!("did you mean {near:?}? known keys: {known}"),
            None => format!("remove it; known keys: {known}"),
        };
        self.fault(
            span.clone(),
            format!("unknown key {name:?} {place}"),
            advice,
        );
    }

    fn fault(&mut self, span: Range<usize>, what: String, advice: impl AsRef<str>) {
        let origin = self.origin(span);
        self.faults.push(Fault::at(&origin, what, advice));
    }

    fn node(&self, span: Range<usize>, content: Content) -> Node {
        let origin = self.origin(span);
        Node { origin, content }
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        let source = Arc::clone(&self.source);
        Origin { source, span }
    }
}

/// `probe` for `verify.probe`, `notify` for `notify.NAME`.
fn noun(shape: &Shape) -> &'static str {
    let mut words = shape.path.rsplit('.').filter(|word| *word != "NAME");
    words.next().unwrap_or(shape.path)
}
