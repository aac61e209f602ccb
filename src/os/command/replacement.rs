//! Becoming another program.

use std::os::unix::process::CommandExt;
use std::path::Path;

/// Replaces this process by `program`, with everything it has: environment,
/// folder, descriptors. `variable` is set on top. Returns only when that fails.
#[must_use]
pub fn become_program(
    program: &Path,
    arguments: &[String],
    variable: (&str, &str),
) -> std::io::Error {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever called us is to see no difference, so the environment stays"
    )]
    let mut command = std::process::Command::new(program);
    command.args(arguments).env(variable.0, variable.1).exec()
}
