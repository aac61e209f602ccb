//! What a rehearsal tells of the machine: files, services, memory, a reboot.

use std::collections::BTreeSet;
use std::path::Path;

use super::trial::{Setting, Trial};
use crate::model::{
    BootPart, Bounds, Change, DiskUse, FileChange, FileChanges, FileFate, Plan, Rehearsal,
    ServiceFate, StaleUnit,
};
use crate::os::jail::{Bounded, Change as Kind, Changed, Ended};
use crate::rehearsal;
use crate::running;

/// As many files as a report lists: all of a large upgrade.
const LISTED: usize = 100_000;

/// What must be seen to foretell what a transaction does.
const SEEN: [&str; 5] = ["usr", "etc", "var", "boot", "opt"];

/// The report of one transaction.
pub(super) fn report(plan: &Plan, setting: &Setting, trial: &Trial) -> Rehearsal {
    let Trial { heard, ended, .. } = trial;
    let judged = rehearsal::judge(heard, trial.ending());
    let changes = || {
        ended
            .changes
            .iter()
            .filter(|it| !rehearsal::is_ours(&it.path))
    };
    let services = rehearsal::fates(&heard.notes, &setting.units);
    let restarted = |unit: &String| {
        let gone = [ServiceFate::Restarts, ServiceFate::Stops];
        let mut told = services.iter();
        told.any(|it| it.unit == *unit && gone.contains(&it.change))
    };
    let replaced: BTreeSet<String> = changes()
        .filter(|it| matches!(it.kind, Kind::Replaced | Kind::Deleted | Kind::Moved))
        .map(|it| it.path.clone())
        .collect();
    let stale = rehearsal::units_running(&replaced)
        .into_iter()
        .filter(|unit| !restarted(unit))
        .map(|unit| StaleUnit {
            unit,
            why: "it runs code that would be replaced".to_owned(),
        });
    let milliseconds = heard.applied.as_ref().map_or(0, |it| it.milliseconds);
    Rehearsal {
        plan: plan.clone(),
        verdict: judged.verdict,
        summary: judged.summary,
        culprits: judged.culprits,
        evidence: heard.words.clone(),
        seconds: milliseconds.div_ceil(1000),
        attempts: 1,
        files: files(changes(), ended.incomplete),
        kept_conffiles: heard.kept.clone(),
        stale: stale.collect(),
        services,
        reboot_reasons: reboot_reasons(plan, trial),
        disk: disk(ended),
        memory_bytes: ended.memory_peak,
        layer: Some(setting.room.layer),
        bounds: Some(match ended.bounded {
            Bounded::ControlGroup => Bounds::Kernel,
            Bounded::Polled => Bounds::Polled,
        }),
        left_over: ended.left_over.clone(),
        not_rehearsed: rehearsal::not_rehearsed(&heard.notes),
        warnings: warnings(ended),
    }
}

fn files<'a>(changes: impl Iterator<Item = &'a Changed>, incomplete: bool) -> FileChanges {
    let mut files = FileChanges {
        incomplete,
        ..FileChanges::default()
    };
    for changed in changes {
        let change = match changed.kind {
            Kind::New => FileFate::Added,
            Kind::Replaced | Kind::Metadata | Kind::Moved => FileFate::Changed,
            Kind::Deleted => FileFate::Removed,
        };
        match change {
            FileFate::Added => files.added += 1,
            FileFate::Changed => files.changed += 1,
            FileFate::Removed => files.removed += 1,
        }
        files.listed.push(FileChange {
            path: changed.path.clone(),
            change,
        });
    }
    files.listed.sort();
    files.listed.truncate(LISTED);
    files
}

fn disk(ended: &Ended) -> Vec<DiskUse> {
    let volumes = ended.grown.iter();
    let told = volumes.map(|(mount, bytes)| DiskUse {
        mount: mount.clone(),
        bytes: *bytes,
    });
    told.collect()
}

/// Why a reboot would be owed after it.
fn reboot_reasons(plan: &Plan, trial: &Trial) -> Vec<String> {
    let owned = running::kernel(Path::new("/")).owned;
    let mut reasons = Vec::new();
    for changed in &trial.ended.changes {
        let release = changed.path.strip_prefix("/boot/vmlinuz-");
        if let (true, Kind::New | Kind::Replaced, Some(release)) = (owned, changed.kind, release) {
            reasons.push(format!("kernel: {release} would be installed"));
        }
    }
    let replaced = |change: &&Change| change.from.is_some() && change.to.is_some();
    for change in plan.changes().iter().filter(replaced) {
        let waits = match BootPart::of(change.id.name.as_str()) {
            Some(BootPart::System) => true,
            Some(BootPart::Hardware) => owned,
            None => false,
        };
        if waits {
            reasons.push(format!("{}: would be replaced", change.id.name));
        }
    }
    for package in &trial.heard.reboot_required {
        let start = format!("{package}:");
        if !reasons.iter().any(|reason| reason.starts_with(&start)) {
            reasons.push(format!("{package}: asks for it"));
        }
    }
    reasons
}

/// What may go otherwise on the machine itself.
fn warnings(ended: &Ended) -> Vec<String> {
    let mut warnings = Vec::new();
    for mount in &ended.file_mounts {
        if ended.changes.iter().any(|it| it.path == *mount) {
            warnings.push(format!(
                "{mount} cannot be replaced on this machine, because something is mounted over it"
            ));
        }
    }
    let seen = |mount: &&String| {
        mount
            .split('/')
            .nth(1)
            .is_some_and(|top| SEEN.contains(&top))
    };
    for mount in ended.blind.iter().filter(seen) {
        warnings.push(format!(
            "what is mounted at {mount} could not be shown, and was empty in the rehearsal"
        ));
    }
    if !ended.walls.user_namespace {
        warnings.push(
            "this kernel gives no user namespace, so that one wall less kept the rehearsal in"
                .to_owned(),
        );
    }
    if !ended.walls.seccomp {
        warnings.push(
            "this kernel filters no system calls, so that one wall less kept the rehearsal in"
                .to_owned(),
        );
    }
    warnings
}
