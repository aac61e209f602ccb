//! What `apt-config shell NAME key …` prints: `NAME='value'` lines.

use std::collections::BTreeMap;

use super::UnknownLine;

/// The variables; a key that is not configured has an empty value.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, UnknownLine> {
    text.lines()
        .map(|line| variable(line).ok_or_else(|| UnknownLine::new(line)))
        .collect()
}

fn variable(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
    Some((name.to_owned(), value.replace(r"'\''", "'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_undone_and_emptiness_kept() {
        let found = parse("A='amd64'\nC=''\nL='/va'\\''r/'\n").expect("valid");
        let value = |name: &str| found.get(name).map(String::as_str);
        assert_eq!(
            (value("A"), value("C"), value("L")),
            (Some("amd64"), Some(""), Some("/va'r/"))
        );
    }

    #[test]
    fn a_line_without_quotes_is_refused() {
        assert!(parse("A=amd64\n").is_err());
    }
}
