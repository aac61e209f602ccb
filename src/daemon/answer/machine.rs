//! The machine itself in documents.

use jiff::Timestamp;

use super::time;
use crate::control::document;
use crate::model::{Distribution, Host};
use crate::running::Kernel;

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

/// Owed for these reasons.
pub(super) fn reboot(reasons: Vec<String>, since: Option<Timestamp>) -> document::Reboot {
    let since = since.filter(|_| !reasons.is_empty()).map(time);
    document::Reboot {
        owed: !reasons.is_empty(),
        since,
        reasons,
    }
}
