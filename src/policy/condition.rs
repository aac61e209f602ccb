//! Does a rule hold for a version on offer? Each condition answers for itself,
//! so that `explain` can show which one stood in the way.

use super::closing::about_remedy;
use super::pattern::Pattern;
use super::settings::{Rule, When};
use super::truth::Truth;
use crate::model::{Offer, PendingUpdate};

/// One condition of a rule with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionTrace {
    /// The key in the configuration, such as `origin`.
    pub key: &'static str,
    /// Whether it holds.
    pub truth: Truth,
    /// What it was held against, such as the package's origins.
    pub fact: String,
}

/// One rule with its answer for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// Counted from 1, in the order of the policy.
    pub number: usize,
    /// All its conditions; empty for a rule that always holds.
    pub conditions: Vec<ConditionTrace>,
    /// Whether the whole rule holds for some version on offer.
    pub truth: Truth,
}

/// How every rule answers for this update, in order. For a rule that holds, the
/// conditions are shown for the version that it would choose, else for the candidate.
#[must_use]
pub fn trace(rules: &[Rule], update: &PendingUpdate) -> Vec<RuleTrace> {
    let one = |(index, rule): (usize, &Rule)| {
        let shown = target(&rule.when, update).or(update.offers.first());
        let conditions = shown
            .map(|offer| conditions(&rule.when, update, offer))
            .unwrap_or_default();
        RuleTrace {
            number: index + 1,
            conditions,
            truth: holds_for_any(&rule.when, update),
        }
    };
    rules.iter().enumerate().map(one).collect()
}

/// The newest version on offer for which all conditions are true.
pub(super) fn target<'a>(when: &When, update: &'a PendingUpdate) -> Option<&'a Offer> {
    update
        .offers
        .iter()
        .find(|offer| holds(when, update, offer) == Truth::True)
}

fn holds_for_any(when: &When, update: &PendingUpdate) -> Truth {
    update
        .offers
        .iter()
        .map(|offer| holds(when, update, offer))
        .fold(Truth::False, Truth::or)
}

fn holds(when: &When, update: &PendingUpdate, offer: &Offer) -> Truth {
    conditions(when, update, offer)
        .iter()
        .map(|condition| condition.truth)
        .fold(Truth::True, Truth::and)
}

fn conditions(when: &When, update: &PendingUpdate, offer: &Offer) -> Vec<ConditionTrace> {
    let named = |key, patterns: &Option<Vec<Pattern>>, name: &str| {
        let truth = Truth::from(
            patterns
                .as_ref()?
                .iter()
                .any(|pattern| pattern.matches(name)),
        );
        Some(ConditionTrace {
            key,
            truth,
            fact: name.to_owned(),
        })
    };
    let flag = |key, wanted: Option<bool>, is: Option<bool>| {
        let truth = Truth::from(is.map(|is| Some(is) == wanted));
        wanted.map(|_| ConditionTrace {
            key,
            truth,
            fact: is.map_or("unknown".to_owned(), |is| is.to_string()),
        })
    };
    // `security = true` asks for a version that is itself a security fix;
    // `security = false` asks that none is on the way.
    let security = if when.security == Some(true) {
        offer.security()
    } else {
        update.security()
    };
    [
        named("package", &when.package, update.id.name.as_str()),
        named("source", &when.source, update.source.as_str()),
        when.origin
            .as_deref()
            .map(|patterns| origin(patterns, offer)),
        flag("security", when.security, security),
        flag("kernel", when.kernel, Some(update.kernel)),
        flag("needs_reboot", when.needs_reboot, Some(update.needs_reboot)),
    ]
    .into_iter()
    .flatten()
    .chain(about_remedy(when, offer))
    .collect()
}

fn origin(patterns: &[Pattern], offer: &Offer) -> ConditionTrace {
    let labels: Vec<&str> = offer
        .origins
        .iter()
        .map(|origin| origin.label.as_str())
        .collect();
    let matches = |label: &&str| patterns.iter().any(|pattern| pattern.matches(label));
    let truth = if labels.is_empty() {
        Truth::Unknown
    } else {
        labels.iter().any(matches).into()
    };
    let fact = if labels.is_empty() {
        "unknown".to_owned()
    } else {
        labels.join(", ")
    };
    ConditionTrace {
        key: "origin",
        truth,
        fact,
    }
}
