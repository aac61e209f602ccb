//! Whether our program brings all of its code. One that does not has the kernel
//! start a loader first, which takes libraries from wherever the root folder is:
//! within somebody's image, his.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::process::OURSELVES;

/// A 64-bit program begins so; other ones of ours there are none.
const MAGIC: [u8; 5] = *b"\x7fELF\x02";

/// The head of such a file, and of each part that it names.
const HEAD: usize = 64;
const PART: usize = 56;

/// A part that names the loader.
const INTERPRETER: [u8; 4] = 3_u32.to_ne_bytes();

/// Whether the program that runs was loaded by the kernel alone.
pub fn are_we_self_contained() -> std::io::Result<bool> {
    is_self_contained(Path::new(OURSELVES))
}

fn is_self_contained(program: &Path) -> std::io::Result<bool> {
    let file = File::open(program)?;
    let mut head = [0; HEAD];
    file.read_exact_at(&mut head, 0)?;
    let number = |at: usize| {
        let bytes = head.get(at..at + 2).and_then(|it| it.try_into().ok());
        u64::from(bytes.map_or(0, u16::from_ne_bytes))
    };
    let start = head.get(32..40).and_then(|it| it.try_into().ok());
    let start = start.map_or(0, u64::from_ne_bytes);
    let (size, count) = (number(54), number(56));
    if !head.starts_with(&MAGIC) || size != PART as u64 {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    for index in 0..count {
        let mut kind = [0; INTERPRETER.len()];
        file.read_exact_at(&mut kind, start.saturating_add(index * size))?;
        if kind == INTERPRETER {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_needs_a_loader_is_not_self_contained() {
        assert!(!is_self_contained(Path::new("/bin/sh")).expect("a program"));
        assert!(is_self_contained(Path::new("/etc/passwd")).is_err());
    }
}
