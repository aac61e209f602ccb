//! The operator's own programs at the turning points of a run. It starts them
//! and says what came of it; what that means for the run is the run's affair.

mod facts;
mod settings;

use std::path::{Path, PathBuf};

use crate::model::HookPoint;
use crate::os::command::{CommandError, Opened};
use crate::os::trusted::{Reader, Untrusted};

pub use facts::Facts;
pub use settings::Settings;

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
pub async fn run(settings: &Settings, facts: &Facts<'_>, output: &Path) -> Option<String> {
    let variables = facts.variables();
    for path in settings.programs(facts.point) {
        if let Err(fault) = one(settings, path, &variables, output).await {
            return Some(format!("{}: {fault}", facts.point));
        }
    }
    None
}

async fn one(
    settings: &Settings,
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
        timeout: settings.timeout,
    };
    match opened.run().await? {
        0 => Ok(()),
        status => Err(HookError::Failed {
            path: path.to_owned(),
            status,
        }),
    }
}
