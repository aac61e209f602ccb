//! The machine itself in documents.

use std::path::Path;

use jiff::Timestamp;

use super::{time, word};
use crate::control::document;
use crate::daemon::parts::Parts;
use crate::model::{Distribution, Host, LiveLook, OldCode};
use crate::running::{self, Kernel, Owed};

pub(super) fn host(host: &Host) -> document::Host {
    document::Host {
        name: host.name.clone(),
        machine_id: host.machine_id.as_ref().map(|id| id.0.clone()),
        boot_id: host.boot_id.to_string(),
    }
}

pub(super) fn distribution(distribution: Distribution) -> document::Distribution {
    let Distribution {
        id,
        version,
        codename,
    } = distribution;
    document::Distribution {
        id,
        version,
        codename,
    }
}

pub(super) fn kernel(kernel: Kernel) -> document::Kernel {
    let Kernel {
        running,
        newest_installed,
        owned,
    } = kernel;
    document::Kernel {
        running,
        newest_installed,
        owned,
    }
}

/// Why a reboot is owed, as far as can be told without root; an image owes none.
pub(super) fn reasons<P>(
    parts: &Parts<P>,
    kernel: &Kernel,
    live: Option<&LiveLook>,
) -> Vec<String> {
    if parts.at_rest {
        return Vec::new();
    }
    let owed = running::reboot_owed(Path::new("/"), kernel, live);
    owed.iter().map(Owed::to_string).collect()
}

pub(super) fn stale_units(live: LiveLook) -> Vec<document::StaleUnit> {
    let unit = |old: OldCode| document::StaleUnit {
        unit: old.unit,
        owner: word(&old.owner),
        files: old.files,
    };
    live.old.into_iter().map(unit).collect()
}

/// Owed for these reasons.
pub(super) fn reboot(reasons: Vec<String>, since: Option<Timestamp>) -> document::Reboot {
    let since = since.filter(|_| !reasons.is_empty()).map(time);
    document::Reboot {
        owed: !reasons.is_empty(),
        since,
        reasons,
    }
}
