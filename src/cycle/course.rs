//! What a run carries along from state to state.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::event::Repaired;
use crate::model::{Action, Change, Class, Finding, Installed, Outcome, PackageName};

/// A package that failed in this run; the rest goes on without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Which package.
    pub package: PackageName,
    /// What it did.
    pub reason: String,
}

/// What a run is for, and until when; given when it is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// What it is for.
    pub action: Action,
    /// When its window closes: no transaction begins that would not end before.
    pub closes: Option<Timestamp>,
}

/// Everything learnt so far in a run that its end depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// What it is for, and until when.
    #[serde(default)]
    pub mandate: Mandate,
    /// How long the plan at hand is likely to take, reserves included.
    #[serde(default)]
    pub needs: SignedDuration,
    /// What does not fit into the window any more and waits for the next one, a
    /// sentence each.
    #[serde(default)]
    pub postponed: Vec<String>,
    /// How often a phase was lost with its worker.
    pub lost: u32,
    /// How often a plan had gone stale.
    pub stale: u32,
    /// How often something was set aside.
    pub rounds: u32,
    /// What is installed so far.
    pub changed: Vec<Change>,
    /// Packages that failed.
    pub set_aside: Vec<SetAside>,
    /// What was mended in the package database.
    #[serde(default)]
    pub mended: Vec<String>,
    /// What policy wants and cannot have now, a sentence each.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// Whether old kernels were asked to make room on /boot.
    #[serde(default)]
    pub room_made: bool,
    /// Whether verify has looked: only then are findings and reboot reasons known.
    #[serde(default)]
    pub verified: bool,
    /// Packages that could not be brought into a sound state.
    pub broken: Vec<String>,
    /// Configuration files that kept their old version.
    pub kept_conffiles: Vec<String>,
    /// Repositories that could not be relied on, and other gaps; a sentence each.
    pub gaps: Vec<String>,
    /// What verify found.
    pub findings: Vec<Finding>,
    /// Why a reboot is owed.
    pub reboot_reasons: Vec<String>,
}

impl Course {
    /// How a run that came to its regular end has ended: the gravest first.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let breaks = self
            .findings
            .iter()
            .any(|finding| finding.class == Class::Breaks);
        if breaks || !self.broken.is_empty() {
            Outcome::NeedsHuman
        } else if self.changed.is_empty() && !self.postponed.is_empty() {
            Outcome::Deferred
        } else if !(self.findings.is_empty()
            && self.postponed.is_empty()
            && self.set_aside.is_empty()
            && self.gaps.is_empty()
            && self.left_out.is_empty())
        {
            Outcome::Partial
        } else if self.reboot_reasons.is_empty() {
            Outcome::Succeeded
        } else {
            Outcome::RebootOwed
        }
    }

    /// Why a transaction that begins now would not end inside the window, if so.
    pub(super) fn too_late(&self, now: Timestamp) -> Option<String> {
        let closes = self.mandate.closes?;
        let ends = now.saturating_add(self.needs).unwrap_or(Timestamp::MAX);
        let minutes = self.needs.as_mins() + 1;
        (ends > closes).then(|| {
            format!(
                "the window closes at {closes:.0} and installing may take {minutes} minutes; it is left for the next window"
            )
        })
    }

    /// How a run that should only look has ended, beginning with what it saw.
    pub(super) fn looked(&self, sentence: &str) -> (Outcome, String) {
        let doubts: Vec<&String> = self.left_out.iter().chain(&self.gaps).collect();
        let outcome = if doubts.is_empty() {
            Outcome::Succeeded
        } else {
            Outcome::Partial
        };
        let doubts = doubts.into_iter().map(String::as_str);
        let parts: Vec<&str> = std::iter::once(sentence).chain(doubts).collect();
        (outcome, parts.join("; "))
    }

    /// One sentence that tells the whole run.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts = vec![match self.changed.len() {
            0 => "nothing was installed".to_owned(),
            1 => "1 package changed".to_owned(),
            n => format!("{n} packages changed"),
        }];
        let names = |set_aside: &SetAside| {
            format!("{} was set aside ({})", set_aside.package, set_aside.reason)
        };
        parts.extend(self.set_aside.iter().map(names));
        parts.extend(
            self.broken
                .iter()
                .map(|broken| format!("{broken}, and needs a person")),
        );
        parts.extend(self.postponed.iter().cloned());
        parts.extend(self.left_out.iter().cloned());
        parts.extend(self.gaps.iter().cloned());
        // A broken package was told above, with what to do.
        let told = |it: &&Finding| it.check == "database" && !self.broken.is_empty();
        parts.extend(
            self.findings
                .iter()
                .filter(|it| !told(it))
                .map(|it| it.detail.clone()),
        );
        if !self.mended.is_empty() {
            parts.push(format!(
                "the package database was mended: {}",
                self.mended.join(", ")
            ));
        }
        if !self.kept_conffiles.is_empty() {
            parts.push(format!(
                "kept the old version of {}",
                self.kept_conffiles.join(", ")
            ));
        }
        if !self.reboot_reasons.is_empty() {
            parts.push(format!(
                "a reboot is owed: {}",
                self.reboot_reasons.join(", ")
            ));
        }
        parts.join("; ")
    }

    /// Adds what a repair did and left.
    pub(super) fn learn_repair(&mut self, repaired: Repaired) {
        self.mended.extend(repaired.steps);
        self.broken = repaired.broken;
        self.learn(repaired.installed);
    }

    /// Adds what a transaction did; a package that changed twice keeps its first `from`.
    pub(super) fn learn(&mut self, installed: Installed) {
        for change in installed.changed {
            match self.changed.iter_mut().find(|known| known.id == change.id) {
                Some(known) => known.to = change.to,
                None => self.changed.push(change),
            }
        }
        for file in installed.kept_conffiles {
            if !self.kept_conffiles.contains(&file) {
                self.kept_conffiles.push(file);
            }
        }
    }
}
