//! One notification, ready to be carried.

use crate::model::Notification;

/// What a receiver gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The machine that it comes from.
    pub host: &'a str,
    /// What is told.
    pub notification: &'a Notification,
    /// The same as a JSON document, byte for byte as it goes out.
    pub document: &'a str,
}

/// Vulnerabilities that are named one by one; the document has all of them.
const NAMED: usize = 100;

impl Message<'_> {
    /// The facts by name, for programs and for people. A fact that is not known
    /// is not there.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let told = self.notification;
        let mut facts = vec![
            ("kind", told.kind.to_string()),
            ("subject", told.subject.clone()),
            ("sentence", told.sentence.clone()),
            ("host", self.host.to_owned()),
            ("at", format!("{:.0}", told.at)),
        ];
        facts.extend(told.run.map(|run| ("run", run.to_string())));
        let package = told.package.as_ref();
        facts.extend(package.map(|package| ("package", package.to_string())));
        if !told.cves.is_empty() {
            let named = told.cves.iter().take(NAMED).map(ToString::to_string);
            facts.push(("cves", named.collect::<Vec<_>>().join(" ")));
        }
        let evidence = told.evidence.as_ref();
        facts.extend(evidence.map(|anchor| ("evidence", anchor.to_string())));
        facts
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{NotificationKind, RunId};

    /// Something to tell.
    pub(in crate::notify) fn failed(sentence: &str) -> Notification {
        let kind = NotificationKind::Failed;
        let at = Timestamp::from_second(1_800_000_000).expect("in range");
        Notification {
            run: Some(RunId::new(1, 1)),
            ..Notification::new(kind, "01", at, sentence)
        }
    }

    #[test]
    fn what_is_not_known_is_not_there() {
        let notification = failed("it failed");
        let message = Message {
            host: "web1",
            notification: &notification,
            document: "{}",
        };
        let names: Vec<&str> = message.facts().iter().map(|(name, _)| *name).collect();
        let expected = ["kind", "subject", "sentence", "host", "at", "run"];
        assert_eq!(names, expected);
    }
}
