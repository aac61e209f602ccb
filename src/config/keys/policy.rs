//! Which updates, and how a run goes about them.

use super::{DAY, HOUR, Kind, Merge, Shape, optional, required};
use crate::config::consistency;

pub(super) const POLICY: Shape = Shape {
    path: "policy.NAME",
    about: "Which updates are wanted. The first rule that matches decides; no match means not-selected.",
    keys: &[
        optional(
            "reboot",
            "When the machine is rebooted: never, when-needed, or always (after a run that changed something).",
            Kind::Word(&["never", "when-needed", "always"]),
        ),
        optional(
            "reboot_deadline",
            "A reboot that is owed for longer than this is overdue.",
            Kind::Duration {
                from: HOUR,
                to: 365 * DAY,
            },
        ),
        optional(
            "rehearse",
            "Whether a plan is tried in a throw-away view of the machine first.",
            Kind::Flag,
        ),
        optional(
            "rehearse_unproven",
            "What becomes of a plan that could not be rehearsed: go-on or stop.",
            Kind::Word(&["go-on", "stop"]),
        ),
        optional(
            "rollback",
            "Whether a run takes back by itself what it broke: auto, or manual.",
            Kind::Word(&["auto", "manual"]),
        ),
        optional(
            "restore",
            "What a restore point keeps: full, or packages-only (no links to installed files).",
            Kind::Word(&["full", "packages-only"]),
        ),
        optional(
            "removals",
            "Packages that a plan may remove; anything else stops the plan.",
            Kind::Patterns { none: true },
        ),
        optional(
            "rule",
            "The rules, in order. Any rule takes the place of the built-in ones.",
            Kind::Tables(&RULE, Merge::Replace),
        ),
        optional(
            "rule_before",
            "Rules in front of all others; a later file's stand in front of an earlier file's.",
            Kind::Tables(&RULE, Merge::Before),
        ),
        optional(
            "rule_after",
            "Rules behind all others; a later file's stand behind an earlier file's.",
            Kind::Tables(&RULE, Merge::After),
        ),
    ],
    one_of: &[],
    check: consistency::nothing,
};

const RULE: Shape = Shape {
    path: "policy.NAME.rule",
    about: "One rule.",
    keys: &[
        optional(
            "when",
            "All conditions that are given must hold; without any the rule matches everything.",
            Kind::Table(&WHEN),
        ),
        required(
            "then",
            "What happens: install it, hold it for somebody's hands, reject it for ever, or check (report only).",
            Kind::Word(&["install", "hold", "reject", "check"]),
        ),
        optional(
            "soak",
            "How long a fix must have been available before it is installed.",
            Kind::Duration {
                from: 0,
                to: 365 * DAY,
            },
        ),
        optional(
            "reason",
            "Your words, shown wherever this rule has decided.",
            Kind::Text,
        ),
    ],
    one_of: &[],
    check: consistency::soak_only_delays_an_install,
};

const WHEN: Shape = Shape {
    path: "policy.NAME.rule.when",
    about: "The conditions of a rule.",
    keys: &[
        optional(
            "package",
            "Name of the binary package: a glob, a /regular expression/, or a list of them.",
            Kind::Patterns { none: false },
        ),
        optional(
            "source",
            "Name of the source package, likewise.",
            Kind::Patterns { none: false },
        ),
        optional(
            "origin",
            "Label of the repository that offers it, likewise.",
            Kind::Patterns { none: false },
        ),
        optional(
            "security",
            "Whether an origin labelled security offers it, or it closes a vulnerability here.",
            Kind::Flag,
        ),
        optional(
            "severity",
            "The worst rating among what it closes here, any of.",
            Kind::Words(&["critical", "high", "medium", "low", "none", "unrated"]),
        ),
        optional(
            "tier",
            "The most urgent tier among what it closes here, any of.",
            Kind::Words(&["P0", "P1", "P2", "P3", "P4"]),
        ),
        optional(
            "cve",
            "A vulnerability that it closes here: a pattern, or a list of them.",
            Kind::Patterns { none: false },
        ),
        optional(
            "known_exploited",
            "Whether something that it closes here is known to be exploited.",
            Kind::Flag,
        ),
        optional(
            "epss_at_least",
            "The highest EPSS among what it closes here is at least this.",
            Kind::Share,
        ),
        optional("kernel", "Whether it is a kernel.", Kind::Flag),
        optional(
            "needs_reboot",
            "Whether it takes effect only after a reboot.",
            Kind::Flag,
        ),
    ],
    one_of: &[],
    check: consistency::nothing,
};
