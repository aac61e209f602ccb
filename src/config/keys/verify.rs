//! How a machine is looked at.

use super::{Kind, MINUTE, Merge, Shape, optional, required};
use crate::config::consistency;

pub(super) const VERIFY: Shape = Shape {
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
            "rehearse",
            "Whether a command also looks at a rehearsal, where no service runs.",
            Kind::Flag,
        ),
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
