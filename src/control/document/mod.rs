//! The stable shapes of `--json`, which are the answers of the daemon as well,
//! and of what it tells while a run lasts:
//! within `…/1` fields are added, never renamed, moved or removed. What is not
//! known is absent, never `null`, never guessed. `docs/schemas` holds their
//! JSON schemas, made from these types.

mod aftermath;
mod check;
mod doctor;
mod error;
mod explain;
mod feeds;
mod machine;
mod notice;
mod notification;
mod quarantine;
mod rehearse;
mod restore_points;
mod run;
mod schedule;
mod schema;
mod status;
mod takeover;
mod vulnerability;

pub use aftermath::{Aftermath, OldCode, RolledBack};
pub use check::{Check, Repository, Update};
pub use doctor::{Diagnosis, Doctor};
pub use error::ErrorDocument;
pub use explain::{Condition, ExplainedUpdate, Explanation, Installed, Offer, Rule};
pub use feeds::{Feed, FeedIndex, FeedState, Feeds};
pub use machine::{Distribution, Host, Kernel, Reboot, Running, StaleUnit};
pub use notice::{Notice, Told};
pub use notification::{EvidenceAnchor, Notification, NotifyingHost};
pub use quarantine::{Harm, Quarantine, Suspect};
pub use rehearse::{DiskUse, FileChange, FileChanges, Rehearsal, RehearseDocument, ServiceChange};
pub use restore_points::{RestorePoint, RestorePoints};
pub use run::{Decision, Finding, History, PackageChange, Phase, Run, RunDocument, SetAside, Skip};
pub use schedule::{Schedule, Schedules, Window};
pub use schema::schemas;
pub use status::{Kept, Next, Pause, Status};
pub use takeover::Takeover;
pub use vulnerability::{Cve, Unknown, Vulnerabilities, Vulnerable};
