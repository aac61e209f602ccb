//! What is kept away, why, and until when.

use std::collections::BTreeSet;

use super::history::change;
use super::{View, time, word};
use crate::control::{ControlError, document};
use crate::daemon::parts::Parts;
use crate::daemon::quarantine::read;
use crate::model::KeptAway;
use crate::package_manager::PackageManager;
use crate::quarantine::{Entry, Standing, Suspect};

pub(super) async fn quarantine<P: PackageManager>(
    view: &View<'_, P>,
) -> Result<document::Quarantine, ControlError> {
    let book = read(view.parts)?;
    let pins = view.parts.package_manager.kept_away().await?;
    Ok(document::Quarantine {
        schema: "patchd/quarantine/1".to_owned(),
        entries: book
            .entries
            .iter()
            .map(|entry| harm(entry, &pins))
            .collect(),
    })
}

/// What of it is worth a line.
pub(super) fn kept<P>(parts: &Parts<P>) -> Result<document::Kept, ControlError> {
    let book = read(parts)?;
    let sources = |entries: &mut dyn Iterator<Item = &Entry>| {
        let suspects = entries.flat_map(|entry| &entry.suspects);
        let names: BTreeSet<String> = suspects.map(|it| it.source.to_string()).collect();
        names.into_iter().collect()
    };
    let is_unsolved = |entry: &&Entry| entry.standing() == Standing::NeedsHuman;
    Ok(document::Kept {
        sources: sources(&mut book.entries.iter()),
        unsolved: sources(&mut book.entries.iter().filter(is_unsolved)),
    })
}

fn harm(entry: &Entry, pins: &BTreeSet<KeptAway>) -> document::Harm {
    let suspects = entry.suspects.iter();
    document::Harm {
        run: entry.run.to_string(),
        since: time(entry.since),
        until: time(entry.until),
        reason: entry.reason.clone(),
        evidence: entry.evidence.clone(),
        standing: word(&entry.standing()),
        trials: entry.trials,
        suspects: suspects.map(|it| suspect(it, pins)).collect(),
    }
}

fn suspect(suspect: &Suspect, pins: &BTreeSet<KeptAway>) -> document::Suspect {
    let state = if suspect.on_trial {
        "on-trial"
    } else if suspect.versions().all(|version| pins.contains(&version)) {
        "kept-away"
    } else {
        "let-in"
    };
    document::Suspect {
        source: suspect.source.to_string(),
        state: state.to_owned(),
        packages: suspect.changes.iter().map(change).collect(),
    }
}
