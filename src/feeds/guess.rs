//! What a file is, by its first few bytes: whoever brings one need not say.

use std::fs::File;
use std::io::{self, Read, Seek};

use flate2::read::GzDecoder;

use super::line::Format;

/// How much is looked at, bytes.
const PREFIX: u64 = 256 << 10;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZIP: &[u8] = b"PK\x03\x04";

/// Words that stand in one format alone, most telling first.
const SIGNS: [(&str, Format); 8] = [
    ("\"catalogVersion\"", Format::Kev),
    ("\"cveID\"", Format::Kev),
    ("\"CVE_RECORD\"", Format::Ssvc),
    ("\"Exploitation\"", Format::Ssvc),
    ("\"schema_version\"", Format::Osv),
    ("\"modified\"", Format::Osv),
    ("\"releases\"", Format::DebianTracker),
    ("\"affected\"", Format::Osv),
];

/// Looks, and goes back to the beginning. `None` when it is nothing known.
pub(super) fn format(file: &mut File) -> io::Result<Option<Format>> {
    let mut first = Vec::new();
    file.rewind()?;
    Read::by_ref(file).take(PREFIX).read_to_end(&mut first)?;
    file.rewind()?;
    if first.starts_with(ZIP) {
        return Ok(of_archive(&first));
    }
    if first.starts_with(GZIP) {
        let mut inner = Vec::new();
        // Of a file that was cut off here the beginning will do.
        let _cut = GzDecoder::new(first.as_slice())
            .take(PREFIX)
            .read_to_end(&mut inner);
        return Ok(of_text(&inner));
    }
    Ok(of_text(&first))
}

fn of_text(first: &[u8]) -> Option<Format> {
    let text = String::from_utf8_lossy(first);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('<') {
        return text.contains("<updates").then_some(Format::Updateinfo);
    }
    if text.starts_with("#model_version") || text.starts_with("cve,") {
        return Some(Format::Epss);
    }
    let known = SIGNS.iter().find(|(sign, _)| text.contains(sign));
    known
        .filter(|_| text.starts_with('{'))
        .map(|(_, format)| *format)
}

/// By the names in it, which stand there as they are.
fn of_archive(first: &[u8]) -> Option<Format> {
    let text = String::from_utf8_lossy(first);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
    let mut names = text.split(|c| !is_name(c));
    let cve = |name: &str| {
        let base = name.rsplit('/').next().unwrap_or_default();
        base.starts_with("CVE-") && base.contains(".json")
    };
    if names.any(|name| name.contains("vulnrichment") || cve(name)) {
        return Some(Format::Ssvc);
    }
    text.contains(".json").then_some(Format::Osv)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn guessed(bytes: &[u8]) -> Option<Format> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        let guess = format(&mut file).expect("read");
        assert_eq!(file.stream_position().expect("there"), 0);
        guess
    }

    #[test]
    fn a_feed_is_known_by_what_is_in_it() {
        let table = [
            (r#"{"title":"x","catalogVersion":"1"}"#, Some(Format::Kev)),
            (
                "{\"openssl\":{\"CVE-2026-1\":{\"releases\":{",
                Some(Format::DebianTracker),
            ),
            (
                r#"{"schema_version":"1.7","id":"UBUNTU-CVE-1"}"#,
                Some(Format::Osv),
            ),
            (
                r#"{"cve":"CVE-1999-0006","Exploitation":"none"}"#,
                Some(Format::Ssvc),
            ),
            (
                r#"{"dataType":"CVE_RECORD","modified":1}"#,
                Some(Format::Ssvc),
            ),
            (
                "#model_version:v1,score_date:2026\ncve,epss",
                Some(Format::Epss),
            ),
            ("cve,epss\nCVE-2021-1,0.1", Some(Format::Epss)),
            (
                "<?xml version=\"1.0\"?>\n<updates>",
                Some(Format::Updateinfo),
            ),
            ("<html>403 \"modified\"</html>", None),
            ("\"modified\" by hand", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(guessed(text.as_bytes()), expected, "{text}");
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(text.as_bytes()).expect("packed");
            let packed = packed.finish().expect("packed");
            assert_eq!(guessed(&packed), expected, "{text}");
            assert_eq!(guessed(&packed[..packed.len() - 6]), expected, "{text}");
        }
    }
}
