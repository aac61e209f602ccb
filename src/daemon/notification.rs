//! What a notification says, made of what happened: pure.

use jiff::{SignedDuration, Timestamp};

use super::driver::RunReport;
use crate::control::document;
use crate::model::{Host, Notification, NotificationKind, Outcome};

/// The document of a notification.
pub(super) fn document(notification: &Notification, host: &Host) -> document::Notification {
    let evidence = notification.evidence.as_ref();
    document::Notification {
        schema: "patchd/notification/1".to_owned(),
        kind: notification.kind.to_string(),
        subject: notification.subject.clone(),
        at: format!("{:.0}", notification.at),
        host: document::NotifyingHost {
            name: host.name.clone(),
            machine_id: host.machine_id.as_ref().map(|it| it.0.clone()),
        },
        sentence: notification.sentence.clone(),
        run: notification.run.map(|run| run.to_string()),
        package: notification.package.as_ref().map(ToString::to_string),
        cves: notification.cves.iter().map(ToString::to_string).collect(),
        evidence: evidence.map(|anchor| document::EvidenceAnchor {
            sequence: anchor.sequence,
            hash: anchor.hash.clone(),
        }),
    }
}

/// A run that needs somebody.
pub(super) fn of_run(report: &RunReport, now: Timestamp) -> Option<Notification> {
    let kind = match report.outcome {
        Outcome::Failed => NotificationKind::Failed,
        Outcome::RolledBack => NotificationKind::RolledBack,
        Outcome::NeedsHuman => NotificationKind::NeedsHuman,
        Outcome::Succeeded
        | Outcome::RebootOwed
        | Outcome::Partial
        | Outcome::Deferred
        | Outcome::Cloned => return None,
    };
    let (run, summary) = (report.run, &report.summary);
    let sentence = format!("{summary}; `patchd history {run}` tells the whole run");
    Some(Notification {
        run: Some(run),
        ..Notification::new(kind, run.to_string(), now, sentence)
    })
}

pub(super) fn of_faults(faults: &str, now: Timestamp) -> Notification {
    let first = faults.lines().next().unwrap_or_default();
    let sentence = format!(
        "the configuration has faults, and what was changed is not in force ({first}); `patchd config check` shows all"
    );
    Notification::new(NotificationKind::ConfigInvalid, first, now, sentence)
}

pub(super) fn of_reboot(since: Timestamp, now: Timestamp) -> Notification {
    let sentence = format!(
        "fixes wait for a reboot since {since:.0}; `patchd status` has the reasons, reboot when it suits"
    );
    Notification::new(
        NotificationKind::RebootOwed,
        since.to_string(),
        now,
        sentence,
    )
}

pub(super) fn of_overdue_reboot(
    since: Timestamp,
    deadline: SignedDuration,
    now: Timestamp,
) -> Option<Notification> {
    let days = deadline.as_hours() / 24;
    let sentence = format!(
        "a reboot is owed since {since:.0}, which is longer than the {days} days that the policy gives; reboot this machine"
    );
    let overdue = Notification::new(
        NotificationKind::Overdue,
        format!("reboot {since}"),
        now,
        sentence,
    );
    (now.duration_since(since) > deadline).then_some(overdue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn a_reboot_is_overdue_when_its_deadline_has_passed() {
        let day = SignedDuration::from_hours(24);
        let overdue = |second| of_overdue_reboot(at(0), day, at(second)).is_some();
        assert!(!overdue(24 * 3600));
        assert!(overdue(24 * 3600 + 1));
    }

    #[test]
    fn the_same_faults_are_the_same_subject() {
        let first = of_faults("error: a\n  1 | x", at(1));
        let again = of_faults("error: a\n  1 | y", at(2));
        assert_eq!(first.subject, again.subject);
        assert!(!first.sentence.contains('\n'));
    }
}
