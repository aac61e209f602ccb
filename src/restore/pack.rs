//! The copies of a point: one file, each piece with its place and digest. No
//! inode for each, and a program that was setuid is no program here.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::point::Slice;
use super::sum::{Sum, copy_and_sum};
use crate::os::files::no_follow;

/// Beside the record.
pub const NAME: &str = "copies";

/// Adds pieces.
pub struct Packing {
    to: BufWriter<File>,
    length: u64,
}

impl Packing {
    /// Goes on behind what counts already; what is behind that is thrown away.
    pub fn open(folder: &Path, length: u64) -> std::io::Result<Self> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(folder.join(NAME))?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Self {
            to: BufWriter::with_capacity(256 << 10, file),
            length,
        })
    }

    pub fn add(&mut self, bytes: &[u8]) -> std::io::Result<Slice> {
        self.to.write_all(bytes)?;
        Ok(self.added(bytes.len() as u64, Sum::of(bytes)))
    }

    pub fn add_all(&mut self, from: &mut impl Read) -> std::io::Result<Slice> {
        let (sum, length) = copy_and_sum(from, &mut self.to)?;
        Ok(self.added(length, sum))
    }

    fn added(&mut self, length: u64, sum: Sum) -> Slice {
        let at = self.length;
        self.length += length;
        Slice { at, length, sum }
    }

    /// All of it on disk; returns how much it is.
    pub fn end(mut self) -> std::io::Result<u64> {
        self.to.flush()?;
        self.to.get_ref().sync_all()?;
        Ok(self.length)
    }
}

/// Takes pieces out again.
pub struct Pack(File);

impl Pack {
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        let mut options = File::options();
        let options = options.read(true).custom_flags(no_follow());
        options.open(folder.join(NAME)).map(Self)
    }

    /// From a place on; whoever reads compares the digest.
    pub fn reader(&self, at: u64, length: u64) -> std::io::Result<impl Read> {
        let mut file = self.0.try_clone()?;
        file.seek(SeekFrom::Start(at))?;
        Ok(file.take(length))
    }

    /// A small piece; an error when it is not what was put in.
    pub fn bytes(&self, slice: &Slice) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader(slice.at, slice.length)?
            .read_to_end(&mut bytes)?;
        if Sum::of(&bytes) == slice.sum {
            Ok(bytes)
        } else {
            Err(std::io::Error::other("a copy is not what was written"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_as_they_went_in_and_a_torn_end_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut packing = Packing::open(folder.path(), 0).expect("made");
        let one = packing.add(b"one").expect("added");
        let length = packing.end().expect("written");
        let mut torn = Packing::open(folder.path(), length).expect("opened");
        torn.add(b"never counted").expect("added");
        torn.end().expect("written");
        let mut packing = Packing::open(folder.path(), length).expect("opened");
        let two = packing.add_all(&mut &b"two"[..]).expect("added");
        assert_eq!(packing.end().expect("written"), 6);
        let pack = Pack::open(folder.path()).expect("there");
        assert_eq!(pack.bytes(&one).expect("whole"), b"one");
        assert_eq!(pack.bytes(&two).expect("whole"), b"two");
        let forged = Slice { at: 1, ..one };
        assert!(pack.bytes(&forged).is_err());
    }
}
