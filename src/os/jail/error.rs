//! Why there is no jail, in words for whoever reads that nothing was rehearsed.

use serde::{Deserialize, Serialize};

/// What a jail says that could not be made, or got lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum JailError {
    /// The kernel makes no copy-on-write view of a file system that is needed.
    #[error("no copy-on-write view of {mount} can be made here: {reason}")]
    NoOverlay {
        /// Which file system.
        mount: String,
        /// What stands in the way.
        reason: String,
    },
    /// Neither of the two walls stands, so that what runs inside could get out.
    #[error(
        "this system allows neither user namespaces nor seccomp filters, so a rehearsal could change it: {reason}; set user.max_user_namespaces above 0"
    )]
    NoWalls {
        /// The system's words.
        reason: String,
    },
    /// Our own processes would load libraries of somebody's folder before they
    /// have given up a single right.
    #[error(
        "this build of patchd loads its libraries from the root folder that it is in, which would be somebody else's; one that is linked statically does not"
    )]
    Borrows,
    /// There is no place for what is written.
    #[error("no room for a rehearsal: {reason}")]
    NoRoom {
        /// What is short.
        reason: String,
    },
    /// Namespaces and mounts are root's.
    #[error("a rehearsal needs root with all its capabilities: {reason}")]
    NotPermitted {
        /// What was refused.
        reason: String,
    },
    /// A step of making it failed.
    #[error("cannot {step} for a rehearsal: {reason}")]
    Step {
        /// What was to be done.
        step: String,
        /// The system's words.
        reason: String,
    },
    /// It was made, and then no report came out of it.
    #[error("the rehearsal was lost: {reason}; nothing of the machine was changed by it")]
    Lost {
        /// What is known of it.
        reason: String,
    },
}

impl JailError {
    /// When a process of ours is gone, or does not speak our language.
    pub(super) fn lost(reason: impl Into<String>) -> Self {
        Self::Lost {
            reason: reason.into(),
        }
    }
}

/// Any failure as ours.
pub(super) trait Trying<T> {
    /// A step of making a jail: `cannot STEP for a rehearsal`.
    fn trying(self, step: impl AsRef<str>) -> Result<T, JailError>;

    /// Something between processes of ours.
    fn or_lost(self) -> Result<T, JailError>;
}

impl<T, E: ToString> Trying<T> for Result<T, E> {
    fn trying(self, step: impl AsRef<str>) -> Result<T, JailError> {
        self.map_err(|cause| JailError::Step {
            step: step.as_ref().to_owned(),
            reason: cause.to_string(),
        })
    }

    fn or_lost(self) -> Result<T, JailError> {
        self.map_err(|cause| JailError::lost(cause.to_string()))
    }
}
