//! Who is told, and what the operator lives with.

use super::{Kind, Shape, optional, required};
use crate::config::consistency;

pub(super) const NOTIFY: Shape = Shape {
    path: "notify.NAME",
    about: "Somebody who is told: by exactly one of webhook, command and email.",
    keys: &[
        optional(
            "webhook",
            "Facts are posted there as JSON. https, or http to this very machine.",
            Kind::Webhook,
        ),
        optional(
            "secret",
            "What a webhook is signed with; where it lies, never the secret itself.",
            Kind::Table(&SECRET),
        ),
        optional(
            "command",
            "The program, absolute, with its arguments. It runs as user patchd in the daemon's sandbox, with the facts on its standard input and in PATCHD_* variables.",
            Kind::Argv,
        ),
        optional("email", "Mail goes to this address.", Kind::Mailbox),
        optional(
            "smtp",
            "The mail server that takes it; 127.0.0.1:25 by default.",
            Kind::Address,
        ),
        optional(
            "on",
            "What is told; everything by default.",
            Kind::Words(&[
                "failed",
                "rolled-back",
                "needs-human",
                "exposed",
                "overdue",
                "reboot-owed",
                "config-invalid",
            ]),
        ),
    ],
    one_of: &["webhook", "command", "email"],
    check: consistency::what_belongs_to_one_way_of_telling,
};

const SECRET: Shape = Shape {
    path: "notify.NAME.secret",
    about: "Where a secret lies.",
    keys: &[
        optional(
            "credential",
            "The name of a credential that systemd hands to patchd.service (LoadCredential=).",
            Kind::Name,
        ),
        optional(
            "file",
            "A file of root's that the group patchd may read, and not everybody.",
            Kind::File,
        ),
    ],
    one_of: &["credential", "file"],
    check: consistency::nothing,
};

pub(super) const EXCEPTION: Shape = Shape {
    path: "exception",
    about: "A vulnerability that is lived with for a while; every report shows it.",
    keys: &[
        required("cve", "Which.", Kind::Cve),
        required("reason", "Your words.", Kind::Text),
        required("owner", "Who answers for it.", Kind::Text),
        required("until", "The last day on which it holds.", Kind::Day),
    ],
    one_of: &[],
    check: consistency::nothing,
};
