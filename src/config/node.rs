//! A value that was looked at, and where it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::source::Origin;
use crate::policy::Pattern;

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub origin: Origin,
    pub content: Content,
}

/// What stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// A table.
    Table(BTreeMap<String, Node>),
    /// `[[…]]`, each a table.
    Tables(Vec<Node>),
    /// A value, read.
    Leaf(Leaf),
    /// Something that was complained of; it is there, so it is not missing.
    Faulty,
}

/// A value, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaf {
    Duration(Duration),
    Count(u32),
    Flag(bool),
    /// In ten-thousandths.
    Share(u16),
    Text(String),
    Texts(Vec<String>),
    Patterns(Vec<Pattern>),
}

impl Node {
    /// The value of a key of a table.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Table(table) => table.get(key),
            _ => None,
        }
    }

    /// The named tables in a key of a table.
    pub fn named(&self, key: &str) -> impl Iterator<Item = (&String, &Self)> {
        let table = match self.get(key).map(|node| &node.content) {
            Some(Content::Table(table)) => Some(table),
            _ => None,
        };
        table.into_iter().flatten()
    }

    /// The same, to be changed.
    pub fn named_mut(&mut self, key: &str) -> impl Iterator<Item = &mut Self> {
        let table = match &mut self.content {
            Content::Table(table) => table.get_mut(key).map(|node| &mut node.content),
            _ => None,
        };
        let named = match table {
            Some(Content::Table(named)) => Some(named.values_mut()),
            _ => None,
        };
        named.into_iter().flatten()
    }

    /// Takes a key out of a table.
    pub fn remove(&mut self, key: &str) {
        if let Content::Table(table) = &mut self.content {
            table.remove(key);
        }
    }

    /// The `[[…]]` in a key of a table.
    pub fn tables(&self, key: &str) -> &[Self] {
        match self.get(key).map(|node| &node.content) {
            Some(Content::Tables(tables)) => tables,
            _ => &[],
        }
    }

    fn leaf(&self, key: &str) -> Option<&Leaf> {
        match &self.get(key)?.content {
            Content::Leaf(leaf) => Some(leaf),
            _ => None,
        }
    }

    pub fn duration(&self, key: &str) -> Option<Duration> {
        match self.leaf(key)? {
            Leaf::Duration(duration) => Some(*duration),
            _ => None,
        }
    }

    pub fn count(&self, key: &str) -> Option<u32> {
        match self.leaf(key)? {
            Leaf::Count(count) => Some(*count),
            _ => None,
        }
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.leaf(key)? {
            Leaf::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    pub fn share(&self, key: &str) -> Option<u16> {
        match self.leaf(key)? {
            Leaf::Share(share) => Some(*share),
            _ => None,
        }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        match self.leaf(key)? {
            Leaf::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        match self.leaf(key)? {
            Leaf::Texts(texts) => Some(texts.clone()),
            _ => None,
        }
    }

    pub fn patterns(&self, key: &str) -> Option<Vec<Pattern>> {
        match self.leaf(key)? {
            Leaf::Patterns(patterns) => Some(patterns.clone()),
            _ => None,
        }
    }
}

impl Leaf {
    /// As it would be written in the file.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let list = |texts: &mut dyn Iterator<Item = String>| {
            format!("[{}]", texts.collect::<Vec<_>>().join(", "))
        };
        match self {
            Self::Duration(duration) => quoted(&super::duration::write(*duration)),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Share(share) => format!("{}.{:04}", share / 10_000, share % 10_000),
            Self::Text(text) => quoted(text),
            Self::Texts(texts) => list(&mut texts.iter().map(|text| quoted(text))),
            Self::Patterns(patterns) => {
                list(&mut patterns.iter().map(|pattern| quoted(&pattern.to_string())))
            }
        }
    }
}
