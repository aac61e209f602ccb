//! The format that dpkg and apt share: `Field: value` lines, stanzas between
//! blank lines, continuation lines that begin with a blank.

/// The stanzas of a text that fits into memory.
pub fn stanzas(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n")
        .map(|stanza| stanza.trim_matches('\n'))
        .filter(|stanza| !stanza.is_empty())
}

/// The fields of a stanza, first line of the value only.
pub fn fields(stanza: &str) -> impl Iterator<Item = (&str, &str)> {
    stanza.lines().filter_map(field)
}

/// One line; `None` for a continuation line and for what is no field.
#[must_use]
pub fn field(line: &str) -> Option<(&str, &str)> {
    if line.starts_with([' ', '\t', '#']) {
        return None;
    }
    let (name, value) = line.split_once(':')?;
    Some((name, value.trim()))
}

/// `Source: name` or `Source: name (version)`: the name.
#[must_use]
pub fn source_name(value: &str) -> &str {
    value.split([' ', '(']).next().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continuation_line_is_no_field() {
        let text = "Package: aa\nDescription: one\n more: text\nVersion: 1:2\n";
        let found: Vec<_> = fields(text).collect();
        assert_eq!(
            found,
            [
                ("Package", "aa"),
                ("Description", "one"),
                ("Version", "1:2")
            ]
        );
    }

    #[test]
    fn the_version_behind_a_source_name_is_dropped() {
        assert_eq!(source_name("plain-source (1.1-0)"), "plain-source");
        assert_eq!(source_name("glibc"), "glibc");
    }
}
