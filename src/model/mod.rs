//! The vocabulary that every other component speaks: packages, versions,
//! updates, plans, runs, orders. Plain data with its own invariants; it imports
//! nothing of ours, does no I/O and knows no clock.

mod advisory;
mod boot;
mod conduct;
mod cve;
mod evidence;
mod exception;
mod host;
mod inventory;
mod notification;
mod order;
mod outcome;
mod package;
mod pending;
mod plan;
mod quarantine;
mod refusal;
mod rehearsal;
mod remedy;
mod report;
mod repository;
mod restart;
mod restore;
mod run;
mod skip;
mod verification;
mod version;
mod vulnerability;

pub use advisory::{
    Advised, Advisory, Exploitation, Exploited, FixPlan, Severity, Ssvc, Status, Threat, Word,
};
pub use boot::BootPart;
pub use conduct::{Conduct, Reboot, Restore};
pub use cve::{CveId, InvalidCveId};
pub use evidence::{Anchor, InvalidAnchor};
pub use exception::Exception;
pub use host::{BootId, Distribution, Host, MachineId};
pub use inventory::{InstalledPackage, KernelPart, Provenance, RunningKernel};
pub use notification::{Notification, NotificationKind, Queued};
pub use order::{Errand, HookPoint, Order, PROTOCOL, Phase, Task, WorkerEvent};
pub use outcome::{ExitCode, InvalidExitCode, Outcome};
pub use package::{Architecture, InvalidName, PackageId, PackageName};
pub use pending::{Block, Offer, Origin, Pending, PendingUpdate};
pub use plan::{Change, Decided, Decision, Digest, Plan};
pub use quarantine::{KeptAway, Quarantining, Suspicion};
pub use refusal::Refusal;
pub use rehearsal::{
    Bounds, DiskUse, FileChange, FileChanges, FileFate, Layer, Rehearsal, ServiceChange,
    ServiceFate, Verdict,
};
pub use remedy::Remedy;
pub use report::{ApplyFailure, Handover, Installed, OwnOutcome, OwnUpgrade, Report};
pub use repository::{Repository, RepositoryState};
pub use restart::{LiveLook, OldCode, Owner, Restarted, StaleUnit};
pub use restore::{Extent, KeptPoint, RestorePoint, RolledBack};
pub use run::{Action, InvalidRunId, RunId};
pub use skip::SkipReason;
pub use verification::{Class, Finding};
pub use version::{InvalidVersion, Version};
pub use vulnerability::{CveVerdict, Fix, Life, SourceVersion, Tier};
