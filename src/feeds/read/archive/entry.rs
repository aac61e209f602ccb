//! The table of contents at the end of a zip, entry by entry, and what is packed
//! in one (PKWARE's APPNOTE 6.3, sections 4.3 and 4.5).

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::os::unix::fs::FileExt;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::feeds::read::unreadable::{Unreadable, too_big};

/// The most entries that are looked at.
const ENTRIES: u64 = 1 << 20;

/// The end record without its comment, and the longest comment.
const END: u64 = 22;
const COMMENT: u64 = 0xffff;

/// What stands in a field that is too small; the real value is elsewhere.
const ELSEWHERE: u64 = 0xffff_ffff;

/// The entries of a zip, in the order of its table of contents.
pub(super) struct Entries<'a> {
    table: BufReader<Part<'a>>,
    left: u64,
    size: u64,
}

/// One of them.
pub(super) struct Entry {
    /// As it is written there; not a path.
    pub name: Vec<u8>,
    is_encrypted: bool,
    method: u16,
    sum: u32,
    packed: u64,
    size: u64,
    header: u64,
}

impl<'a> Entries<'a> {
    /// Finds the table.
    pub fn of(file: &'a File) -> Result<Self, Unreadable> {
        let size = file.metadata().map_err(Unreadable::Spool)?.len();
        let from = size.saturating_sub(END + COMMENT);
        let mut tail = Vec::new();
        Part::of(file, from, size).read_to_end(&mut tail)?;
        let mut places = tail.windows(4);
        let at = places.rposition(|it| it == b"PK\x05\x06").ok_or_else(|| {
            Unreadable::CutShort("a zip without a table of contents at its end".to_owned())
        })?;
        let end = Fields(tail.get(at..).unwrap_or_default());
        let (mut count, mut start) = (end.u16(10)?.into(), end.u32(16)?.into());
        if count == 0xffff || start == ELSEWHERE {
            (count, start) = large(file, from + at as u64)?;
        }
        if count > ENTRIES {
            return Err(too_big(&format!("it is a zip of {count} entries")).into());
        }
        Ok(Self {
            table: BufReader::new(Part::of(file, start, size)),
            left: count,
            size,
        })
    }

    /// How long the zip is.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next entry.
    pub fn next(&mut self) -> Result<Option<Entry>, Unreadable> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let header = self.bytes(46)?;
        let header = Fields(&header).signed(b"PK\x01\x02")?;
        let mut entry = Entry {
            name: self.bytes(header.u16(28)?.into())?,
            is_encrypted: header.u16(8)? & 1 != 0,
            method: header.u16(10)?,
            sum: header.u32(16)?,
            packed: header.u32(20)?.into(),
            size: header.u32(24)?.into(),
            header: header.u32(42)?.into(),
        };
        let extra = self.bytes(header.u16(30)?.into())?;
        entry.complete(&extra)?;
        self.bytes(header.u16(32)?.into())?;
        Ok(Some(entry))
    }

    fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.table.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Number of entries and start of the table, from the end record of large zips.
/// Before the small one stands where it is.
fn large(file: &File, end: u64) -> Result<(u64, u64), Unreadable> {
    let mut locator = [0; 20];
    let at = end.checked_sub(20).ok_or_else(damaged)?;
    file.read_exact_at(&mut locator, at)?;
    let at = Fields(&locator).signed(b"PK\x06\x07")?.u64(8)?;
    let mut record = [0; 56];
    Part::of(file, at, u64::MAX).read_exact(&mut record)?;
    let record = Fields(&record).signed(b"PK\x06\x06")?;
    Ok((record.u64(32)?, record.u64(48)?))
}

impl Entry {
    /// Takes from the extra fields what was too large for its own.
    fn complete(&mut self, extra: &[u8]) -> io::Result<()> {
        let mut rest = extra;
        while rest.len() >= 4 {
            let (id, length) = (Fields(rest).u16(0)?, Fields(rest).u16(2)?);
            let end = 4 + usize::from(length);
            let field = rest.get(4..end).ok_or_else(damaged)?;
            rest = rest.get(end..).unwrap_or_default();
            if id != 1 {
                continue;
            }
            let mut at = 0;
            for value in [&mut self.size, &mut self.packed, &mut self.header] {
                if *value == ELSEWHERE {
                    *value = Fields(field).u64(at)?;
                    at += 8;
                }
            }
        }
        Ok(())
    }

    /// Unpacks it into `text`, and compares it with its checksum.
    pub fn unpack(&self, file: &File, cap: usize, text: &mut Vec<u8>) -> Result<(), Unreadable> {
        let name = String::from_utf8_lossy(&self.name);
        if self.size > cap as u64 {
            return Err(too_big(&format!("{name} in it is longer than {} MiB", cap >> 20)).into());
        }
        let mut header = [0; 30];
        Part::of(file, self.header, u64::MAX).read_exact(&mut header)?;
        let header = Fields(&header).signed(b"PK\x03\x04")?;
        let skipped = 30 + u64::from(header.u16(26)?) + u64::from(header.u16(28)?);
        let from = self.header.checked_add(skipped).ok_or_else(damaged)?;
        let to = from.checked_add(self.packed).ok_or_else(damaged)?;
        let packed = BufReader::new(Part::of(file, from, to));
        text.clear();
        match self.method {
            _ if self.is_encrypted => Err(fault("an entry is encrypted")),
            0 => packed.take(self.size + 1).read_to_end(text),
            8 => DeflateDecoder::new(packed)
                .take(self.size + 1)
                .read_to_end(text),
            _ => Err(fault("an entry is packed in a way that is not read")),
        }?;
        let mut sum = Crc::new();
        sum.update(text);
        if sum.sum() != self.sum || text.len() as u64 != self.size {
            let sentence = format!("the checksum of {name} is wrong");
            return Err(Unreadable::Damaged(sentence));
        }
        Ok(())
    }
}

/// A part of a file, read without moving the file's own place.
struct Part<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl<'a> Part<'a> {
    fn of(file: &'a File, at: u64, end: u64) -> Self {
        Self { file, at, end }
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.at);
        let wanted = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        // The kernel counts places in a file with a sign.
        if i64::try_from(self.at).is_err() {
            return Ok(0);
        }
        let read = self.file.read_at(part, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A header, whose numbers are little-endian.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn signed(self, signature: &[u8]) -> io::Result<Self> {
        let is_there = self.0.starts_with(signature);
        is_there.then_some(self).ok_or_else(damaged)
    }

    fn u16(&self, at: usize) -> io::Result<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> io::Result<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> io::Result<u64> {
        self.bytes(at).map(u64::from_le_bytes)
    }

    fn bytes<const N: usize>(&self, at: usize) -> io::Result<[u8; N]> {
        let bytes = self.0.get(at..at + N).and_then(|it| it.try_into().ok());
        bytes.ok_or_else(damaged)
    }
}

fn damaged() -> io::Error {
    fault("its table of contents is wrong")
}

fn fault(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
