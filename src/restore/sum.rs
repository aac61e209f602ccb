//! SHA-256, as the record writes it.

use std::fmt;
use std::io::Read;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Read at once, bytes.
const CHUNK: usize = 128 << 10;

/// A digest in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sum(String);

/// A digest in the making.
#[derive(Default)]
pub struct Summing(Sha256);

impl Summing {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn end(self) -> Sum {
        let hex = |mut text: String, byte: &u8| {
            let halves = [byte >> 4, byte & 15];
            text.extend(halves.map(|half| char::from_digit(half.into(), 16).unwrap_or('0')));
            text
        };
        Sum(self.0.finalize().iter().fold(String::new(), hex))
    }
}

impl Sum {
    pub fn of(bytes: &[u8]) -> Self {
        let mut summing = Summing::default();
        summing.add(bytes);
        summing.end()
    }

    /// Of everything that can be read, and how much that was.
    pub fn of_all(mut from: impl Read) -> std::io::Result<(Self, u64)> {
        Ok(copy_and_sum(&mut from, &mut std::io::sink())?)
    }
}

/// On which side copying ended.
#[derive(Debug)]
pub enum Cut {
    Reading(std::io::Error),
    Writing(std::io::Error),
}

impl From<Cut> for std::io::Error {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Reading(cause) | Cut::Writing(cause) => cause,
        }
    }
}

/// Copies everything, and tells what it was.
pub fn copy_and_sum(from: &mut impl Read, to: &mut impl std::io::Write) -> Result<(Sum, u64), Cut> {
    let mut summing = Summing::default();
    let mut chunk = vec![0; CHUNK];
    let mut length = 0;
    loop {
        let read = match from.read(&mut chunk) {
            Ok(read) => read,
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(Cut::Reading(cause)),
        };
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok((summing.end(), length));
        };
        summing.add(bytes);
        to.write_all(bytes).map_err(Cut::Writing)?;
        length += bytes.len() as u64;
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
