//! How soon vulnerabilities matter, and rules about them, as everybody's settings.

use super::checked::ours;
use super::fault::Fault;
use super::node::Node;
use crate::model::{Severity, Tier};
use crate::policy::When;
use crate::vulnerability::{Profile, Settings};

/// What nobody rates has a word of its own.
const RATINGS: [(&str, Option<Severity>); 6] = [
    ("critical", Some(Severity::Critical)),
    ("high", Some(Severity::High)),
    ("medium", Some(Severity::Medium)),
    ("low", Some(Severity::Low)),
    ("none", Some(Severity::None)),
    ("unrated", None),
];

pub(super) fn deadline(node: &Node) -> Result<Settings, Fault> {
    let profile = node.text("profile").and_then(Profile::named);
    Ok(Settings {
        profile: profile.ok_or_else(|| ours(node))?,
        exposed: node.flag("exposed"),
    })
}

/// Adds the conditions about what an update would close.
pub(super) fn about_remedy(node: &Node, when: When) -> Result<When, Fault> {
    let severity = |word: &str| {
        let mut ratings = RATINGS.iter();
        ratings.find(|(name, _)| *name == word).map(|(_, it)| *it)
    };
    Ok(When {
        severity: each(node, "severity", severity)?,
        tier: each(node, "tier", tier)?,
        cve: node.patterns("cve"),
        known_exploited: node.flag("known_exploited"),
        epss_at_least: node.share("epss_at_least"),
        ..when
    })
}

fn each<T>(
    node: &Node,
    key: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<Vec<T>>, Fault> {
    let Some(words) = node.texts(key) else {
        return Ok(None);
    };
    let values = words
        .iter()
        .map(|word| read(word).ok_or_else(|| ours(node)));
    values.collect::<Result<_, _>>().map(Some)
}

fn tier(word: &str) -> Option<Tier> {
    let known = [Tier::P0, Tier::P1, Tier::P2, Tier::P3, Tier::P4];
    known.into_iter().find(|it| it.to_string() == word)
}
