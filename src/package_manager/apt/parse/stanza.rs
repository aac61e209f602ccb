//! The format that dpkg and apt share: `Field: value` lines, stanzas between
//! blank lines, continuation lines that begin with a blank.

use crate::model::{PackageName, SourceVersion, Version};

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

/// What a package is built from, by its `Source:` field. Without a version in it
/// both have the same, but for a rebuild (`+b2`), which has no source of its own.
/// `None` when the field names none that could be.
#[must_use]
pub fn source(field: Option<&str>, name: &PackageName, own: &Version) -> Option<SourceVersion> {
    let (source, version) = match field {
        Some(field) => (source_name(field), bracketed(field)),
        None => (name.as_str(), None),
    };
    let version = version
        .and_then(|text| Version::try_from(text.to_owned()).ok())
        .or_else(|| Version::try_from(without_rebuild(own.as_str()).to_owned()).ok());
    Some(SourceVersion {
        name: PackageName::try_from(source.to_owned()).ok()?,
        version: version.unwrap_or_else(|| own.clone()),
    })
}

/// `name (= version), name (= version)`; what looks otherwise is left out.
#[must_use]
pub fn built_using(field: &str) -> Vec<SourceVersion> {
    let one = |entry: &str| {
        let version = bracketed(entry)?.trim_start_matches(['=', ' ']);
        Some(SourceVersion {
            name: PackageName::try_from(source_name(entry.trim()).to_owned()).ok()?,
            version: Version::try_from(version.to_owned()).ok()?,
        })
    };
    field.split(',').filter_map(one).collect()
}

fn bracketed(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('(')?;
    Some(rest.split_once(')')?.0.trim())
}

/// `5.2.15-2+b8` without its `+b8`.
fn without_rebuild(version: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    match version.rsplit_once("+b") {
        Some((source, number)) if is_number(number) => source,
        _ => version,
    }
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

    #[test]
    fn a_source_has_its_own_version_and_a_rebuild_has_none() {
        let table = [
            (
                Some("linux-signed-amd64 (6.1.192+2)"),
                "6.1.192-2",
                "linux-signed-amd64 6.1.192+2",
            ),
            (Some("glibc"), "2.36-9+deb12u10", "glibc 2.36-9+deb12u10"),
            (Some("bash (5.2.15-2)"), "5.2.15-2+b8", "bash 5.2.15-2"),
            (Some("etcd"), "3.4.23-4+b4", "etcd 3.4.23-4"),
            (None, "1.0-1+b12", "own 1.0-1"),
            (None, "1.0-1+beta", "own 1.0-1+beta"),
            (Some("odd (no version)"), "1.0-1", "odd 1.0-1"),
        ];
        let name = PackageName::try_from("own".to_owned()).expect("valid");
        for (field, own, expected) in table {
            let own = Version::try_from(own.to_owned()).expect("valid");
            let found = source(field, &name, &own).expect("a source");
            assert_eq!(format!("{} {}", found.name, found.version), expected);
        }
        let own = Version::try_from("1".to_owned()).expect("valid");
        assert_eq!(source(Some("!"), &name, &own), None);
    }

    #[test]
    fn what_went_into_a_package_is_listed_with_versions() {
        let found = built_using("linux (= 6.1.192-2), asm (= 9.0-1), odd, (= 1), bad (= )");
        let found: Vec<String> = found
            .iter()
            .map(|it| format!("{}={}", it.name, it.version))
            .collect();
        assert_eq!(found, ["linux=6.1.192-2", "asm=9.0-1"]);
    }
}
