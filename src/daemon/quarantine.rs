//! What is in quarantine: for decisions, and at somebody's wish. The worker keeps
//! the book; a pin that somebody has removed counts at once.

use super::driver::opening;
use super::handover::{ASTRAY, close_record, give};
use super::hands::Hands;
use super::parts::Parts;
use crate::control::ControlError;
use crate::model::{
    Change, Errand, ExitCode, KeptAway, PackageName, Quarantining, Report, Suspicion, Task, Version,
};
use crate::os::clock;
use crate::package_manager::{Fault, PackageManager};
use crate::quarantine::{Book, FILE};

/// What somebody wants changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amendment {
    /// Nobody is to install it.
    KeepAway {
        /// A package, or the source of some.
        package: PackageName,
        /// Absent for what is on offer.
        version: Option<Version>,
        /// His words.
        reason: Option<String>,
        /// Who.
        by: String,
    },
    /// It may come in again.
    LetIn {
        /// A package, or the source of some.
        package: PackageName,
    },
}

/// Every version that is kept away, with the reason as far as we may know it.
pub(super) async fn kept_away<P: PackageManager>(
    parts: &Parts<P>,
) -> Result<Vec<(KeptAway, String)>, Fault> {
    // The pins hold whether or not the book can be read.
    let book = Book::read(&parts.paths.worker.join(FILE)).unwrap_or_default();
    let pins = parts.package_manager.kept_away().await?;
    let reason = |kept: &KeptAway| match book.entry_of(kept) {
        Some(entry) => format!("{} (until {:.0})", entry.reason, entry.until),
        None => "`sudo patchd quarantine` says why".to_owned(),
    };
    let with_reason = |kept: KeptAway| (kept.clone(), reason(&kept));
    Ok(pins.into_iter().map(with_reason).collect())
}

/// Has the worker do it. Between runs only.
pub async fn amend<P: PackageManager, H: Hands>(
    parts: &Parts<P>,
    hands: &mut H,
    amendment: Amendment,
) -> Result<(), ControlError> {
    let wanted = match amendment {
        Amendment::KeepAway {
            package,
            version,
            reason,
            by,
        } => Quarantining {
            add: vec![Suspicion {
                changes: changes(&parts.package_manager, &package, version).await?,
                known: true,
                reason: reason.unwrap_or_else(|| format!("{by} wants it so")),
                evidence: vec![format!("written by {by}")],
            }],
            lift: vec![],
        },
        Amendment::LetIn { package } => Quarantining {
            add: vec![],
            lift: vec![known(parts, package)?],
        },
    };
    let run = opening::new_id(clock::now(), None);
    let failed = |sentence| ControlError::failed(sentence, ExitCode::Failed);
    let errand = Task::on(Errand::Quarantine(wanted));
    let done = give(hands, run, errand).await;
    close_record(hands, run).await;
    match done.map_err(failed)? {
        Report::Quarantine { .. } => Ok(()),
        _ => Err(failed(ASTRAY.to_owned())),
    }
}

/// What an upgrade would do with everything from the same source.
async fn changes<P: PackageManager>(
    package_manager: &P,
    package: &PackageName,
    version: Option<Version>,
) -> Result<Vec<Change>, ControlError> {
    let updates = package_manager.pending().await?.updates;
    let named = |source: &PackageName, name: &PackageName| source == package || name == package;
    let source = updates
        .iter()
        .find(|update| named(&update.source, &update.id.name))
        .map(|update| update.source.clone());
    let together = updates
        .into_iter()
        .filter(|it| Some(&it.source) == source.as_ref());
    let mut changes: Vec<Change> = together
        .filter_map(|update| {
            let offered = |wanted: &Version| update.offers.iter().any(|it| it.version == *wanted);
            let to = version
                .clone()
                .map_or(Some(update.candidate.clone()), |it| {
                    offered(&it).then_some(it)
                })?;
            Some(Change {
                id: update.id,
                from: Some(update.installed),
                to: Some(to),
            })
        })
        .collect();
    // A version that is not on offer yet, or not any more.
    if let (true, Some(version)) = (changes.is_empty(), version) {
        let installed = package_manager.versions_of(package).await?.into_iter();
        let newer = installed.filter(|(_, installed)| *installed < version);
        changes.extend(newer.map(|(id, installed)| Change {
            id,
            from: Some(installed),
            to: Some(version.clone()),
        }));
    }
    if changes.is_empty() {
        let sentence = format!(
            "{package} has nothing to keep away: no version that is newer than the installed one; `patchd check` lists what is on offer"
        );
        return Err(ControlError::failed(sentence, ExitCode::Usage));
    }
    Ok(changes)
}

/// A name that is in the book.
fn known<P>(parts: &Parts<P>, package: PackageName) -> Result<PackageName, ControlError> {
    let book = read(parts)?;
    let mut suspects = book.entries.iter().flat_map(|entry| &entry.suspects);
    if suspects.any(|suspect| suspect.is_of(&package)) {
        return Ok(package);
    }
    let sentence = format!("{package} is not in quarantine; `patchd quarantine` lists what is");
    Err(ControlError::failed(sentence, ExitCode::Usage))
}

/// The book.
pub(super) fn read<P>(parts: &Parts<P>) -> Result<Book, ControlError> {
    let path = parts.paths.worker.join(FILE);
    Book::read(&path).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::PermissionDenied => ControlError::NotPermitted {
            sentence: format!("{} is for root alone; run this with sudo", path.display()),
        },
        _ => ControlError::failed(
            format!(
                "cannot use {}: {cause}; move it away, and remove what patchd has pinned in the apt preferences",
                path.display()
            ),
            ExitCode::NeedsHuman,
        ),
    })
}
