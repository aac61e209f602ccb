//! What happens around a transaction.

use super::{DAY, HOUR, Kind, Shape, optional};
use crate::config::consistency;

pub(super) const RESTART: Shape = Shape {
    path: "restart",
    about: "Services that still run old code after an update.",
    keys: &[
        optional(
            "default",
            "When they are restarted: now (in each run), window (only in a schedule's window) or never.",
            Kind::Word(&["now", "window", "never"]),
        ),
        optional(
            "never",
            "Units that are never restarted, beside those that patchd never restarts by itself.",
            Kind::Patterns { none: true },
        ),
    ],
    one_of: &[],
    check: consistency::nothing,
};

pub(super) const ROLLBACK: Shape = Shape {
    path: "rollback",
    about: "Restore points, and what is taken back to them.",
    keys: &[
        optional(
            "never",
            "Packages that are never rolled back.",
            Kind::Patterns { none: true },
        ),
        optional(
            "keep",
            "How many restore points are kept.",
            Kind::Count { from: 1, to: 100 },
        ),
        optional(
            "keep_for",
            "How long a restore point is kept.",
            Kind::Duration {
                from: HOUR,
                to: 365 * DAY,
            },
        ),
    ],
    one_of: &[],
    check: consistency::nothing,
};

pub(super) const HOOKS: Shape = Shape {
    path: "hooks",
    about: "Programs of yours that run as root at certain points, in order, without arguments.",
    keys: &[
        optional(
            "timeout",
            "How long one program may take.",
            Kind::Duration {
                from: 1,
                to: 2 * HOUR,
            },
        ),
        optional(
            "pre_check",
            "Before anything is fetched; a failing one stops the run.",
            Kind::Programs,
        ),
        optional(
            "pre_apply",
            "Before anything is installed; a failing one stops the run.",
            Kind::Programs,
        ),
        optional(
            "post_apply",
            "After everything is installed.",
            Kind::Programs,
        ),
        optional(
            "pre_reboot",
            "Before a reboot; a failing one stops the reboot.",
            Kind::Programs,
        ),
        optional(
            "post_verify",
            "After a run that broke nothing.",
            Kind::Programs,
        ),
        optional(
            "on_failure",
            "After a run that failed, was rolled back or needs a person.",
            Kind::Programs,
        ),
    ],
    one_of: &[],
    check: consistency::nothing,
};
