//! When each version was first seen on offer, and since when a reboot is owed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;

use super::ledger::{Ledger, LedgerError};
use crate::model::{PackageId, PendingUpdate, Version};

/// One version of one package at its first sight: version, whether it was a
/// security fix, when.
pub type Sight = (Version, bool, Timestamp);

impl Ledger {
    /// Starts the clock of every version that was not seen before.
    pub fn see(&mut self, updates: &[PendingUpdate], now: Timestamp) -> Result<(), LedgerError> {
        let write = |ledger: &mut Self| {
            let transaction = ledger.begin()?;
            {
                let mut insert = transaction.prepare(
                    "INSERT INTO seen (package, architecture, version, security, at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET security = max(security, excluded.security)",
                )?;
                for update in updates {
                    for offer in &update.offers {
                        insert.execute(params![
                            update.id.name.as_str(),
                            update.id.architecture.as_str(),
                            offer.version.as_str(),
                            offer.security() == Some(true),
                            now.to_string()
                        ])?;
                    }
                }
            }
            transaction.commit()
        };
        write(self).map_err(|cause| self.error(cause))
    }

    /// Every first sight of these packages.
    pub fn sights(
        &self,
        updates: &[PendingUpdate],
    ) -> Result<BTreeMap<PackageId, Vec<Sight>>, LedgerError> {
        let mut sights = BTreeMap::new();
        for update in updates {
            let rows = self.rows(&update.id).map_err(|cause| self.error(cause))?;
            let understood = rows.into_iter().map(|(version, security, at)| {
                let version = Version::try_from(version)
                    .map_err(|cause| self.content("a version", &cause))?;
                Ok((version, security, self.time(&at)?))
            });
            sights.insert(
                update.id.clone(),
                understood.collect::<Result<_, LedgerError>>()?,
            );
        }
        Ok(sights)
    }

    /// Keeps since when each reason for a reboot holds, forgets those that hold
    /// no longer, and returns the earliest.
    pub fn owe_reboot(
        &mut self,
        reasons: &[String],
        now: Timestamp,
    ) -> Result<Option<Timestamp>, LedgerError> {
        let write = |ledger: &mut Self| {
            let transaction = ledger.begin()?;
            let known: Vec<String> = transaction
                .prepare("SELECT reason FROM reboot")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let held = |reason: &&String| reasons.iter().any(|it| kind(it) == reason.as_str());
            for gone in known.iter().filter(|reason| !held(reason)) {
                transaction.execute("DELETE FROM reboot WHERE reason = ?1", [gone])?;
            }
            for reason in reasons {
                let at = now.to_string();
                transaction.execute(
                    "INSERT OR IGNORE INTO reboot (reason, since) VALUES (?1, ?2)",
                    [kind(reason), &at],
                )?;
            }
            let since =
                transaction.query_row("SELECT min(since) FROM reboot", [], |row| row.get(0))?;
            transaction.commit()?;
            Ok(since)
        };
        let since: Option<String> = write(self).map_err(|cause| self.error(cause))?;
        since.map(|text| self.time(&text)).transpose()
    }

    fn rows(&self, id: &PackageId) -> rusqlite::Result<Vec<(String, bool, String)>> {
        let query =
            "SELECT version, security, at FROM seen WHERE package = ?1 AND architecture = ?2";
        let mut statement = self.database.prepare(query)?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        statement
            .query_map([id.name.as_str(), id.architecture.as_str()], read)?
            .collect()
    }
}

/// `kernel: 6.1.0-56 is installed …` is about the kernel, whichever comes next.
fn kind(reason: &str) -> &str {
    reason.split(':').next().unwrap_or(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_kernel_does_not_start_the_clock_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ledger = Ledger::open(&folder.path().join("ledger.db")).expect("opened");
        let at = |second| Timestamp::from_second(second).expect("in range");
        let owe = |ledger: &mut Ledger, reason: &str, second| {
            ledger
                .owe_reboot(&[reason.to_owned()], at(second))
                .expect("kept")
        };
        assert_eq!(
            owe(&mut ledger, "kernel: 2 is installed and 1 runs", 10),
            Some(at(10))
        );
        assert_eq!(
            owe(&mut ledger, "kernel: 3 is installed and 1 runs", 20),
            Some(at(10))
        );
    }

    #[test]
    fn a_reboot_is_owed_since_its_first_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ledger = Ledger::open(&folder.path().join("ledger.db")).expect("opened");
        let at = |second| Timestamp::from_second(second).expect("in range");
        let kernel = "kernel".to_owned();
        assert_eq!(
            ledger
                .owe_reboot(std::slice::from_ref(&kernel), at(10))
                .expect("kept"),
            Some(at(10))
        );
        assert_eq!(
            ledger
                .owe_reboot(&[kernel, "libc".to_owned()], at(20))
                .expect("kept"),
            Some(at(10))
        );
        assert_eq!(
            ledger
                .owe_reboot(&["libc".to_owned()], at(30))
                .expect("kept"),
            Some(at(20))
        );
        assert_eq!(ledger.owe_reboot(&[], at(40)).expect("kept"), None);
    }
}
