//! The brain: puts the parts together and drives a run from event to event. It
//! touches nothing of the machine itself; the worker does, when ordered.

pub mod answer;
mod assemble;
mod deeds;
mod driver;
pub mod events;
mod evidence;
mod feeds;
mod handover;
mod hands;
mod measure;
mod notice;
mod notification;
mod parts;
mod quarantine;
mod service;
mod survey;
mod translate;
mod triggers;
mod vulnerabilities;

pub use driver::{Request, RunError, RunReport, run};
pub use evidence::{Unproven, verify as verify_evidence};
pub use feeds::{Ways, library, update};
pub use handover::hand_over;
pub use hands::{ChildWorker, Hands, Lost, SocketWorker};
pub use measure::measure;
pub use notice::{Notice, Notify};
pub use parts::{Parts, Paths};
pub use quarantine::{Amendment, amend};
pub use service::main;
pub use survey::{Survey, SurveyError, survey};
pub use triggers::{Pulse, TickerError, Triggers};
