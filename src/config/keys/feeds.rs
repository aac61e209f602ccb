//! What is fetched, and how.

use super::{DAY, HOUR, Kind, MINUTE, Shape, optional};
use crate::config::consistency;

pub(super) const FEEDS: Shape = Shape {
    path: "feeds",
    about: "What is published about vulnerabilities, and how it is kept up.",
    keys: &[
        optional(
            "interval",
            "How often feeds are looked at.",
            Kind::Duration {
                from: HOUR,
                to: 30 * DAY,
            },
        ),
        optional(
            "kev_interval",
            "How often the catalogue of known exploited vulnerabilities is.",
            Kind::Duration {
                from: 10 * MINUTE,
                to: 30 * DAY,
            },
        ),
        optional(
            "stale_after",
            "A feed that was not known to be current for longer than this is stale.",
            Kind::Duration {
                from: HOUR,
                to: 365 * DAY,
            },
        ),
        optional(
            "mirror",
            "Where all feeds are instead of with their publishers.",
            Kind::Url,
        ),
    ],
    one_of: &[],
    check: consistency::nothing,
};

pub(super) const NETWORK: Shape = Shape {
    path: "network",
    about: "How patchd itself reaches the network; the package manager has settings of its own.",
    keys: &[optional(
        "proxy",
        "The proxy that feeds and notifications go through.",
        Kind::Url,
    )],
    one_of: &[],
    check: consistency::nothing,
};
