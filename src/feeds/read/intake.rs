//! The one way into a reader: unpacked, within bounds, and of plain characters.

use std::cell::Cell;
use std::io::{self, BufReader, Cursor, Read};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use super::unreadable::{Unreadable, too_big};
use crate::feeds::Format;

/// What a record may take, with all that stands between it and the one before.
pub(super) const RECORD: usize = 1 << 20;

/// What a feed may take once it is unpacked: eight times the largest we know.
const FEED: u64 = 640 << 20;

/// What is read at once. So much may be read ahead of a ration.
const BUFFER: usize = 64 << 10;

/// What feeds are packed in, by their first bytes.
const MAGICS: [(&[u8], Packing); 5] = [
    (b"\x1f\x8b", Packing::Gzip),
    (b"PK\x03\x04", Packing::Zip),
    (b"BZh", Packing::Other("bzip2")),
    (b"\xfd7zXZ\0", Packing::Other("xz")),
    (b"\x28\xb5\x2f\xfd", Packing::Other("zstd")),
];

/// The longest of them.
const MAGIC: u64 = 6;

#[derive(Clone, Copy)]
enum Packing {
    Plain,
    Gzip,
    Zip,
    Other(&'static str),
}

/// A feed as it comes in, as far as its first bytes tell what it is.
pub(super) enum Container<'a> {
    /// One text, unpacked.
    Text(Box<dyn Read + 'a>),
    /// A zip, still packed.
    Zip(Box<dyn Read + 'a>),
}

/// Looks at the first bytes; gzip is taken off.
pub(super) fn open<'a>(
    mut input: impl Read + 'a,
    format: Format,
) -> Result<Container<'a>, Unreadable> {
    let mut head = Vec::new();
    (&mut input).take(MAGIC).read_to_end(&mut head)?;
    let known = MAGICS.iter().find(|(magic, _)| head.starts_with(magic));
    let whole = Cursor::new(head).chain(input);
    match known.map_or(Packing::Plain, |(_, packing)| *packing) {
        Packing::Plain => Ok(Container::Text(Box::new(whole))),
        Packing::Gzip => Ok(Container::Text(Box::new(MultiGzDecoder::new(whole)))),
        Packing::Zip => Ok(Container::Zip(Box::new(whole))),
        Packing::Other(packing) => Err(Unreadable::Packed { packing, format }),
    }
}

impl<'a> Container<'a> {
    /// For a format that is never a zip.
    pub fn text(self, format: Format) -> Result<Box<dyn Read + 'a>, Unreadable> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Zip(_) => Err(Unreadable::Packed {
                packing: "zip",
                format,
            }),
        }
    }
}

/// How much may still be read before whoever reads has made something of it.
/// So nothing that a parser gathers up is longer, whatever its syntax.
#[derive(Clone)]
pub(super) struct Ration(Rc<Cell<usize>>);

impl Ration {
    /// Something was made of it.
    pub fn renew(&self) {
        self.0.set(RECORD);
    }
}

/// What a reader reads: bounded as a whole and between any two records, and
/// ASCII. Nothing that we keep has other characters, and a byte that is no UTF-8,
/// which would be the end of a parser, becomes a `?`, which is the end of a name.
pub(super) struct Intake<R> {
    source: R,
    left: u64,
    ration: Ration,
}

impl<R: Read> Intake<R> {
    /// Buffered, and the ration that the reader renews with each record.
    pub fn new(source: R) -> (BufReader<Self>, Ration) {
        let ration = Ration(Rc::new(Cell::new(RECORD)));
        let intake = Self {
            source,
            left: FEED,
            ration: ration.clone(),
        };
        (BufReader::with_capacity(BUFFER, intake), ration)
    }
}

impl<R: Read> Read for Intake<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(self.ration.0.get());
        let wanted = wanted.min(usize::try_from(self.left).unwrap_or(wanted));
        if wanted == 0 && !buffer.is_empty() {
            return Err(too_big(if self.left == 0 {
                "more than 640 MiB unpacked"
            } else {
                "more than 1 MiB that is no record"
            }));
        }
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let read = self.source.read(part)?;
        plain(part.get_mut(..read).unwrap_or_default());
        self.left = self.left.saturating_sub(read as u64);
        self.ration.0.set(self.ration.0.get().saturating_sub(read));
        Ok(read)
    }
}

/// Replaces all characters beyond ASCII.
pub(super) fn plain(bytes: &mut [u8]) {
    for byte in bytes {
        if !byte.is_ascii() {
            *byte = b'?';
        }
    }
}

/// Reads a whole text that must not be longer than `cap`.
pub(super) fn whole(source: impl Read, cap: usize, text: &mut Vec<u8>) -> io::Result<()> {
    text.clear();
    source.take(cap as u64 + 1).read_to_end(text)?;
    if text.len() > cap {
        let sentence = format!("a record or file in it is longer than {} MiB", cap >> 20);
        return Err(too_big(&sentence));
    }
    plain(text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let mut text = Vec::new();
        open(bytes, Format::Kev)?
            .text(Format::Kev)?
            .read_to_end(&mut text)?;
        Ok(text)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("finished")
    }

    #[test]
    fn gzip_is_known_by_its_first_bytes() {
        let twice = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(unpacked(&twice).expect("unpacked"), b"one two");
        assert_eq!(unpacked(b"{}").expect("plain"), b"{}");
        assert_eq!(unpacked(b"").expect("plain"), b"");
    }

    #[test]
    fn a_damaged_packing_is_told_from_a_short_one() {
        let mut packed = gzip(b"some text that is long enough to be packed");
        let short = packed.get(..packed.len() - 4).expect("longer").to_vec();
        assert!(matches!(unpacked(&short), Err(Unreadable::CutShort(_))));
        let sum = packed.len() - 6;
        packed[sum] ^= 1;
        assert!(matches!(unpacked(&packed), Err(Unreadable::Damaged(_))));
        let other = unpacked(b"\xfd7zXZ\0...").expect_err("refused").to_string();
        assert_eq!(
            other,
            "the feed is packed by xz, which the KEV catalogue is not read from; unpack it first"
        );
    }

    #[test]
    fn between_two_records_there_is_no_more_than_a_ration() {
        let endless = io::repeat(0xff).take(4 << 20);
        let (mut intake, ration) = Intake::new(endless);
        let mut part = vec![0; RECORD];
        for _ in 0..2 {
            intake.read_exact(&mut part).expect("within the ration");
            ration.renew();
        }
        assert!(part.iter().all(|byte| *byte == b'?'));
        let mut rest = Vec::new();
        let fault = intake.read_to_end(&mut rest).expect_err("too much");
        assert!(matches!(fault.into(), Unreadable::TooBig(_)));
        assert!(rest.len() <= RECORD + BUFFER);
    }
}
