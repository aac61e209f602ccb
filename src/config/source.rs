//! A text and a place in it.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// One text of configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The file; empty for what is built in.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// In which text.
    pub source: Arc<Source>,
    /// From which byte to which.
    pub span: Range<usize>,
}

impl Source {
    /// The file as messages name it.
    pub fn name(&self) -> String {
        escaped(&self.path.to_string_lossy())
    }

    /// Whether it comes with the program.
    pub fn is_built_in(&self) -> bool {
        self.path.as_os_str().is_empty()
    }
}

impl Origin {
    /// Line and column, both from 1; a column is a character.
    pub fn position(&self) -> (usize, usize) {
        let before = self
            .source
            .text
            .get(..self.span.start)
            .unwrap_or(&self.source.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// As the comments of `config show --origin` name it.
    pub fn label(&self) -> String {
        if self.source.is_built_in() {
            return "built-in".to_owned();
        }
        format!("{}:{}", self.source.name(), self.position().0)
    }
}

/// Text from outside on one line, with nothing that a terminal would obey.
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(span: Range<usize>) -> Origin {
        let source = Arc::new(Source {
            path: "/etc/patchd/patchd.toml".into(),
            text: "a = 1\nbä = \"x\"\n".to_owned(),
        });
        Origin { source, span }
    }

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        assert_eq!(at(0..1).position(), (1, 1));
        assert_eq!(at(6..7).position(), (2, 1));
        assert_eq!(at(12..15).position(), (2, 6));
        assert_eq!(at(999..999).position(), (3, 1));
    }

    #[test]
    fn a_label_is_what_an_editor_opens() {
        assert_eq!(at(6..7).label(), "/etc/patchd/patchd.toml:2");
    }
}
