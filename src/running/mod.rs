//! What is live, as opposed to what is installed: the kernel, who runs code that
//! was replaced on disk, why a reboot is owed; and the restart pass, which puts
//! new code to use. It knows no package manager and no run.

mod boot;
mod flag;
mod kernel;
mod live;
mod reboot;
mod restart;
mod stale;

pub use flag::raise_flag;
pub use kernel::{Kernel, kernel, running_kernel};
pub use live::{live_look, remember_look};
pub use reboot::{Owed, reboot_owed};
pub use restart::{Pass, Terms};
pub use stale::{Look, Stale, UnknownLine, look, replaced_code};
