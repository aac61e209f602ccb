//! The operator's own programs at the turning points of a run. It starts them
//! and says what came of it; what that means for the run is the run's affair.

mod facts;

use std::path::{Path, PathBuf};

use crate::os::command::{CommandError, Opened};
use crate::os::trusted::{Reader, Untrusted};
use crate::policy::Hooks;

pub use facts::Facts;

/// Why a hook did not do its work.
#[derive(Debug, thiserror::Error)]
enum HookError {
    #[error("hook {} is not there; put it back, or take it out of [hooks]", path.display())]
    Missing { path: PathBuf },
    #[error("hook not run: {0}")]
    Untrusted(#[from] Untrusted),
    #[error("hook failed: {0}")]
    Command(#[from] CommandError),
    #[error("hook {} ended with exit status {status}; its words are in `patchd logs`", path.display())]
    Failed { path: PathBuf, status: i32 },
}

/// Runs the programs of one point in order, until one fails; then its sentence
/// is the answer. What they print goes to `output`.
pub async fn run(hooks: &Hooks, facts: &Facts<'_>, output: &Path) -> Option<String> {
    let variables = facts.variables();
    let programs = hooks.programs.get(&facts.point);
    for path in programs.into_iter().flatten().map(Path::new) {
        if let Err(fault) = one(hooks, path, &variables, output).await {
            return Some(format!("{}: {fault}", facts.point));
        }
    }
    None
}

async fn one(
    hooks: &Hooks,
    path: &Path,
    variables: &[(String, String)],
    output: &Path,
) -> Result<(), HookError> {
    let reader = Reader::this_process();
    let Some(program) = reader.program(Path::new("/"), path)? else {
        return Err(HookError::Missing {
            path: path.to_owned(),
        });
    };
    let opened = Opened {
        program: &program,
        path,
        facts: variables,
        output,
        timeout: hooks.timeout,
    };
    match opened.run().await? {
        0 => Ok(()),
        status => Err(HookError::Failed {
            path: path.to_owned(),
            status,
        }),
    }
}
