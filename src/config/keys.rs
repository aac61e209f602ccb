//! Every key there is, once: the reader, the merging, `config show` and the
//! published schema all walk this table, so that they cannot drift apart.

use super::consistency;
use super::fault::Fault;
use super::node::Node;

/// What may stand in one kind of table.
pub(super) struct Shape {
    /// Its path with `NAME` for names that the operator chooses; "" for the top.
    pub path: &'static str,
    /// For the schema.
    pub about: &'static str,
    /// What may stand in it.
    pub keys: &'static [Key],
    /// Exactly one of these must stand in it.
    pub one_of: &'static [&'static str],
    /// What no single key can be blamed for.
    pub check: fn(&Node, &mut Vec<Fault>),
}

/// One key.
pub(super) struct Key {
    pub name: &'static str,
    /// For the schema.
    pub about: &'static str,
    pub kind: Kind,
    /// Its table is faulty without it.
    pub required: bool,
}

/// What a key holds.
pub(super) enum Kind {
    /// A table, merged by key.
    Table(&'static Shape),
    /// Tables under names that the operator chooses, merged by name.
    Named(&'static Shape),
    /// `[[…]]`.
    Tables(&'static Shape, Merge),
    /// A length of time within bounds, seconds.
    Duration { from: u64, to: u64 },
    /// A whole number within bounds.
    Count { from: u32, to: u32 },
    /// True or false.
    Flag,
    /// Text for people, one line.
    Text,
    /// One of these.
    Word(&'static [&'static str]),
    /// One pattern or several; none at all only where that says something.
    Patterns { none: bool },
    /// `http://` or `https://`.
    Url,
    /// `host:port`.
    Address,
    /// An absolute program and its arguments.
    Argv,
    /// A systemd unit with its suffix.
    Unit,
    /// A cron expression.
    Cron,
    /// An IANA time zone that the machine knows.
    Zone,
    /// The name of a table that the operator chose.
    Name,
    /// A day of the calendar.
    Day,
}

/// What a later file's `[[…]]` does to an earlier one's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    /// Takes its place.
    Replace,
    /// Goes before it.
    Before,
    /// Goes behind it.
    After,
}

impl Shape {
    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The whole file.
pub(super) const ROOT: Shape = Shape {
    path: "",
    about: "Configuration of patchd. Everything has a default; an empty file is sound.",
    keys: &[
        optional(
            "schedule",
            "When patchd works, by name. Any schedule takes the place of the built-in one.",
            Kind::Named(&SCHEDULE),
        ),
        optional(
            "freeze",
            "Days on which nothing starts.",
            Kind::Tables(&FREEZE, Merge::Replace),
        ),
        optional(
            "policy",
            "Policies by name; \"default\" always exists.",
            Kind::Named(&POLICY),
        ),
        optional(
            "verify",
            "How a patched machine is looked at.",
            Kind::Table(&VERIFY),
        ),
        optional(
            "package_manager",
            "How the package manager is treated.",
            Kind::Table(&PACKAGE_MANAGER),
        ),
    ],
    one_of: &[],
    check: consistency::nothing,
};

const SCHEDULE: Shape = Shape {
    path: "schedule.NAME",
    about: "When patchd works, at what, and for how long.",
    keys: &[
        optional(
            "cron",
            "When its windows open: 5 fields as in cron(8), or 6 with seconds.",
            Kind::Cron,
        ),
        optional(
            "timezone",
            "In which time zone that is meant; the host's by default.",
            Kind::Zone,
        ),
        optional(
            "action",
            "What happens: check (look and report) or patch.",
            Kind::Word(&["check", "patch"]),
        ),
        optional("policy", "The name of its policy.", Kind::Name),
        optional(
            "window",
            "How long a window stays open; nothing starts that cannot end in it.",
            Kind::Duration {
                from: MINUTE,
                to: 7 * DAY,
            },
        ),
        optional(
            "spread",
            "Over how much of the window's beginning hosts are spread; shorter than the window.",
            Kind::Duration {
                from: 0,
                to: 7 * DAY,
            },
        ),
        optional(
            "catch_up",
            "What becomes of a window that passed while the machine was off.",
            Kind::Word(&["next-window", "now", "skip"]),
        ),
    ],
    one_of: &[],
    check: consistency::spread_is_shorter_than_the_window,
};

const FREEZE: Shape = Shape {
    path: "freeze",
    about: "Days on which nothing starts, in the schedule's zone.",
    keys: &[
        required("from", "The first day.", Kind::Day),
        required("to", "The last day; it belongs to the freeze.", Kind::Day),
        required(
            "reason",
            "Your words, shown wherever it stops a run.",
            Kind::Text,
        ),
    ],
    one_of: &[],
    check: consistency::a_freeze_ends_after_it_begins,
};

const POLICY: Shape = Shape {
    path: "policy.NAME",
    about: "Which updates are wanted. The first rule that matches decides; no match means not-selected.",
    keys: &[
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
            "Whether an origin labelled security offers it.",
            Kind::Flag,
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

const VERIFY: Shape = Shape {
    path: "verify",
    about: "How a patched machine is looked at.",
    keys: &[
        optional(
            "retries",
            "Attempts in a row that must fail before a check counts as failed.",
            Kind::Count { from: 1, to: 20 },
        ),
        optional(
            "interval",
            "Time between two attempts.",
            Kind::Duration {
                from: 1,
                to: 10 * MINUTE,
            },
        ),
        optional(
            "probe",
            "Your own checks. One that passed before a run and fails after it counts as broken by it.",
            Kind::Tables(&PROBE, Merge::Replace),
        ),
    ],
    one_of: &[],
    check: consistency::probe_names_are_unique,
};

const PROBE: Shape = Shape {
    path: "verify.probe",
    about: "One check of yours: exactly one of http, tcp, command and unit.",
    keys: &[
        required("name", "Its name in reports.", Kind::Text),
        optional("http", "GET must answer with 2xx or 3xx.", Kind::Url),
        optional("tcp", "host:port must accept a connection.", Kind::Address),
        optional(
            "command",
            "The program, absolute, with its arguments; it must exit 0.",
            Kind::Argv,
        ),
        optional("unit", "The systemd unit must be active.", Kind::Unit),
        optional(
            "timeout",
            "How long one attempt may take.",
            Kind::Duration {
                from: 1,
                to: 5 * MINUTE,
            },
        ),
        optional(
            "retries",
            "Instead of the general number of attempts.",
            Kind::Count { from: 1, to: 20 },
        ),
    ],
    one_of: &["http", "tcp", "command", "unit"],
    check: consistency::nothing,
};

const PACKAGE_MANAGER: Shape = Shape {
    path: "package_manager",
    about: "How the package manager is treated.",
    keys: &[
        optional(
            "lock_wait",
            "How long to wait for somebody else's lock before the run is deferred.",
            Kind::Duration { from: 0, to: DAY },
        ),
        optional(
            "stale_after",
            "A repository whose index was not renewed for longer than this is stale.",
            Kind::Duration {
                from: HOUR,
                to: 365 * DAY,
            },
        ),
    ],
    one_of: &[],
    check: consistency::nothing,
};

const fn optional(name: &'static str, about: &'static str, kind: Kind) -> Key {
    Key {
        name,
        about,
        kind,
        required: false,
    }
}

const fn required(name: &'static str, about: &'static str, kind: Kind) -> Key {
    Key {
        name,
        about,
        kind,
        required: true,
    }
}
