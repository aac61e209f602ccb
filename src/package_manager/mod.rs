//! What the machine's own package manager can be asked and told. The contract
//! speaks of no implementation; `detect` chooses one. Decides nothing: which
//! updates are wanted is policy's business.

pub mod apt;
mod contract;
mod detect;
#[cfg(test)]
pub(crate) mod fake;
mod fault;
mod settings;

pub use contract::{
    Activity, Applied, Fitness, Held, PackageManager, Script, Stock, Wanted, Watch,
};
pub use detect::detect;
pub use fault::Fault;
pub use settings::Settings;
