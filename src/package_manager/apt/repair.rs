//! Bringing an unsound package database back, one careful step after the
//! other. Nothing is removed, and no exit code is believed: after each step
//! the audit tells.

use std::path::Path;

use super::super::contract::Watch;
use super::super::fault::Fault;
use super::audit::{self, Record, Trouble};
use super::execution::{Log, perform};
use super::{commands, marks};
use crate::model::{PackageId, Version};
use crate::os::command::Runner;

/// What three rounds do not mend, a fourth will not.
const ROUNDS: usize = 3;

/// Repairs within bounds. Returns the steps that were taken; none when the
/// database was sound. What still is wrong, [`audit::audit`] tells.
pub async fn repair(
    runner: &dyn Runner,
    folder: &Path,
    watch: Watch<'_>,
) -> Result<Vec<String>, Fault> {
    let mut steps = Vec::new();
    let mut before = audit::audit(runner).await?;
    for _ in 0..ROUNDS {
        if before.is_empty() {
            break;
        }
        round(runner, folder, &mut steps, watch).await?;
        let after = audit::audit(runner).await?;
        if after == before {
            break;
        }
        before = after;
    }
    Ok(steps)
}

/// Each rung of the ladder, until the database is sound.
async fn round(
    runner: &dyn Runner,
    folder: &Path,
    steps: &mut Vec<String>,
    watch: Watch<'_>,
) -> Result<(), Fault> {
    let log = &Log::of(folder, "repair");
    // dpkg's own status lines are of another form, so its progress is not told.
    perform(&commands::configure_all(), log, |_| Vec::new(), watch)
        .await?
        .untroubled()?;
    steps.push("dpkg --configure --pending".to_owned());
    if audit::audit(runner).await?.is_empty() {
        return Ok(());
    }
    let simulated = runner.ask(&commands::simulate_fix()).await?;
    let removed = removals(&simulated.text());
    if !removed.is_empty() {
        steps.push(format!(
            "left out apt-get --fix-broken install: it would remove {}",
            removed.join(", ")
        ));
    } else if simulated.status == 0 {
        perform(&commands::fix(), log, commands::apt_status, watch)
            .await?
            .untroubled()?;
        steps.push("apt-get --fix-broken install".to_owned());
    }
    let records = audit::records(runner).await?;
    let broken = in_a_mess(&records);
    if !broken.is_empty() {
        let names: Vec<String> = broken.iter().map(|(id, _)| id.to_string()).collect();
        marks::shield(folder)?;
        let command = commands::reinstall(broken, &marks::copy_in(folder));
        perform(&command, log, commands::apt_status, watch)
            .await?
            .untroubled()?;
        steps.push(format!("apt-get --reinstall install {}", names.join(" ")));
    }
    Ok(())
}

/// `Remv NAME [VERSION]` lines of a simulation.
fn removals(simulated: &str) -> Vec<String> {
    simulated
        .lines()
        .filter_map(|line| line.strip_prefix("Remv "))
        .filter_map(|rest| rest.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// Packages whose files only their archive brings back.
fn in_a_mess(records: &[Record]) -> Vec<(&PackageId, &Version)> {
    records
        .iter()
        .filter(|record| record.trouble == Some(Trouble::MustBeReinstalled))
        .filter_map(|record| Some((&record.id, record.version.as_ref()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_that_removes_is_recognised() {
        let text = "NOTE: This is only a simulation!\nRemv old [1.0]\nInst killer [1.0] (2.0 Lab:stable [all])\nConf killer (2.0 Lab:stable [all])\n";
        assert_eq!(removals(text), ["old"]);
        assert!(removals("Conf bad (2.0 Lab:stable [all])\n").is_empty());
    }
}
