//! A zip of many records. It comes in as a stream and its table of contents is at
//! its end, so that it is kept in a file without a name meanwhile. One entry after
//! the other is looked at, and none remembered: there are some hundred thousand.
//! What they are called is never used as a path.

mod entry;
mod spool;

use std::fs::File;
use std::io::Read;

use entry::Entries;

use super::intake::plain;
use super::unreadable::{Unreadable, too_big};

/// The longest entry; a kernel's vulnerability with all its flavours has some MiB.
const ENTRY: usize = 16 << 20;

/// What all entries together may unpack to.
const UNPACKED: u64 = 8 << 30;

/// And to how many times the zip's own size; records are packed to a tenth.
const RATIO: u64 = 100;

/// A zip may unpack to this much, however small it is.
const SMALL: u64 = 64 << 20;

/// Calls `record` with each entry that has the name of a JSON file, whole.
pub(super) fn each_json(
    packed: impl Read,
    record: impl FnMut(&[u8]) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    each_of(&spool::spool(packed)?, record)
}

fn each_of(
    file: &File,
    mut record: impl FnMut(&[u8]) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut entries = Entries::of(file)?;
    let mut budget = UNPACKED.min(SMALL.max(entries.size().saturating_mul(RATIO)));
    let mut text = Vec::new();
    while let Some(entry) = entries.next()? {
        if !entry.name.ends_with(b".json") {
            continue;
        }
        entry.unpack(file, ENTRY, &mut text)?;
        budget = budget.checked_sub(text.len() as u64).ok_or_else(|| {
            too_big("it is a zip that unpacks to a hundred times its size, or to more than 8 GiB")
        })?;
        plain(&mut text);
        record(&text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::{SimpleFileOptions, ZipWriter};
    use zip::{CompressionMethod, write::StreamWriter};

    use super::*;

    fn zipped(entries: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in entries {
            writer.start_file(*name, options).expect("started");
            writer.write_all(text).expect("written");
        }
        writer.finish().expect("finished").into_inner()
    }

    fn read(packed: &[u8]) -> Result<Vec<String>, Unreadable> {
        let mut texts = Vec::new();
        each_json(packed, |text| {
            texts.push(String::from_utf8_lossy(text).into_owned());
            Ok(())
        })?;
        Ok(texts)
    }

    #[test]
    fn each_way_of_packing_is_read() {
        let entries: [(&str, &[u8]); 4] = [
            ("LICENSE", b"none"),
            ("all/a.json", b"{}"),
            ("../../etc/passwd.json", b"[1]"),
            ("/b.json", b"\xff"),
        ];
        let expected = ["{}", "[1]", "?"];
        for options in [
            SimpleFileOptions::default(),
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored),
            SimpleFileOptions::default().large_file(true),
        ] {
            let packed = zipped(&entries, options);
            assert_eq!(read(&packed).expect("read"), expected);
        }
        let mut streamed = StreamWriter::new_stream(Vec::new());
        for (name, text) in entries {
            let options = SimpleFileOptions::default();
            streamed.start_file(name, options).expect("started");
            streamed.write_all(text).expect("written");
        }
        let packed = streamed.finish().expect("finished").into_inner();
        assert_eq!(read(&packed).expect("read"), expected);
    }

    #[test]
    fn a_wrong_checksum_is_the_end_of_the_feed() {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let mut packed = zipped(&[("a.json", b"some text")], options);
        let at = packed.windows(4).position(|it| it == b"some");
        packed[at.expect("stored")] = b'S';
        let fault = read(&packed).expect_err("damaged").to_string();
        assert!(fault.contains("the checksum of a.json is wrong"), "{fault}");
    }

    #[test]
    fn wherever_it_is_cut_it_is_cut_short_or_damaged() {
        let packed = zipped(&[("a.json", b"{}"), ("b.json", b"{}")], <_>::default());
        for length in 0..packed.len() {
            let fault = read(packed.get(..length).expect("shorter")).expect_err("cut");
            assert!(
                matches!(fault, Unreadable::CutShort(_) | Unreadable::Damaged(_)),
                "{length}: {fault}"
            );
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        let long = vec![b' '; ENTRY + 1];
        let fault = read(&zipped(&[("a.json", &long)], <_>::default()));
        assert!(matches!(fault, Err(Unreadable::TooBig(_))));
        let names: Vec<String> = (0..5).map(|number| format!("{number}.json")).collect();
        let text = &long[..ENTRY];
        let entries: Vec<_> = names.iter().map(|name| (name.as_str(), text)).collect();
        let mut seen = 0_u64;
        let fault = each_json(&*zipped(&entries, <_>::default()), |text| {
            seen += text.len() as u64;
            Ok(())
        });
        assert!(matches!(fault, Err(Unreadable::TooBig(_))));
        assert_eq!(seen, SMALL);
    }

    #[test]
    fn a_table_of_contents_that_lies_is_survived() {
        let packed = zipped(&[("a.json", b"{}"), ("b.json", b"{}")], <_>::default());
        for at in 0..packed.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut packed = packed.clone();
                packed[at] = value;
                let _read_or_refused = read(&packed);
            }
        }
    }
}
