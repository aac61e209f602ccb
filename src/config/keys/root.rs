//! The top of the file, and when things happen.

use super::conduct::{HOOKS, RESTART, ROLLBACK};
use super::feeds::{FEEDS, NETWORK};
use super::notify::{EXCEPTION, NOTIFY};
use super::policy::POLICY;
use super::verify::VERIFY;
use super::{DAY, HOUR, Kind, MINUTE, Merge, Shape, optional, required};
use crate::config::consistency;

/// The whole file.
pub(in crate::config) const ROOT: Shape = Shape {
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
            "restart",
            "Services that still run old code.",
            Kind::Table(&RESTART),
        ),
        optional(
            "rollback",
            "Restore points, and what is taken back to them.",
            Kind::Table(&ROLLBACK),
        ),
        optional(
            "hooks",
            "Programs of yours at certain points.",
            Kind::Table(&HOOKS),
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
        optional(
            "deadline",
            "Until when a fix must be live on this machine.",
            Kind::Table(&DEADLINE),
        ),
        optional(
            "feeds",
            "What is published about vulnerabilities, and how it is kept up.",
            Kind::Table(&FEEDS),
        ),
        optional(
            "network",
            "How patchd itself reaches the network.",
            Kind::Table(&NETWORK),
        ),
        optional(
            "notify",
            "Who is told when something needs somebody, by name.",
            Kind::Named(&NOTIFY),
        ),
        optional(
            "exception",
            "Vulnerabilities that you live with for a while.",
            Kind::Tables(&EXCEPTION, Merge::Replace),
        ),
    ],
    one_of: &[],
    check: consistency::nothing,
};

const DEADLINE: Shape = Shape {
    path: "deadline",
    about: "Until when a fix must be live on this machine.",
    keys: &[
        optional(
            "profile",
            "Whose terms: default, pci (PCI DSS 6.3.3), or bod-26-04 (CISA's directive).",
            Kind::Word(&["default", "pci", "bod-26-04"]),
        ),
        optional(
            "exposed",
            "Whether this machine can be reached from the internet; not given counts as true.",
            Kind::Flag,
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
            "script_timeout",
            "A script of a package that takes longer is asked to end; its package has failed then.",
            Kind::Duration { from: 10, to: DAY },
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
