//! `[policy.NAME]` in the configuration.

use jiff::SignedDuration;

use super::pattern::Pattern;
use crate::model::{Conduct, PackageName, Severity, Tier};

/// One policy: ordered rules, first match decides, no match is `not-selected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Packages that a plan may remove; anything else stops the plan.
    pub removals: Vec<Pattern>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// How its runs go about their plans.
    pub conduct: Conduct,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// All conditions that are given must hold.
    pub when: When,
    /// What happens then.
    pub then: Then,
    /// Only for [`Then::Install`]: how long a fix must have been available.
    pub soak: Option<SignedDuration>,
    /// The owner's words, shown in every explanation.
    pub reason: Option<String>,
}

/// The conditions of a rule; an empty one always holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// Name of the binary package, any of.
    pub package: Option<Vec<Pattern>>,
    /// Name of the source package, any of.
    pub source: Option<Vec<Pattern>>,
    /// Label of an origin, any of.
    pub origin: Option<Vec<Pattern>>,
    /// Whether an origin labelled security offers it, or it closes a vulnerability here.
    pub security: Option<bool>,
    /// The worst rating among what it closes, any of; `None` is unrated.
    pub severity: Option<Vec<Option<Severity>>>,
    /// The most urgent tier among what it closes, any of.
    pub tier: Option<Vec<Tier>>,
    /// What it closes, any of.
    pub cve: Option<Vec<Pattern>>,
    /// Whether something that it closes is known to be exploited.
    pub known_exploited: Option<bool>,
    /// The highest EPSS among what it closes is at least this, in ten-thousandths.
    pub epss_at_least: Option<u16>,
    /// Whether it is a kernel.
    pub kernel: Option<bool>,
    /// Whether it takes effect only after a reboot.
    pub needs_reboot: Option<bool>,
}

impl When {
    /// Whether it holds for this name whatever else is known of the package.
    #[must_use]
    pub fn is_only_about(&self, name: &PackageName) -> bool {
        let matches = |pattern: &Pattern| pattern.matches(name.as_str());
        let named = self
            .package
            .as_ref()
            .is_some_and(|patterns| patterns.iter().any(matches));
        let package = self.package.clone();
        named
            && *self
                == Self {
                    package,
                    ..Self::default()
                }
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Put it into the plan.
    Install,
    /// Leave it; somebody patches by hand.
    Hold,
    /// Never.
    Reject,
    /// Report it only.
    Check,
}

impl Default for Settings {
    /// Security updates, nothing else, and nothing is ever removed.
    fn default() -> Self {
        let security = When {
            security: Some(true),
            ..When::default()
        };
        let reason = Some("security updates are installed by default".to_owned());
        Self {
            removals: Vec::new(),
            rules: vec![Rule {
                when: security,
                then: Then::Install,
                soak: None,
                reason,
            }],
            conduct: Conduct::default(),
        }
    }
}
