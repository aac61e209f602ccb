//! What is live, as opposed to what is installed: for now the kernel, and the
//! few packages that only a reboot puts to use. Reads; decides nothing.

mod kernel;
mod reboot;

pub use kernel::{Kernel, kernel};
pub use reboot::reboot_reasons;
