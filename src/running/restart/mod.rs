//! The restart pass: whoever runs replaced code is restarted, as far as nothing
//! stands against it.

pub mod never;

mod judge;
mod pass;
mod settings;

pub use judge::Terms;
pub use pass::Pass;
pub use settings::{Settings, When};
