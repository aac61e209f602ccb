//! Patterns for names: a glob, or a regular expression between slashes.

use std::fmt;

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a pattern: {detail}; write a glob such as \"libssl*\" or a regular expression as \"/^linux-/\""
)]
pub struct InvalidPattern {
    text: String,
    detail: String,
}

/// `libssl*` (the whole name, `*` and `?`), or `/expression/` (anywhere in it).
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    expression: regex_lite::Regex,
}

impl Pattern {
    /// Reads a pattern as written in the configuration.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = |detail: String| InvalidPattern {
            text: text.to_owned(),
            detail,
        };
        if text.is_empty() {
            return Err(invalid("it is empty".to_owned()));
        }
        let inner = text
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        let source = inner.map_or_else(|| translate(text), str::to_owned);
        match regex_lite::Regex::new(&source) {
            Ok(expression) => Ok(Self {
                text: text.to_owned(),
                expression,
            }),
            Err(error) => Err(invalid(error.to_string())),
        }
    }

    /// Whether it matches this name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.expression.is_match(name)
    }
}

/// A glob as an anchored regular expression.
fn translate(glob: &str) -> String {
    let mut expression = String::from("^(?s:");
    for c in glob.chars() {
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            c => expression.push_str(&regex_lite::escape(&c.to_string())),
        }
    }
    expression.push_str(")$");
    expression
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).expect("valid").matches(name)
    }

    #[test]
    fn a_glob_must_match_the_whole_name() {
        assert!(matches("lib*", "libssl3"));
        assert!(!matches("ssl", "libssl3"));
        assert!(matches("g++", "g++"));
        assert!(!matches("lib.sl3", "libssl3"));
    }

    #[test]
    fn a_regular_expression_matches_anywhere() {
        assert!(matches("/ssl[0-9]$/", "libssl3"));
    }

    #[test]
    fn a_broken_expression_says_how_to_write_one() {
        let error = Pattern::parse("/(/").expect_err("broken");
        assert!(error.to_string().contains("write a glob"), "{error}");
    }
}
