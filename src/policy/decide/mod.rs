//! One decision with one reason for each pending update.

use jiff::Timestamp;

use super::clock::SeenVersions;
use super::condition::target;
use super::pattern::Pattern;
use super::settings::{Rule, Settings, Then};
use crate::model::{
    Block, Decided, Decision, KeptAway, Offer, PackageName, PendingUpdate, Version,
};

/// Packages that somebody asked for by name; it narrows the plan and overrides
/// soaking and not-selected, never a hold or a rejection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked(pub Vec<PackageName>);

/// A policy at work.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The policy's name in the configuration.
    pub name: &'a str,
    /// The policy.
    pub policy: &'a Settings,
    /// What somebody asked for; empty means everything.
    pub asked: &'a Asked,
    /// Packages that failed in this run already and are set aside, with the reason.
    pub set_aside: &'a [(PackageName, String)],
    /// Versions that did harm here, with the reason.
    pub kept_away: &'a [(KeptAway, String)],
    /// Now.
    pub now: Timestamp,
}

/// What a rule alone says, before anything stands in its way.
struct Ruling {
    decision: Decision,
    target: Version,
    reason: String,
    rule: Option<String>,
    due: Option<Timestamp>,
}

impl Judge<'_> {
    /// What happens to this update, and why.
    #[must_use]
    pub fn decide(&self, update: &PendingUpdate, seen: &SeenVersions) -> Decided {
        let mut decided = self.weigh(update, seen);
        let is_wanted = match decided.decision {
            Decision::Install | Decision::Soaking => true,
            // Where our own pins cannot be told from others'.
            Decision::Blocked => update.blocked == Some(Block::Pin),
            _ => false,
        };
        if is_wanted && let Some(reason) = self.why_kept_away(update, &decided.target) {
            if let Some(other) = self.without_kept_away(update) {
                let other = self.weigh(&other, seen);
                if other.decision == Decision::Install {
                    return other;
                }
            }
            decided.decision = Decision::Quarantined;
            decided.reason = format!("{} is in quarantine: {reason}", decided.target);
            decided.due = None;
        }
        decided
    }

    fn why_kept_away(&self, update: &PendingUpdate, version: &Version) -> Option<&str> {
        let mut kept = self.kept_away.iter();
        let (_, reason) =
            kept.find(|(it, _)| it.source == update.source && it.version == *version)?;
        Some(reason)
    }

    /// The update as if nobody offered what is kept away; `None` when that was all.
    fn without_kept_away(&self, update: &PendingUpdate) -> Option<PendingUpdate> {
        let mut update = update.clone();
        let mut offers = std::mem::take(&mut update.offers);
        offers.retain(|offer| self.why_kept_away(&update, &offer.version).is_none());
        update.candidate = offers.first()?.version.clone();
        update.offers = offers;
        // The solver has spoken of the candidate only.
        update.blocked = update.blocked.filter(Block::is_somebodys_will);
        Some(update)
    }

    /// As if nothing were kept away.
    fn weigh(&self, update: &PendingUpdate, seen: &SeenVersions) -> Decided {
        let mut ruling = self.rule(update, seen);
        self.apply_request(update, &mut ruling);
        if ruling.decision == Decision::Install
            && let Some(obstacle) = self.obstacle(update, &ruling.target)
        {
            ruling.decision = Decision::Blocked;
            ruling.reason = obstacle;
        }
        let Ruling {
            decision,
            target,
            reason,
            rule,
            due,
        } = ruling;
        Decided {
            id: update.id.clone(),
            decision,
            target,
            reason,
            rule,
            due,
        }
    }

    /// The first rule that holds decides.
    fn rule(&self, update: &PendingUpdate, seen: &SeenVersions) -> Ruling {
        let mut rules = self.policy.rules.iter().enumerate();
        let matched =
            rules.find_map(|(index, rule)| Some((index, rule, target(&rule.when, update)?)));
        let Some((index, rule, offer)) = matched else {
            return Ruling {
                decision: Decision::NotSelected,
                target: update.candidate.clone(),
                reason: format!("no rule of policy {} matches it", self.name),
                rule: None,
                due: None,
            };
        };
        let place = format!("policy {} rule {}", self.name, index + 1);
        let (decision, why, due) = self.follow(rule, update, offer, seen);
        let reason = match &rule.reason {
            None => why,
            Some(owner) if decision == Decision::Install => owner.clone(),
            Some(owner) => format!("{why}: {owner}"),
        };
        Ruling {
            decision,
            target: offer.version.clone(),
            reason,
            rule: Some(place),
            due,
        }
    }

    fn follow(
        &self,
        rule: &Rule,
        update: &PendingUpdate,
        offer: &Offer,
        seen: &SeenVersions,
    ) -> (Decision, String, Option<Timestamp>) {
        let plain = |decision, why: &str| (decision, why.to_owned(), None);
        match rule.then {
            Then::Hold => plain(Decision::Held, "a rule holds it"),
            Then::Reject => plain(Decision::Rejected, "a rule rejects it"),
            Then::Check => plain(Decision::ReportOnly, "a rule asks to report it only"),
            Then::Install => {
                let security_only = rule.when.security == Some(true);
                let since = seen
                    .since(&update.installed, &offer.version, security_only)
                    .unwrap_or(self.now);
                match rule.soak.map(|soak| since.saturating_add(soak)) {
                    Some(Ok(due)) if due > self.now => (
                        Decision::Soaking,
                        format!("available since {}, soaks until {}", day(since), day(due)),
                        Some(due),
                    ),
                    _ => plain(Decision::Install, "a rule installs it"),
                }
            }
        }
    }

    /// Somebody's own words at the command line.
    fn apply_request(&self, update: &PendingUpdate, ruling: &mut Ruling) {
        if self.asked.0.is_empty() {
            return;
        }
        let named = self.asked.0.contains(&update.id.name);
        match ruling.decision {
            Decision::Soaking | Decision::NotSelected if named => {
                ruling.decision = Decision::Install;
                ruling.reason = String::from("asked for by name");
                ruling.due = None;
            }
            Decision::Install if !named => {
                ruling.decision = Decision::NotSelected;
                ruling.reason = String::from("not asked for in this run");
            }
            _ => {}
        }
    }

    /// What keeps the package manager, or this run, from installing `target`.
    fn obstacle(&self, update: &PendingUpdate, target: &Version) -> Option<String> {
        if let Some((_, reason)) = self
            .set_aside
            .iter()
            .find(|(name, _)| *name == update.id.name)
        {
            return Some(format!("set aside in this run: {reason}"));
        }
        let block = update.blocked.as_ref()?;
        match block {
            // These are somebody's will, whichever version is meant.
            Block::Hold | Block::Pin | Block::Phasing => Some(block.to_string()),
            Block::Removal { packages } if self.may_remove(packages) => None,
            // The solver spoke of the candidate only; an older fix may fit.
            Block::Dependency | Block::Removal { .. } if *target != update.candidate => None,
            Block::Dependency | Block::Removal { .. } => Some(block.to_string()),
        }
    }

    /// Why this package must not come in as a dependency, if it must not. Of a
    /// package that is new here only the name is known, so only rules about
    /// names speak.
    #[must_use]
    pub fn forbids(&self, name: &PackageName) -> Option<String> {
        if let Some((_, reason)) = self.set_aside.iter().find(|(aside, _)| aside == name) {
            return Some(format!("{name} is set aside in this run: {reason}"));
        }
        let about = |rule: &&Rule| rule.when.is_only_about(name);
        let rule = self.policy.rules.iter().find(about)?;
        (rule.then != Then::Install).then(|| format!("a rule forbids {name}"))
    }

    /// Whether the policy lets a plan remove all of these.
    #[must_use]
    pub fn may_remove(&self, packages: &[PackageName]) -> bool {
        let allowed = |name: &PackageName| {
            self.policy
                .removals
                .iter()
                .any(|glob: &Pattern| glob.matches(name.as_str()))
        };
        packages.iter().all(allowed)
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests;
