//! Who watches the run at work, and what a latecomer has to know of it.

use std::cell::RefCell;
use std::rc::Rc;

use crate::control::{ControlError, Replies, document};
use crate::daemon::answer;
use crate::daemon::notice::Notice;
use crate::model::RunId;
use crate::os::service;

/// Shared by the run, which posts, and the keeper, which lets people in.
#[derive(Debug, Clone, Default)]
pub(super) struct Audience(Rc<RefCell<Hall>>);

#[derive(Debug, Default)]
struct Hall {
    watchers: Vec<Replies>,
    opened: Option<document::Notice>,
    stage: Option<document::Notice>,
    run: Option<RunId>,
}

impl Audience {
    /// Which run it is, once it has an id.
    pub fn run(&self) -> Option<RunId> {
        self.0.borrow().run
    }

    /// Lets somebody in, and tells where the run is.
    pub fn admit(&self, mut replies: Replies) {
        let mut hall = self.0.borrow_mut();
        let known = [&hall.opened, &hall.stage];
        let follows = known.into_iter().flatten().all(|it| replies.notice(it));
        if follows {
            hall.watchers.push(replies);
        }
    }

    /// Tells everybody. Whoever has gone or does not listen is let go.
    pub fn post(&self, notice: &Notice) {
        let mut hall = self.0.borrow_mut();
        match notice {
            Notice::Opened { run, .. } => {
                (hall.run, hall.opened) = (Some(*run), Some(answer::notice(notice)));
                hall.stage = None;
            }
            Notice::Stage(stage) => {
                if let Some(run) = hall.run {
                    service::status(&format!("run {run} is {stage}"));
                }
                hall.stage = Some(answer::notice(notice));
            }
            _ => {}
        }
        let told = answer::notice(notice);
        hall.watchers.retain_mut(|replies| replies.notice(&told));
    }

    /// The last word for everybody.
    pub fn dismiss(&self, end: &Result<serde_json::Value, ControlError>) {
        for replies in self.0.borrow_mut().watchers.drain(..) {
            match end {
                Ok(document) => replies.document(document),
                Err(error) => replies.refuse(error.clone()),
            }
        }
    }
}
