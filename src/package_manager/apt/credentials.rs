//! Repository URLs may hold a user and a password (`https://user:word@host/`).
//! apt prints them in some of its errors; we never do.

/// `text` with whatever stands between `://` and `@` of a URL taken out.
#[must_use]
pub fn hidden(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"');
        let authority = behind.split(ends).next().unwrap_or_default();
        rest = match authority.rfind('@') {
            Some(at) => behind.split_at(at + 1).1,
            None => behind,
        };
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reads_a_password() {
        for (text, shown) in [
            (
                "E: http://user:secret@host/a/dists x",
                "E: http://host/a/dists x",
            ),
            (
                "'https://u:p@ss@host:8/a' and ftp://t@h/",
                "'https://host:8/a' and ftp://h/",
            ),
            (
                "http://host/~a@b.c/x mail <a@b.c>",
                "http://host/~a@b.c/x mail <a@b.c>",
            ),
            ("http://host a@b", "http://host a@b"),
            ("no url, ://", "no url, ://"),
        ] {
            assert_eq!(hidden(text), shown);
        }
    }
}
