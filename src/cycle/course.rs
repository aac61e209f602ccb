//! What a run carries along from state to state.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::event::Repaired;
use super::mandate::Mandate;
use crate::model::{
    Action, Change, Class, Extent, Finding, HookPoint, Installed, Outcome, PackageName,
    Quarantining, Reboot, Rehearsal, Restarted, RolledBack, Suspicion, Verdict,
};

/// A package that failed in this run; the rest goes on without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Which package.
    pub package: PackageName,
    /// What it did.
    pub reason: String,
    /// The change that did harm; absent where it only could not be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm: Option<Change>,
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
    /// How the last plan did in rehearsal.
    #[serde(default)]
    pub rehearsal: Option<Box<Rehearsal>>,
    /// What runs old code, and what was restarted.
    #[serde(default)]
    pub restarted: Restarted,
    /// Whether the machine was rebooted in this run.
    #[serde(default)]
    pub rebooted: bool,
    /// Why there was no reboot although one is owed.
    #[serde(default)]
    pub put_off: Option<String>,
    /// What came of taking it back.
    #[serde(default)]
    pub rolled_back: Option<Box<RolledBack>>,
    /// What verify found that made the run take itself back.
    #[serde(default)]
    pub broke: Vec<Finding>,
    /// The versions that are kept away because of this run, a sentence each;
    /// absent until the worker was asked.
    #[serde(default)]
    pub kept_away: Option<Vec<String>>,
    /// The points at which the operator's programs were run.
    #[serde(default)]
    pub hooked: Vec<HookPoint>,
}

impl Course {
    /// How a run that came to its regular end has ended: the gravest first.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let breaks = self.findings.iter().any(is_break);
        let not_taken_back = self
            .rolled_back
            .as_ref()
            .is_some_and(|back| back.failure.is_some() || !back.left.is_empty());
        if breaks || !self.broken.is_empty() || not_taken_back {
            Outcome::NeedsHuman
        } else if !self.broke.is_empty() && (self.changed.is_empty() || self.went_back()) {
            Outcome::RolledBack
        } else if self.changed.is_empty() && !self.postponed.is_empty() {
            Outcome::Deferred
        } else if !(self.findings.is_empty()
            && self.postponed.is_empty()
            && self.set_aside.is_empty()
            && self.gaps.is_empty()
            && self.left_out.is_empty()
            && self.broke.is_empty()
            && self.restarted.failed.is_empty())
        {
            Outcome::Partial
        } else if self.reboot_reasons.is_empty() && self.restarted.stale.is_empty() {
            Outcome::Succeeded
        } else {
            Outcome::RebootOwed
        }
    }

    /// How a run that only rehearses has ended.
    pub(super) fn rehearsed(&self) -> Outcome {
        let verdict = self.rehearsal.as_ref().map(|rehearsal| rehearsal.verdict);
        let doubts = !(self.set_aside.is_empty()
            && self.gaps.is_empty()
            && self.left_out.is_empty()
            && self.postponed.is_empty());
        match verdict {
            Some(Verdict::Confirmed) => Outcome::Failed,
            Some(Verdict::Unproven) => Outcome::NeedsHuman,
            Some(Verdict::Passed) | None if doubts => Outcome::Partial,
            Some(Verdict::Passed) | None => Outcome::Succeeded,
        }
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

    /// Whether the machine is to be rebooted now that everything is installed.
    pub(super) fn wants_reboot(&self) -> bool {
        match self.mandate.conduct.reboot {
            Reboot::Never => false,
            Reboot::WhenNeeded => !self.reboot_reasons.is_empty(),
            Reboot::Always => !(self.reboot_reasons.is_empty() && self.changed.is_empty()),
        }
    }

    /// Whether all of the run was taken back that can be: an old kernel that made
    /// room stays away.
    fn went_back(&self) -> bool {
        let back = self.rolled_back.as_ref();
        back.is_some_and(|it| it.extent == Extent::Whole)
            && self.changed.iter().all(|change| change.to.is_none())
    }

    /// Whether what was found is reason to take the run back, and it can be.
    pub(super) fn takes_back(&self, findings: &[Finding]) -> bool {
        self.mandate.action == Action::Patch
            && self.mandate.conduct.roll_back
            && self.may_take_back()
            && !self.changed.is_empty()
            && own_breaks(findings).next().is_some()
    }

    /// Once as a whole, and before that once in part.
    fn may_take_back(&self) -> bool {
        let back = self.rolled_back.as_ref();
        let went = |it: &RolledBack| it.failure.is_none() && it.left.is_empty();
        back.is_none_or(|it| it.extent == Extent::Unsound && went(it))
    }

    /// How much is to be taken back. Where nothing is wrong but packages that could
    /// not be installed, the others stay.
    pub(super) fn extent(&self) -> Extent {
        if self.rolled_back.is_none() && self.is_only_unsound() {
            Extent::Unsound
        } else {
            Extent::Whole
        }
    }

    fn is_only_unsound(&self) -> bool {
        !self.broke.is_empty() && self.broke.iter().all(|it| it.check == "database")
    }

    /// The versions to keep away after this run.
    pub(super) fn suspicions(&self) -> Quarantining {
        let harmful = self.set_aside.iter().filter_map(|aside| {
            let harm = aside.harm.clone()?;
            Some(Suspicion {
                changes: vec![harm],
                known: true,
                reason: aside.reason.clone(),
                evidence: Vec::new(),
            })
        });
        let mut add: Vec<Suspicion> = harmful.collect();
        // What would not be installed is the culprit; what went back with it is none.
        let known = self.is_only_unsound() && !add.is_empty();
        let back = self.rolled_back.as_ref();
        let changes = back.map(|it| it.restored.iter().map(Change::reversed));
        // What was brought in and is older than what is back did no harm: a rollback
        // was taken back.
        let is_newer = |change: &Change| change.from < change.to;
        let changes: Vec<Change> = changes.into_iter().flatten().filter(is_newer).collect();
        if !changes.is_empty() && !known {
            let evidence: Vec<String> = self.broke.iter().map(|it| it.detail.clone()).collect();
            let reason = match (evidence.first(), self.mandate.of) {
                (Some(first), _) => format!("it was rolled back: {first}"),
                (None, Some(of)) => format!("run {of} was rolled back by hand"),
                (None, None) => "it was rolled back".to_owned(),
            };
            add.push(Suspicion {
                known: changes.len() == 1,
                changes,
                reason,
                evidence,
            });
        }
        Quarantining {
            add,
            ..Quarantining::default()
        }
    }

    /// Adds what a repair did and left.
    pub(super) fn learn_repair(&mut self, repaired: Repaired) {
        self.mended.extend(repaired.steps);
        self.broken = repaired.broken;
        self.learn(repaired.installed);
    }

    /// Adds what a transaction did; a package that changed twice keeps its first
    /// `from`, and one that is as it was before is none that changed.
    pub(super) fn learn(&mut self, installed: Installed) {
        for change in installed.changed {
            match self.changed.iter_mut().find(|known| known.id == change.id) {
                Some(known) => known.to = change.to,
                None => self.changed.push(change),
            }
        }
        self.changed.retain(|change| change.from != change.to);
        for file in installed.kept_conffiles {
            if !self.kept_conffiles.contains(&file) {
                self.kept_conffiles.push(file);
            }
        }
    }

    /// Adds what a rollback did. One by hand puts back what another run installed.
    pub(super) fn learn_rollback(&mut self, mut back: RolledBack) {
        self.learn(Installed {
            changed: back.restored.clone(),
            kept_conffiles: Vec::new(),
        });
        if back.failure.is_none() {
            self.broken.clear();
        }
        if let Some(before) = self.rolled_back.take() {
            back.restored.splice(..0, before.restored);
        }
        self.rolled_back = Some(Box::new(back));
    }
}

/// What this run broke, and no earlier one.
pub(super) fn own_breaks(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    let own = |finding: &&Finding| is_break(finding) && finding.since.is_none();
    findings.iter().filter(own)
}

fn is_break(finding: &Finding) -> bool {
    finding.class == Class::Breaks
}
