//! What the daemon tells those who are not here: runs that ended badly, and what
//! lasts. A notification is in the ledger before it goes out, and is settled there
//! when it has arrived: a stop between the two sends it twice, never not at all.

use std::collections::BTreeSet;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};

use super::keeper::{Done, Keeper};
use crate::control::{ControlError, Replies};
use crate::daemon::driver::RunReport;
use crate::daemon::events::event;
use crate::daemon::evidence::Evidence;
use crate::daemon::hands::Hands;
use crate::daemon::notification as written;
use crate::model::{ExitCode, Host, Notification, NotificationKind, Queued};
use crate::notify::{self, Message, Receiver};
use crate::os::clock;
use crate::os::net::Door;
use crate::package_manager::PackageManager;
use crate::state::LedgerError;

/// Of one kind so many are told one by one; the rest is summed up.
const ONE_BY_ONE: usize = 20;

/// How often what lasts is looked at where no run ends.
const LOOK: SignedDuration = SignedDuration::from_hours(1);

/// How the post stands.
#[derive(Debug)]
pub(super) struct Post {
    /// The way out.
    pub door: Door,
    /// Receivers that are being told something.
    at_work: BTreeSet<String>,
    /// When to look at the queue; `None` while nothing waits.
    next: Option<Timestamp>,
    /// When what lasts was looked at.
    looked: Timestamp,
}

/// One attempt that has ended, with a sentence where it was in vain.
pub(super) struct Attempt {
    queued: Queued,
    ended: Result<(), String>,
}

impl Post {
    /// Whatever waited when the last daemon stopped is looked at first.
    pub fn begin(door: Door) -> Self {
        Self {
            door,
            at_work: BTreeSet::new(),
            next: Some(Timestamp::MIN),
            looked: Timestamp::MIN,
        }
    }
}

impl<P: PackageManager + 'static, H: Hands + Clone + 'static> Keeper<P, H> {
    /// Tells everybody who wants to hear of it, unless he was told before.
    pub fn tell(&mut self, notification: &Notification) {
        self.queue(notification);
        self.deliver();
    }

    /// Tells what lasts of a kind: all of it, each time. What is not among it any
    /// more has ended, and is told again when it begins again.
    pub fn tell_lasting(&mut self, kind: NotificationKind, lasting: &[Notification]) {
        let subjects: Vec<&str> = lasting.iter().map(|it| it.subject.as_str()).collect();
        let ended = self.ledger.end_notifications(kind, &subjects);
        unless_unwritten(ended);
        let (first, rest) = lasting.split_at(lasting.len().min(ONE_BY_ONE));
        for notification in first {
            self.queue(notification);
        }
        if !rest.is_empty() {
            let sentence = format!(
                "{} more of the kind {kind}; `patchd check` lists all",
                rest.len()
            );
            self.queue(&Notification::new(kind, "more", clock::now(), sentence));
        }
        self.deliver();
    }

    /// A run has ended: tells how, where that needs somebody.
    pub fn tell_run(&mut self, report: &RunReport) {
        if let Some(notification) = written::of_run(report, clock::now()) {
            self.tell(&notification);
        }
    }

    /// Tells what the configuration has for faults, if it has any.
    pub fn tell_configuration(&mut self) {
        let faults = self.standing.faults.as_deref();
        let lasting = faults.map(|faults| written::of_faults(faults, clock::now()));
        self.tell_lasting(NotificationKind::ConfigInvalid, lasting.as_slice());
    }

    /// Looks at what lasts when it was not looked at for a while.
    pub fn look_at_what_lasts(&mut self) {
        let now = clock::now();
        if self.post.looked > now || now.duration_since(self.post.looked) >= LOOK {
            self.tell_reboot();
        }
    }

    /// Tells since when a reboot is owed, and whether that is too long.
    pub fn tell_reboot(&mut self) {
        let now = clock::now();
        self.post.looked = now;
        let since = match self.ledger.reboot_owed_since() {
            Ok(since) => since,
            Err(fault) => return unless_unwritten(Err(fault)),
        };
        let policies = self.parts.settings.policies.values();
        let deadline = policies.map(|it| it.conduct.reboot_deadline).min();
        let owed = since.map(|since| written::of_reboot(since, now));
        let overdue = since
            .zip(deadline)
            .and_then(|(since, deadline)| written::of_overdue_reboot(since, deadline, now));
        self.tell_lasting(NotificationKind::RebootOwed, owed.as_slice());
        self.tell_lasting(NotificationKind::Overdue, overdue.as_slice());
    }

    /// Tries what is due, one notification for each receiver at a time.
    pub fn deliver(&mut self) {
        let now = clock::now();
        if self.post.next.is_none_or(|next| next > now) {
            return;
        }
        let queue = match self.ledger.queued() {
            Ok(queue) => queue,
            Err(fault) => return unless_unwritten(Err(fault)),
        };
        let due = notify::due(&queue, now);
        for queued in due.given_up {
            given_up(
                &queued.to,
                queued.notification.kind,
                "it did not arrive in all that time",
            );
            let settled = self.ledger.settle_notification(queued.sequence);
            unless_unwritten(settled);
        }
        for queued in due.send {
            self.send(queued);
        }
        self.post.next = due.next;
    }

    fn send(&mut self, queued: &Queued) {
        let receivers = &self.parts.settings.notify.receivers;
        let Some(receiver) = receivers.get(&queued.to).cloned() else {
            return;
        };
        if !self.post.at_work.insert(queued.to.clone()) {
            return;
        }
        let (door, host) = (self.post.door.clone(), self.parts.host.clone());
        let queued = queued.clone();
        self.tasks.spawn_local(async move {
            let ended = once(&receiver, &queued.notification, &host, &door).await;
            Done::Told(Box::new(Attempt { queued, ended }))
        });
    }

    /// An attempt has ended: writes down how, and goes on with the next.
    pub fn note_attempt(&mut self, attempt: Attempt) {
        let Attempt { queued, ended } = attempt;
        let (to, kind) = (&queued.to, queued.notification.kind);
        self.post.at_work.remove(to);
        self.post.next = Some(Timestamp::MIN);
        let kept = match &ended {
            Ok(()) => {
                event!(
                    NOTIFIED,
                    PATCHD_RECEIVER = to.as_str(),
                    PATCHD_KIND = kind.as_str(),
                    "{to} was told: {}",
                    queued.notification.sentence
                );
                self.ledger.settle_notification(queued.sequence)
            }
            Err(sentence) => {
                if queued.attempts == 0 {
                    event!(
                        NOTIFICATION_PUT_OFF,
                        PATCHD_RECEIVER = to.as_str(),
                        PATCHD_KIND = kind.as_str(),
                        "{to} could not be told of {kind}, and is tried again for two days: {sentence}"
                    );
                }
                self.ledger
                    .put_off_notification(queued.sequence, clock::now())
            }
        };
        unless_unwritten(kept);
        self.deliver();
    }

    /// Tells one receiver at once that this is a test; it is not queued.
    pub fn test_notification(&mut self, name: &str, by: &str, replies: Replies) {
        let receivers = &self.parts.settings.notify.receivers;
        let Some(receiver) = receivers.get(name).cloned() else {
            let known: Vec<&str> = receivers.keys().map(String::as_str).collect();
            let sentence = match known.as_slice() {
                [] => "nobody is told anything: the configuration has no [notify.NAME]".to_owned(),
                known => format!("there is no [notify.{name}]; there is {}", known.join(", ")),
            };
            return replies.refuse(ControlError::failed(sentence, ExitCode::Usage));
        };
        let now = clock::now();
        let sentence = format!("this is a test by {by}; nothing is to be done");
        let test = Notification::new(NotificationKind::Test, now.to_string(), now, sentence);
        let (door, host, name) = (
            self.post.door.clone(),
            self.parts.host.clone(),
            name.to_owned(),
        );
        self.tasks.spawn_local(async move {
            match once(&receiver, &test, &host, &door).await {
                Ok(()) => replies.done(),
                Err(sentence) => {
                    let sentence = format!("{name} could not be told: {sentence}");
                    replies.refuse(ControlError::failed(sentence, ExitCode::Failed));
                }
            }
            Done::Answered
        });
    }

    /// What waits for receivers that are no more is forgotten.
    pub fn forget_other_receivers(&mut self) {
        let parts = Rc::clone(&self.parts);
        let receivers = parts.settings.notify.receivers.keys();
        let names: Vec<&str> = receivers.map(String::as_str).collect();
        let kept = self.ledger.keep_receivers(&names);
        unless_unwritten(kept);
    }

    fn queue(&mut self, notification: &Notification) {
        let parts = Rc::clone(&self.parts);
        let kind = notification.kind;
        let interested: Vec<&str> = parts.settings.notify.interested(kind).collect();
        if interested.is_empty() {
            return;
        }
        let notification = Notification {
            evidence: self.evidence.as_ref().and_then(Evidence::head).cloned(),
            ..notification.clone()
        };
        match self.ledger.queue(&interested, &notification, clock::now()) {
            Ok(full) => {
                for receiver in full {
                    given_up(
                        &receiver,
                        kind,
                        "too much waits for it, and the oldest goes",
                    );
                }
            }
            Err(fault) => unless_unwritten(Err(fault)),
        }
        self.post.next = Some(Timestamp::MIN);
    }
}

fn unless_unwritten(written: Result<(), LedgerError>) {
    if let Err(fault) = written {
        event!(
            LEDGER_UNWRITTEN,
            "what is to be told cannot be kept: {fault}"
        );
    }
}

fn given_up(receiver: &str, kind: NotificationKind, why: &str) {
    event!(
        NOTIFICATION_GIVEN_UP,
        PATCHD_RECEIVER = receiver,
        PATCHD_KIND = kind.as_str(),
        "a notification for {receiver} was given up: {why}"
    );
}

/// One attempt, in time.
async fn once(
    receiver: &Receiver,
    notification: &Notification,
    host: &Host,
    door: &Door,
) -> Result<(), String> {
    let document = serde_json::to_string(&written::document(notification, host));
    let message = Message {
        host: &host.name,
        notification,
        document: &document.map_err(|cause| cause.to_string())?,
    };
    let delivered = notify::deliver(receiver, &message, door, clock::now()).await;
    delivered.map_err(|fault| fault.to_string())
}
