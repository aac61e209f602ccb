//! The exact transaction, tried on a throw-away view of this machine.
//!
//! Outside: where there is `room`, what lies on the `stage`, what was
//! `said`, and what it proves (`judge`); `bisect` finds a culprit that
//! nobody names. Inside the jail: stand-ins for what acts on a running machine,
//! and checks of configurations. The jail itself is `os::jail`; the transaction
//! is the package manager's own, and whoever composes both starts it.

mod room;
mod stage;

mod checks;
mod evidence;
mod note;
mod services;
mod stand_in;
mod systemctl;

mod said;

mod bisect;
mod boot_loader;
mod judge;
mod old_code;

pub use bisect::{Found, Search};
pub use boot_loader::{left_to_do as left_to_boot_loader, warnings as boot_loader_warnings};
pub use checks::{again, known_checks, passing};
pub use evidence::evidence;
pub use judge::{Ending, Judgement, judge};
pub use note::{Note, read as read_notes};
pub use old_code::units_running;
pub use room::{Room, Spare, choose, predicted};
pub use said::{Applied, Heard, LINE, PIECE, Said, Show};
pub use services::{fates, not_rehearsed};
pub use stage::{Check, Script, Stage, is_ours, laid, lay_stand_ins};
pub use stand_in::stand_in;
