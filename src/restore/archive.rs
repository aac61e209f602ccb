//! Package files: an `ar` of two tars. Written by ourselves, because modes,
//! owners and times come from a record and not from files.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::sum::{Cut, Sum, copy_and_sum};
use crate::os::files::no_follow;

const BLOCK: usize = 512;

/// The largest number that a header's eleven octal digits hold.
const OCTAL_CAP: u64 = 0o777_7777_7777;

/// The largest member of an `ar`: ten decimal digits.
const MEMBER_CAP: u64 = 9_999_999_999;

/// Where the size stands in the header of an `ar` member.
const SIZE_AT: u64 = 48;

/// What a header says about one path.
pub struct Header<'a> {
    /// Below the root, without a slash in front.
    pub path: &'a Path,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub user: &'a str,
    pub group: &'a str,
    pub mtime: i64,
}

/// A package file in the making.
pub struct Archive {
    to: BufWriter<File>,
    length: u64,
    /// Where the header of the present member is.
    member: u64,
}

impl Archive {
    pub fn create(path: &Path) -> std::io::Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(path)?;
        let mut archive = Self {
            to: BufWriter::with_capacity(256 << 10, file),
            length: 0,
            member: 0,
        };
        archive.write(b"!<arch>\n")?;
        archive.begin("debian-binary")?;
        archive.write(b"2.0\n")?;
        archive.end_member()?;
        Ok(archive)
    }

    /// Opens a member that is a tar; nothing may be open.
    pub fn begin_tar(&mut self, name: &str) -> std::io::Result<()> {
        self.begin(name)
    }

    pub fn end_tar(&mut self) -> std::io::Result<()> {
        self.write(&[0; 2 * BLOCK])?;
        self.end_member()
    }

    /// All of it on disk.
    pub fn end(mut self) -> std::io::Result<()> {
        self.to.flush()?;
        self.to.get_ref().sync_all()
    }

    pub fn folder(&mut self, header: &Header<'_>) -> std::io::Result<()> {
        self.header(header, b'5', (0, Path::new("")))
    }

    pub fn link(&mut self, header: &Header<'_>, target: &Path) -> std::io::Result<()> {
        self.header(header, b'2', (0, target))
    }

    /// Another name of a file that was added before.
    pub fn twin(&mut self, header: &Header<'_>, first: &Path) -> std::io::Result<()> {
        let mut target = b"./".to_vec();
        target.extend(first.as_os_str().as_bytes());
        let target = std::ffi::OsStr::from_bytes(&target);
        self.header(header, b'1', (0, Path::new(target)))
    }

    /// A file of that size; returns what was read.
    pub fn file(
        &mut self,
        header: &Header<'_>,
        size: u64,
        from: &mut impl Read,
    ) -> Result<Sum, Cut> {
        let begun = self.header(header, b'0', (size, Path::new("")));
        begun.map_err(Cut::Writing)?;
        let (sum, length) = copy_and_sum(&mut from.take(size + 1), &mut self.to)?;
        self.length += length;
        if length != size {
            let cause = std::io::Error::other("it has another size than before");
            return Err(Cut::Reading(cause));
        }
        self.pad(length).map_err(Cut::Writing)?;
        Ok(sum)
    }

    fn header(
        &mut self,
        header: &Header<'_>,
        kind: u8,
        (size, target): (u64, &Path),
    ) -> std::io::Result<()> {
        let mut name = b"./".to_vec();
        name.extend(header.path.as_os_str().as_bytes());
        if kind == b'5' && name.last() != Some(&b'/') {
            name.push(b'/');
        }
        let target = target.as_os_str().as_bytes();
        self.long(b'K', target)?;
        self.long(b'L', &name)?;
        self.write(&block(header, kind, (size, &name, target))?)
    }

    /// What does not fit into a header stands before it, as GNU tar does it.
    fn long(&mut self, kind: u8, text: &[u8]) -> std::io::Result<()> {
        if text.len() <= 100 {
            return Ok(());
        }
        let header = Header {
            path: Path::new(""),
            mode: 0,
            uid: 0,
            gid: 0,
            user: "root",
            group: "root",
            mtime: 0,
        };
        let size = text.len() as u64 + 1;
        self.write(&block(&header, kind, (size, b"././@LongLink", b""))?)?;
        self.write(text)?;
        self.write(b"\0")?;
        self.pad(size)
    }

    fn pad(&mut self, length: u64) -> std::io::Result<()> {
        let rest = usize::try_from(length % BLOCK as u64).unwrap_or(0);
        let zeros = [0; BLOCK];
        let missing = (BLOCK - rest) % BLOCK;
        self.write(zeros.get(..missing).unwrap_or_default())
    }

    fn begin(&mut self, name: &str) -> std::io::Result<()> {
        self.member = self.length;
        let header = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0, 0, 0, 100_644, 0
        );
        self.write(header.as_bytes())
    }

    /// Its size is known now.
    fn end_member(&mut self) -> std::io::Result<()> {
        let size = self.length - self.member - 60;
        if size > MEMBER_CAP {
            return Err(std::io::Error::other("too large for a package file"));
        }
        if size % 2 == 1 {
            self.write(b"\n")?;
        }
        self.to.seek(SeekFrom::Start(self.member + SIZE_AT))?;
        self.to.write_all(format!("{size:<10}").as_bytes())?;
        self.to.seek(SeekFrom::Start(self.length))?;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.length += bytes.len() as u64;
        self.to.write_all(bytes)
    }
}

/// One header in the old GNU format, which is what dpkg-deb writes.
fn block(
    header: &Header<'_>,
    kind: u8,
    (size, name, target): (u64, &[u8], &[u8]),
) -> std::io::Result<Vec<u8>> {
    if size > OCTAL_CAP {
        return Err(std::io::Error::other("too large for a package file"));
    }
    let mtime = u64::try_from(header.mtime).unwrap_or(0).min(OCTAL_CAP);
    let mut block = Vec::with_capacity(BLOCK);
    text(&mut block, name, 100);
    octal(&mut block, header.mode.into(), 7);
    octal(&mut block, header.uid.into(), 7);
    octal(&mut block, header.gid.into(), 7);
    octal(&mut block, size, 11);
    octal(&mut block, mtime, 11);
    // The sum is made as if blanks stood here.
    block.extend(b"        ");
    block.push(kind);
    text(&mut block, target, 100);
    block.extend(b"ustar  \0");
    text(&mut block, header.user.as_bytes(), 32);
    text(&mut block, header.group.as_bytes(), 32);
    block.resize(BLOCK, 0);
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    if let Some(place) = block.get_mut(148..156) {
        place.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    Ok(block)
}

/// Cut at the width, or filled with zeros.
fn text(block: &mut Vec<u8>, bytes: &[u8], width: usize) {
    let end = block.len() + width;
    block.extend(bytes.iter().take(width));
    block.resize(end, 0);
}

fn octal(block: &mut Vec<u8>, number: u64, digits: usize) {
    block.extend(format!("{number:0digits$o}\0").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_what_tar_reads() {
        let header = Header {
            path: Path::new("etc/x"),
            mode: 0o644,
            uid: 0,
            gid: 8,
            user: "root",
            group: "mail",
            mtime: 1_700_000_000,
        };
        let block = block(&header, b'0', (5, b"./etc/x", b"")).expect("fits");
        assert_eq!(block.len(), BLOCK);
        assert_eq!(&block[..8], b"./etc/x\0");
        assert_eq!(&block[100..108], b"0000644\0");
        assert_eq!(&block[116..124], b"0000010\0");
        assert_eq!(&block[124..136], b"00000000005\0");
        assert_eq!(&block[257..265], b"ustar  \0");
        let mut bare = block.clone();
        bare[148..156].fill(b' ');
        let sum: u32 = bare.iter().map(|byte| u32::from(*byte)).sum();
        assert_eq!(&block[148..156], format!("{sum:06o}\0 ").as_bytes());
    }
}
