//! Which updates, and why not the others. Pure: pending updates, rules and
//! clocks in, one decision with a reason for each out. Also what the operator
//! wants around a transaction, as data.

mod around;
mod clock;
mod closing;
mod condition;
mod decide;
mod pattern;
mod settings;
mod truth;

pub use around::{Hooks, RestartWhen, Restarts, Rollbacks};
pub use clock::{Seen, SeenVersions};
pub use condition::{ConditionTrace, RuleTrace, trace};
pub use decide::{Asked, Judge};
pub use pattern::{InvalidPattern, Pattern};
pub use settings::{Rule, Settings, Then, When};
pub use truth::Truth;
