//! A file without a name for what must be read from its end.

use std::fs::File;
use std::io::{self, Read};

use rustix::fs::{Mode, OFlags};

use crate::feeds::read::unreadable::{Unreadable, too_big};

/// The largest zip that is kept; the largest we know has a quarter.
const PACKED: u64 = 512 << 20;

/// Where it may be made: in the first that is there and lets us.
const FOLDERS: [&str; 3] = ["/var/tmp", "/tmp", "/dev/shm"];

/// Puts all of it into a file that is gone when it is closed.
pub(super) fn spool(packed: impl Read) -> Result<File, Unreadable> {
    let mut file = unnamed().map_err(Unreadable::Spool)?;
    let mut source = Watched {
        source: packed.take(PACKED + 1),
        failed: false,
    };
    match io::copy(&mut source, &mut file) {
        Ok(length) if length > PACKED => {
            Err(too_big(&format!("it is a zip of more than {} MiB", PACKED >> 20)).into())
        }
        Ok(_) => Ok(file),
        Err(cause) if source.failed => Err(cause.into()),
        Err(cause) => Err(Unreadable::Spool(cause)),
    }
}

fn unnamed() -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mut fault = rustix::io::Errno::NOENT;
    for folder in FOLDERS {
        match rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => return Ok(file.into()),
            Err(cause) => fault = cause,
        }
    }
    Err(fault.into())
}

/// Tells whether it was the source that failed, or the disk.
struct Watched<R> {
    source: R,
    failed: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer);
        let failed = |it: &io::Error| it.kind() != io::ErrorKind::Interrupted;
        self.failed |= read.as_ref().is_err_and(failed);
        read
    }
}
