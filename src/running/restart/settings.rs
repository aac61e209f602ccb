//! `[restart]` in the configuration.

use crate::policy::Pattern;

/// Whether services that run replaced code are restarted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// When.
    pub default: When,
    /// Units that are never restarted, beside the built-in ones.
    pub never: Vec<Pattern>,
}

/// When services are restarted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum When {
    /// In the run that replaced their code.
    #[default]
    Now,
    /// The same, but only in a window of a schedule.
    Window,
    /// By their owner alone.
    Never,
}
