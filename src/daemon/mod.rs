//! The brain: puts the parts together and drives a run from event to event. It
//! touches nothing of the machine itself; the worker does, when ordered.

mod assemble;
mod driver;
mod hands;
mod notice;
mod parts;
mod survey;
mod translate;
mod triggers;

pub use driver::{Request, RunError, RunReport, run};
pub use hands::{ChildWorker, Hands, Lost};
pub use notice::{Notice, Notify};
pub use parts::{Parts, Paths};
pub use survey::{Survey, SurveyError, survey};
pub use triggers::{Pulse, TickerError, Triggers};
