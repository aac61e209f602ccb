//! Keeping versions away: the book says which and why, the package manager does
//! it. Somebody who removes a pin by hand is heeded, so a pin must never be
//! missing while the book wants it: it is written before and removed after.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::desk::Desk;
use super::phases::{refusal, unable};
use super::tools::{Done, Tools};
use crate::model::{
    Change, KeptAway, PackageId, PackageName, Plan, Quarantining, Refusal, Report, Suspicion,
    Version,
};
use crate::os::clock;
use crate::package_manager::PackageManager;
use crate::quarantine::{Accusation, Book, FILE, Seen, Suspect};

impl<P: PackageManager> Tools<'_, P> {
    /// What a new run does first: lets in what has settled itself, and where a
    /// culprit is searched, the next half. A book that cannot be read changes
    /// nothing: the pins stay as they are.
    pub async fn review_quarantine(&self, desk: &mut Desk<'_>) {
        if let Err(fault) = self.review_and_try(desk).await {
            desk.note(format!("the quarantine stays as it is: {fault}"));
        }
    }

    async fn review_and_try(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let mut book = self.reviewed(desk).await?;
        for Suspect { source, .. } in book.try_halves() {
            desk.note(format!(
                "{source} is let in on trial, to find out what did harm"
            ));
        }
        self.keep(&book).await
    }

    /// Writes harms down, and lets versions in again.
    pub async fn quarantine(&self, desk: &mut Desk<'_>, wish: &Quarantining) -> Done {
        let mut book = self.reviewed(desk).await?;
        let run = desk.run();
        // A source has packages of several architectures, and is told once.
        let mut accused = BTreeSet::new();
        for suspicion in &wish.add {
            let accusation = self.accusation(suspicion).await?;
            accused.extend(accusation.suspects.iter().flat_map(Suspect::versions));
            book.accuse(accusation, run, clock::now());
        }
        for name in &wish.lift {
            book.lift(name);
        }
        self.keep(&book).await?;
        let told = accused.iter().filter_map(|kept| {
            let entry = book.entry_of(kept)?;
            Some(format!(
                "{kept} is kept away until {:.0}: {}",
                entry.until, entry.reason
            ))
        });
        Ok(Report::Quarantine {
            kept_away: told.collect(),
        })
    }

    /// Refuses a plan with a version that both the book and the package manager
    /// keep away.
    pub async fn not_in_quarantine(&self, plan: &Plan) -> Result<(), Refusal> {
        let Ok(book) = Book::read(&self.book_path()) else {
            return Ok(());
        };
        if book.entries.is_empty() {
            return Ok(());
        }
        let pins = self.pins().await?;
        let suspects = book.entries.iter().flat_map(|entry| &entry.suspects);
        let mut kept = suspects
            .filter(|it| !it.on_trial && it.versions().all(|version| pins.contains(&version)))
            .flat_map(|suspect| &suspect.changes);
        let same = |kept: &Change, change: &Change| kept.id == change.id && kept.to == change.to;
        let found = kept.find(|kept| plan.changes().iter().any(|change| same(kept, change)));
        match found {
            None => Ok(()),
            Some(change) => Err(Refusal::Invalid {
                detail: format!("{change} is in quarantine; see `patchd quarantine`"),
            }),
        }
    }

    /// The book as it stands now.
    async fn reviewed(&self, desk: &mut Desk<'_>) -> Result<Book, Refusal> {
        let mut book = Book::read(&self.book_path()).map_err(|cause| unable(&cause))?;
        let manager = self.package_manager;
        let installed = manager.installed(&book.packages()).await;
        let pins = self.pins().await?;
        let seen = Seen {
            pins: &pins,
            installed: &installed.map_err(refusal)?,
            now: clock::now(),
        };
        for sentence in book.review(&seen) {
            desk.note(sentence);
        }
        Ok(book)
    }

    /// Has the book kept: whoever is cut short in here finds pins too many, and
    /// none too few.
    async fn keep(&self, book: &Book) -> Result<(), Refusal> {
        let before = self.pins().await?;
        let after = book.kept_away();
        let both: BTreeSet<KeptAway> = before.union(&after).cloned().collect();
        if both != before {
            self.pin(&both).await?;
        }
        if *book != Book::read(&self.book_path()).map_err(|cause| unable(&cause))? {
            book.write(&self.book_path())
                .map_err(|cause| unable(&cause))?;
        }
        if after != both {
            self.pin(&after).await?;
        }
        Ok(())
    }

    async fn pins(&self) -> Result<BTreeSet<KeptAway>, Refusal> {
        self.package_manager.kept_away().await.map_err(refusal)
    }

    async fn pin(&self, versions: &BTreeSet<KeptAway>) -> Result<(), Refusal> {
        let kept = self.package_manager.keep_away(versions).await;
        kept.map_err(refusal)
    }

    /// What is built from one source is suspected together.
    async fn accusation(&self, suspicion: &Suspicion) -> Result<Accusation, Refusal> {
        let came = suspicion.changes.iter().filter_map(|change| {
            let to = change.to.clone()?;
            Some((change.id.clone(), to))
        });
        let came: Vec<(PackageId, Version)> = came.collect();
        let sources = self.package_manager.sources(&came).await.map_err(refusal)?;
        let mut changes: BTreeMap<PackageName, Vec<Change>> = BTreeMap::new();
        for change in suspicion.changes.iter().filter(|it| !it.is_removal()) {
            let source = sources.get(&change.id).unwrap_or(&change.id.name);
            changes
                .entry(source.clone())
                .or_default()
                .push(change.clone());
        }
        let suspects = changes.into_iter().map(|(source, changes)| Suspect {
            source,
            changes,
            on_trial: false,
        });
        let mut suspects: Vec<Suspect> = suspects.collect();
        // What is new came because something else wants it, and stays away with that.
        let is_new = |it: &Suspect| it.changes.iter().all(|change| change.from.is_none());
        if !suspects.iter().all(is_new) {
            suspects.retain(|it| !is_new(it));
        }
        Ok(Accusation {
            known: suspicion.known || suspects.len() == 1,
            suspects,
            reason: suspicion.reason.clone(),
            evidence: suspicion.evidence.clone(),
        })
    }

    fn book_path(&self) -> PathBuf {
        self.root.join(FILE)
    }
}
