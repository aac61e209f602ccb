//! What is open, in documents.

use super::{time, word};
use crate::control::document;
use crate::daemon::vulnerabilities::{OpenSource, Vulnerabilities};
use crate::model::{Life, PackageId};
use crate::vulnerability::{Case, Doubt};

pub(super) fn summary(found: &Vulnerabilities) -> document::Vulnerabilities {
    let tally = found.tally;
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    document::Vulnerabilities {
        affected: count(tally.affected),
        fix_pending: count(tally.fix_pending),
        fix_not_enabled: count(tally.fix_not_enabled),
        no_fix: count(tally.no_fix),
        wont_fix: count(tally.wont_fix),
        undetermined: count(tally.undetermined),
        unimportant: count(tally.unimportant),
        unknown_packages: count(tally.unknown_packages),
        unknown: found.unknown.iter().map(unknown).collect(),
    }
}

pub(super) fn vulnerable(open: &OpenSource) -> Option<document::Vulnerable> {
    let same_name = |id: &&PackageId| id.name == open.source.name;
    let named = open.packages.iter().find(same_name);
    let package = named.or(open.packages.first())?;
    let others = open.packages.iter().filter(|id| *id != package);
    Some(document::Vulnerable {
        package: package.name.to_string(),
        architecture: package.architecture.to_string(),
        also: others.map(PackageId::to_string).collect(),
        source: open.source.name.to_string(),
        version: open.source.version.to_string(),
        cves: open.cases.iter().map(cve).collect(),
    })
}

pub(super) fn cve(case: &Case) -> document::Cve {
    let (life, by) = match &case.life {
        None => (None, Vec::new()),
        Some(life) => (Some(stage(life).to_owned()), by(life)),
    };
    document::Cve {
        id: case.id.to_string(),
        verdict: word(&case.verdict),
        fix: case.fix.as_ref().map(word),
        fixed: case.fixed.as_ref().map(ToString::to_string),
        channel: case.channel.clone(),
        advisory: case.label.clone(),
        severity: case.severity.map(|it| it.to_string()),
        tier: case.tier.to_string(),
        life,
        by,
        due: case.due.map(time),
        reason: case.reason.clone(),
    }
}

fn unknown((why, packages): (&Doubt, &Vec<String>)) -> document::Unknown {
    document::Unknown {
        reason: why.to_string(),
        packages: packages.clone(),
    }
}

fn stage(life: &Life) -> &'static str {
    match life {
        Life::Pending => "pending",
        Life::Soaking => "soaking",
        Life::Held => "held",
        Life::Blocked { .. } => "blocked",
        Life::OnDisk => "on-disk",
        Life::NeedsRestart { .. } => "needs-restart",
        Life::NeedsReboot => "needs-reboot",
        Life::Live => "live",
    }
}

fn by(life: &Life) -> Vec<String> {
    match life {
        Life::Blocked { by } => vec![by.clone()],
        Life::NeedsRestart { units } => units.clone(),
        _ => Vec::new(),
    }
}
