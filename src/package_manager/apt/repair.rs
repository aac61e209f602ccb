//! Bringing an unsound package database back, one careful step after the
//! other. Nothing is removed, and no exit code is believed: after each step
//! the audit tells.

use super::super::contract::Watch;
use super::super::fault::Fault;
use super::audit::{self, Record, Trouble};
use super::execution::{Log, perform};
use super::parse::simulation::{self, Step};
use super::transaction::Guarded;
use super::{commands, marks};
use crate::model::{PackageId, PackageName, Version};

/// What three rounds do not mend, a fourth will not.
const ROUNDS: usize = 3;

/// Repairs within bounds. Returns the steps that were taken; none when the
/// database was sound. What still is wrong, [`audit::audit`] tells.
pub async fn repair(with: &Guarded<'_>, watch: Watch<'_>) -> Result<Vec<String>, Fault> {
    let runner = with.runner;
    let mut steps = Vec::new();
    let mut before = audit::audit(runner).await?;
    for _ in 0..ROUNDS {
        if before.is_empty() {
            break;
        }
        round(with, &mut steps, watch).await?;
        let after = audit::audit(runner).await?;
        if after == before {
            break;
        }
        before = after;
    }
    Ok(steps)
}

/// Each rung of the ladder, until the database is sound.
async fn round(with: &Guarded<'_>, steps: &mut Vec<String>, watch: Watch<'_>) -> Result<(), Fault> {
    let Guarded {
        runner,
        stand_ins,
        folder,
    } = *with;
    let log = &Log::of(folder, "repair");
    // dpkg's own status lines are of another form, so its progress is not told.
    let configure = commands::configure_all(stand_ins);
    perform(runner, &configure, log, |_| Vec::new(), watch)
        .await?
        .untroubled()?;
    steps.push("dpkg --configure --pending".to_owned());
    if audit::audit(runner).await?.is_empty() {
        return Ok(());
    }
    let simulated = runner.ask(&commands::simulate_fix()).await?;
    let records = audit::records(runner).await?;
    let reason = excess(&simulated.text(), &records);
    if let Some(reason) = reason {
        steps.push(format!("left out apt-get --fix-broken install: {reason}"));
    } else if simulated.status == 0 {
        let fix = commands::fix(stand_ins);
        perform(runner, &fix, log, commands::apt_status, watch)
            .await?
            .untroubled()?;
        steps.push("apt-get --fix-broken install".to_owned());
    }
    let records = audit::records(runner).await?;
    let broken = in_a_mess(&records);
    if !broken.is_empty() {
        let names: Vec<String> = broken.iter().map(|(id, _)| id.to_string()).collect();
        marks::shield(folder)?;
        let command = commands::reinstall(broken, &marks::copy_in(folder), stand_ins);
        perform(runner, &command, log, commands::apt_status, watch)
            .await?
            .untroubled()?;
        steps.push(format!("apt-get --reinstall install {}", names.join(" ")));
    }
    Ok(())
}

/// Why this is more than a repair: it removes something, or brings a package
/// that is sound to another version, which no rule has looked at. Packages that
/// are broken, and new ones that they need, may come.
fn excess(simulated: &str, records: &[Record]) -> Option<String> {
    let Ok(simulation) = simulation::parse(simulated) else {
        return Some("its simulation says something that patchd does not know".to_owned());
    };
    let removed: Vec<&str> = simulation.removed().map(|it| it.name.as_str()).collect();
    if !removed.is_empty() {
        return Some(format!("it would remove {}", removed.join(", ")));
    }
    let is_broken = |name: &PackageName| {
        let mut broken = records.iter().filter(|record| record.trouble.is_some());
        broken.any(|record| record.id.name == *name)
    };
    let changed: Vec<&str> = simulation
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Install { named, from, .. } if from.is_some() && !is_broken(&named.name) => {
                Some(named.name.as_str())
            }
            Step::Install { .. } | Step::Remove { .. } => None,
        })
        .collect();
    (!changed.is_empty()).then(|| {
        format!(
            "it would change {}, which is not broken",
            changed.join(", ")
        )
    })
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
        assert_eq!(excess(text, &[]).as_deref(), Some("it would remove old"));
        assert_eq!(excess("Conf bad (2.0 Lab:stable [all])\n", &[]), None);
    }

    #[test]
    fn only_what_is_broken_is_changed_and_only_what_is_missing_is_new() {
        let broken = Record {
            id: PackageId::parse("bad", "all").expect("valid"),
            version: Version::try_from("1".to_owned()).ok(),
            trouble: Some(Trouble::Unpacked),
        };
        let records = [broken];
        let repair = "Inst needed (2.0 Lab:stable [all])\nInst bad [1.0] (2.0 Lab:stable [all])\n";
        assert_eq!(excess(repair, &records), None);
        let more = format!("{repair}Inst sound [1.0] (2.0 Lab:stable [all])\n");
        assert_eq!(
            excess(&more, &records).as_deref(),
            Some("it would change sound, which is not broken")
        );
        assert!(excess("Inst ?\n", &records).is_some());
    }
}
