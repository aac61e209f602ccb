//! What is told while a way back is gone.

use crate::os::process::Process;

/// A step of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// dpkg was started.
    Started(Process),
    /// dpkg is still at work; told several times a second.
    AtWork {
        /// Its process id.
        pid: u32,
    },
    /// How far it is.
    Doing {
        /// 0 to 100.
        percent: u8,
        /// What is being done.
        what: &'static str,
    },
}

/// Who is told. Must not block and must not fail.
pub type Watch<'a> = &'a mut dyn FnMut(Step);
