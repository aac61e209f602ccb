//! Becoming another program.

use std::fs::File;
use std::io::{Error, Result, copy};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::{MemfdFlags, SealFlags};

use crate::os::process::OURSELVES;

/// Replaces this process by `program`, with everything it has: environment,
/// folder, descriptors. `variable` is set on top. Returns only when that fails.
#[must_use]
pub fn become_program(program: &Path, arguments: &[String], variable: (&str, &str)) -> Error {
    replaced_by(program, arguments, variable).exec()
}

fn replaced_by(program: &Path, arguments: &[String], variable: (&str, &str)) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever called us is to see no difference, so the environment stays"
    )]
    let mut command = Command::new(program);
    command.args(arguments).env(variable.0, variable.1);
    command
}

/// As [`become_program`], but what runs afterwards is a copy in memory that
/// nobody can change: through `/proc/PID/exe` no path leads to the file.
#[must_use]
pub fn become_copy(program: &Path, arguments: &[String], variable: (&str, &str)) -> Error {
    match sealed(program) {
        Ok(copy) => {
            let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
            replaced_by(Path::new(&path), arguments, variable)
                .arg0(COPY)
                .exec()
        }
        Err(cause) => cause,
    }
}

fn sealed(program: &Path) -> Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut memory = File::from(rustix::fs::memfd_create(COPY, flags)?);
    copy(&mut File::open(program)?, &mut memory)?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&memory, seals)?;
    Ok(memory)
}

/// Whether we are such a copy.
#[must_use]
pub fn are_we_a_copy() -> bool {
    let path = std::fs::read_link(OURSELVES).unwrap_or_default();
    path.to_string_lossy()
        .starts_with(&format!("/memfd:{COPY} "))
}

/// What a copy is called in process lists.
const COPY: &str = "patchd";
