//! Tells those who are not here: by a signed webhook, a command, or mail. It says
//! when a queued notification is due and carries it to its receiver; what is worth
//! telling, and where the queue is kept, is not its affair.

mod settings;

mod due;

mod deliver;
mod message;
mod secret;

mod command;
mod mail;
mod webhook;

pub use deliver::{Carrier, NotifyError, deliver};
pub use due::{Due, due};
pub use message::Message;
pub use settings::{Receiver, Secret, Settings, Way};
