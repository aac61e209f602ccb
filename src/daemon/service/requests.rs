//! What people ask: questions go to `answer`, acts are done here.

use std::rc::Rc;

use jiff::Timestamp;

use super::keeper::{Done, Keeper};
use super::windows::Obstacle;
use crate::control::document::Feeds;
use crate::control::{Action, Asked, Call, ControlError, Peer, Question, Replies};
use crate::cycle::Mandate;
use crate::daemon::answer::{self, Answerer, View};
use crate::daemon::driver::Request;
use crate::daemon::events::event;
use crate::daemon::feeds::{self, Ways};
use crate::daemon::handover::hand_over;
use crate::daemon::hands::Hands;
use crate::daemon::parts::Parts;
use crate::daemon::quarantine::{Amendment, amend};
use crate::model::{self, ExitCode, PackageName, RunId, SkipReason};
use crate::os::clock;
use crate::package_manager::PackageManager;
use crate::policy::Asked as Packages;
use crate::schedule::{Calendar, Schedule};
use crate::state::Pause;

/// How long a run by hand may take where no schedule tells.
const WINDOW_BY_HAND: jiff::SignedDuration = jiff::SignedDuration::from_hours(2);

/// A run that somebody asks for.
pub(super) struct Wish {
    pub action: model::Action,
    pub schedule: Option<String>,
    pub policy: Option<String>,
    pub packages: Vec<PackageName>,
    pub now: bool,
    /// What is rolled back.
    pub of: Option<RunId>,
    pub by: String,
}

impl<P: PackageManager + 'static, H: Hands + Clone + 'static> Keeper<P, H> {
    /// Answers at once, or has it answered beside the loop.
    pub fn serve(&mut self, asked: Asked) {
        let Asked {
            call,
            peer,
            replies,
        } = asked;
        match call {
            Call::Ask(question) => self.answer(question, replies),
            Call::Follow { run } => self.follow(run, replies),
            Call::Act(action) => self.act(action, &peer, replies),
        }
    }

    /// Looks take a second of a processor and memory: one after the other.
    fn answer(&mut self, question: Question, replies: Replies) {
        let (parts, turn) = (Rc::clone(&self.parts), Rc::clone(&self.looks));
        let faults = self.standing.faults.clone();
        self.tasks.spawn_local(async move {
            let _turn = turn.acquire().await;
            let view = View {
                parts: &parts,
                answerer: Answerer::Daemon,
                config_fault: faults.as_deref(),
            };
            match answer::answer(&view, &question).await {
                Ok(document) => replies.document(&document),
                Err(error) => replies.refuse(error),
            }
            Done::Answered
        });
    }

    /// The worker does it beside the loop: it changes nothing that a run would
    /// have to know of.
    fn take_over(&mut self, undo: bool, replies: Replies) {
        let mut hands = self.hands.clone();
        self.tasks.spawn_local(async move {
            match hand_over(&mut hands, undo).await {
                Ok(document) => replies.document(&document),
                Err(error) => replies.refuse(error),
            }
            Done::Answered
        });
    }

    /// The feeds: beside the loop, for as long as it takes.
    fn update_feeds(&mut self, replies: Replies) {
        let parts = Rc::clone(&self.parts);
        self.tasks.spawn_local(async move {
            match renewed(&parts).await {
                Ok(document) => replies.document(&document),
                Err(error) => replies.refuse(error),
            }
            Done::Answered
        });
    }

    /// The quarantine: beside the loop as well, but not beside a run, which decides
    /// by it.
    fn amend(&mut self, amendment: Amendment, replies: Replies) {
        if let Some(at_work) = &self.at_work {
            let run = at_work.audience.run();
            return replies.refuse(ControlError::Busy { run });
        }
        let (parts, mut hands) = (Rc::clone(&self.parts), self.hands.clone());
        self.tasks.spawn_local(async move {
            match amend(&parts, &mut hands, amendment).await {
                Ok(()) => replies.done(),
                Err(error) => replies.refuse(error),
            }
            Done::Answered
        });
    }

    fn act(&mut self, action: Action, peer: &Peer, replies: Replies) {
        note(&action, peer);
        let done = match action {
            Action::Start {
                schedule,
                policy,
                packages,
                now,
                sudo_user,
            } => {
                let wish = Wish {
                    schedule,
                    policy,
                    packages,
                    now,
                    ..Wish::of(model::Action::Patch, peer, sudo_user)
                };
                return self.start(wish, replies);
            }
            Action::Rehearse {
                policy,
                packages,
                sudo_user,
            } => {
                let wish = Wish {
                    policy,
                    packages,
                    ..Wish::of(model::Action::Rehearse, peer, sudo_user)
                };
                return self.start(wish, replies);
            }
            Action::RollBack { run, sudo_user } => {
                let folder = &self.parts.paths.worker;
                let of = match answer::to_roll_back(folder, run) {
                    Ok(of) => Some(of),
                    Err(error) => return replies.refuse(error),
                };
                let by_hand = Wish::of(model::Action::RollBack, peer, sudo_user);
                return self.start(Wish { of, ..by_hand }, replies);
            }
            Action::Reload => return self.reload(Some(replies)),
            Action::UpdateFeeds => return self.update_feeds(replies),
            Action::Takeover { undo } => return self.take_over(undo, replies),
            Action::KeepAway {
                package,
                version,
                reason,
                sudo_user,
            } => {
                let amendment = Amendment::KeepAway {
                    package,
                    version,
                    reason,
                    by: whoever(peer, sudo_user),
                };
                return self.amend(amendment, replies);
            }
            Action::LetIn { package } => {
                return self.amend(Amendment::LetIn { package }, replies);
            }
            Action::TestNotification { receiver } => {
                return self.test_notification(&receiver, &peer.user(), replies);
            }
            Action::Cancel => self.cancel(),
            Action::Pause { reason } => self.pause(peer, reason),
            Action::Resume => self.resume(peer),
        };
        match done {
            Ok(()) => replies.done(),
            Err(error) => replies.refuse(error),
        }
    }

    fn follow(&self, run: Option<RunId>, replies: Replies) {
        match &self.at_work {
            Some(at_work) if run.is_none() || run == at_work.audience.run() => {
                at_work.audience.admit(replies);
            }
            _ => replies.refuse(ControlError::NoSuchRun { run }),
        }
    }

    fn start(&mut self, wish: Wish, replies: Replies) {
        if let Some(at_work) = &self.at_work {
            let run = at_work.audience.run();
            return replies.refuse(ControlError::Busy { run });
        }
        match self.request(wish) {
            Ok(request) => self.begin(Some(request)).admit(replies),
            Err(error) => replies.refuse(error),
        }
    }

    /// The run that is wished for, unless something stands against it.
    pub fn request(&self, wish: Wish) -> Result<Request, ControlError> {
        let (name, schedule) = self.schedule_of(&wish)?;
        let policy = wish
            .policy
            .or_else(|| schedule.map(|it| it.policy.clone()))
            .unwrap_or_else(|| "default".to_owned());
        if !self.parts.settings.policies.contains_key(&policy) {
            let known: Vec<&str> = self
                .parts
                .settings
                .policies
                .keys()
                .map(String::as_str)
                .collect();
            let sentence = format!(
                "there is no policy {policy:?}; there is {}",
                known.join(", ")
            );
            return Err(ControlError::failed(sentence, ExitCode::Usage));
        }
        let now = clock::now();
        let by_hand = Schedule {
            window: WINDOW_BY_HAND,
            ..Schedule::default()
        };
        let schedule = schedule.unwrap_or(&by_hand);
        let calendar = self.parts.calendar(&name, schedule);
        let freezes = &self.parts.settings.schedules.freezes;
        let frozen = calendar.frozen(freezes, now);
        let obstacle = self.obstacle(wish.action, frozen)?;
        if let Some(Obstacle { sentence, reason }) = obstacle {
            let code = match reason {
                SkipReason::ConfigInvalid => ExitCode::ConfigInvalid,
                _ => ExitCode::Deferred,
            };
            return Err(ControlError::failed(sentence, code));
        }
        let closes = if wish.now {
            now.saturating_add(schedule.window)
                .unwrap_or(Timestamp::MAX)
        } else {
            open_window(&name, &calendar, now)?
        };
        Ok(Request {
            origin: Request::BY_HAND.to_owned(),
            mandate: Mandate {
                action: wish.action,
                closes: Some(closes),
                of: wish.of,
                ..Mandate::default()
            },
            policy,
            asked: Packages(wish.packages),
            asked_by: wish.by,
        })
    }

    /// The schedule whose window and policy are meant: the one that is named,
    /// else the first that patches under the policy.
    fn schedule_of(&self, wish: &Wish) -> Result<(String, Option<&Schedule>), ControlError> {
        let schedules = self.schedules();
        if let Some(name) = &wish.schedule {
            let unknown = || {
                let known: Vec<&str> = schedules.keys().map(String::as_str).collect();
                let sentence = format!(
                    "there is no schedule {name:?}; there is {}",
                    known.join(", ")
                );
                ControlError::failed(sentence, ExitCode::Usage)
            };
            return schedules
                .get(name)
                .map(|it| (name.clone(), Some(it)))
                .ok_or_else(unknown);
        }
        let policy = wish.policy.as_deref().unwrap_or("default");
        let fits = |(_, it): &(&String, &Schedule)| {
            it.policy == policy && it.action == model::Action::Patch
        };
        Ok(match schedules.iter().find(fits) {
            Some((name, schedule)) => (name.clone(), Some(schedule)),
            None => (String::new(), None),
        })
    }

    fn cancel(&mut self) -> Result<(), ControlError> {
        let at_work = self
            .at_work
            .as_mut()
            .ok_or(ControlError::NoSuchRun { run: None })?;
        if let Some(cancel) = at_work.cancel.take() {
            let _ends_anyway = cancel.send(());
        }
        Ok(())
    }

    fn pause(&mut self, peer: &Peer, reason: Option<String>) -> Result<(), ControlError> {
        let pause = Pause {
            since: clock::now(),
            by: peer.user(),
            reason,
        };
        self.ledger.pause(&pause)?;
        let reason = pause.reason.as_deref().unwrap_or("no reason given");
        event!(
            PAUSED,
            "{} pauses patching: {reason}; `patchd resume` ends that",
            pause.by
        );
        self.show_status();
        Ok(())
    }

    fn resume(&mut self, peer: &Peer) -> Result<(), ControlError> {
        if self.ledger.resume()? {
            event!(PAUSE_ENDED, "{} lets patching go on", peer.user());
        }
        self.consider_all();
        Ok(())
    }
}

async fn renewed<P>(parts: &Parts<P>) -> Result<Feeds, ControlError> {
    let library = feeds::library(parts, Ways::OfDaemon)?;
    feeds::update(&library).await?;
    Ok(answer::feeds(&library))
}

/// The audit line.
fn note(action: &Action, peer: &Peer) {
    event!(
        CONTROL_CALL,
        PATCHD_METHOD = action.name(),
        PATCHD_UID = peer.uid,
        PATCHD_USER = peer.user(),
        PATCHD_PID = peer.pid,
        "{peer} asks for {}",
        action.name()
    );
}

impl Wish {
    /// At once, under the usual policy.
    fn of(action: model::Action, peer: &Peer, sudo_user: Option<String>) -> Self {
        Self {
            action,
            schedule: None,
            policy: None,
            packages: Vec::new(),
            now: true,
            of: None,
            by: whoever(peer, sudo_user),
        }
    }
}

/// Who asks: root may speak for whoever stands behind it.
fn whoever(peer: &Peer, sudo_user: Option<String>) -> String {
    sudo_user
        .filter(|_| peer.uid == 0)
        .unwrap_or_else(|| peer.user())
}

/// When the window that is open now closes; where none is, when one will be.
fn open_window(
    name: &str,
    calendar: &Calendar<'_>,
    now: Timestamp,
) -> Result<Timestamp, ControlError> {
    let open = calendar.open_at(now).filter(|_| !name.is_empty());
    open.map(|window| window.closes).ok_or_else(|| {
        let next = calendar.windows(now).next().filter(|_| !name.is_empty());
        let sentence = match next {
            Some(window) => format!(
                "no window is open; the next one of schedule {name} opens at {:.0} (`patchd run --now` does not wait for it)",
                window.opens
            ),
            None => "no schedule patches under this policy; `patchd run --now` needs none".to_owned(),
        };
        ControlError::failed(sentence, ExitCode::Deferred)
    })
}
