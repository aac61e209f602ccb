//! Why a rollback was not begun, and what a person does then.

use crate::model::{Refusal, RolledBack, RunId};
use crate::restore::RestoreError;

/// Why nothing was touched.
pub(super) enum DeadEnd {
    /// Something on this machine stands in the way.
    Blocked(String),
    /// It was rehearsed, and failed.
    Fails(String),
    /// The restore point cannot be used.
    Useless(RestoreError),
    /// Not now.
    Refused(Refusal),
}

impl From<RestoreError> for DeadEnd {
    fn from(cause: RestoreError) -> Self {
        Self::Useless(cause)
    }
}

impl DeadEnd {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Blocked(against) => against.clone(),
            Self::Fails(summary) => format!("it failed in rehearsal: {summary}"),
            Self::Useless(cause) => cause.to_string(),
            Self::Refused(refusal) => refusal.to_string(),
        }
    }

    /// Nothing was touched; what would have to be done first.
    pub(super) fn told(&self, run: RunId) -> RolledBack {
        let again = format!("then try `patchd rollback {run}` again");
        let (failure, next_steps) = match self {
            Self::Useless(cause) => (
                cause.to_string(),
                vec![format!(
                    "put right what is said there, {again}; or install the older versions by hand"
                )],
            ),
            Self::Fails(_) => (
                self.stuck(run),
                vec![
                    "look at what it said in rehearsal with `patchd logs`".to_owned(),
                    "put right what made it fail, or bring the older versions back by hand"
                        .to_owned(),
                    format!("{again}; with `rehearse = false` in the policies it is not rehearsed"),
                ],
            ),
            Self::Blocked(_) | Self::Refused(_) => (
                self.stuck(run),
                vec![
                    "remove, or bring back by hand, what stands in the way".to_owned(),
                    again,
                ],
            ),
        };
        RolledBack {
            failure: Some(failure),
            next_steps,
            ..RolledBack::default()
        }
    }

    fn stuck(&self, run: RunId) -> String {
        format!(
            "run {run} cannot be rolled back: {}; nothing was touched",
            self.words()
        )
    }
}
