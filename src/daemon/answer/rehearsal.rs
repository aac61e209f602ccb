//! The rehearsal of a run, as a document.

use super::word;
use crate::control::document;
use crate::model::Rehearsal;

/// All that is known of it.
pub(super) fn told(it: &Rehearsal) -> document::Rehearsal {
    document::Rehearsal {
        verdict: it.verdict.to_string(),
        summary: it.summary.clone(),
        culprits: it.culprits.iter().map(ToString::to_string).collect(),
        evidence: it.evidence.clone(),
        packages: it
            .plan
            .changes()
            .iter()
            .map(super::history::change)
            .collect(),
        seconds: it.seconds,
        attempts: it.attempts,
        files: files(it),
        kept_conffiles: it.kept_conffiles.clone(),
        services: services(it),
        stale_units: stale(it),
        reboot_reasons: it.reboot_reasons.clone(),
        disk: disk(it),
        memory_bytes: it.memory_bytes,
        layer: it.layer.as_ref().map(word),
        bounds: it.bounds.as_ref().map(word),
        left_over: it.left_over.clone(),
        not_rehearsed: it.not_rehearsed.clone(),
        warnings: it.warnings.clone(),
    }
}

fn files(it: &Rehearsal) -> document::FileChanges {
    let listed = it.files.listed.iter();
    document::FileChanges {
        added: it.files.added,
        changed: it.files.changed,
        removed: it.files.removed,
        incomplete: it.files.incomplete,
        listed: listed
            .map(|file| document::FileChange {
                path: file.path.clone(),
                change: file.change.to_string(),
            })
            .collect(),
    }
}

fn services(it: &Rehearsal) -> Vec<document::ServiceChange> {
    let told = it.services.iter().map(|service| document::ServiceChange {
        unit: service.unit.clone(),
        change: service.change.to_string(),
    });
    told.collect()
}

fn stale(it: &Rehearsal) -> Vec<document::OldCode> {
    let told = it.stale.iter().map(|unit| document::OldCode {
        unit: unit.unit.clone(),
        why: unit.why.clone(),
    });
    told.collect()
}

fn disk(it: &Rehearsal) -> Vec<document::DiskUse> {
    let told = it.disk.iter().map(|volume| document::DiskUse {
        mount: volume.mount.clone(),
        bytes: volume.bytes,
    });
    told.collect()
}
