//! Which stale units are restarted, in which order, and why not the others. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::never::is_never_restarted;
use crate::model::{OldCode, Owner, StaleUnit};
use crate::os::process::Process;
use crate::os::systemd::{ActiveState, Standing};
use crate::policy::{RestartWhen, Restarts};
use crate::running::stale::Stale;

/// What stale units are held against, beside how they stand.
#[derive(Debug)]
pub struct Terms<'a> {
    /// What the configuration says.
    pub settings: &'a Restarts,
    /// The unit that we run in ourselves.
    pub own: Option<&'a str>,
    /// Units that this run has restarted already, and the processes because of
    /// which it did.
    pub restarted: &'a BTreeMap<String, Vec<Process>>,
    /// Whether anything may be restarted in this run.
    pub allowed: bool,
}

/// What becomes of the stale units.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// To be restarted, in this order.
    pub due: Vec<Stale>,
    /// Left as they are, and why.
    pub left: Vec<StaleUnit>,
}

pub(super) fn judge(
    stale: Vec<Stale>,
    terms: &Terms<'_>,
    standings: &BTreeMap<String, Standing>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for stale in stale {
        match obstacle(&stale, terms, standings.get(&stale.code.unit)) {
            None => verdict.due.push(stale),
            Some(why) => verdict.left.push(left(&stale.code, why)),
        }
    }
    verdict.due = in_order(verdict.due, standings);
    verdict
}

/// A unit that goes on with old code.
pub(super) fn left(code: &OldCode, why: &str) -> StaleUnit {
    let file = code.files.first().map_or("", String::as_str);
    let name = file.rsplit('/').next().unwrap_or(file);
    StaleUnit {
        unit: code.unit.clone(),
        why: format!("it runs an old {name}; {why}"),
    }
}

/// Why a unit is not restarted.
fn obstacle(stale: &Stale, terms: &Terms<'_>, standing: Option<&Standing>) -> Option<&'static str> {
    let unit = stale.code.unit.as_str();
    let named = terms.settings.never.iter().any(|glob| glob.matches(unit));
    match stale.code.owner {
        Owner::User => return Some("it belongs to somebody who is logged in; it ends with them"),
        Owner::Container => {
            return Some("it is a container; its own image is what has to be patched");
        }
        Owner::Nobody => return Some("it belongs to no service; restart it as it was started"),
        Owner::Manager | Owner::Service => {}
    }
    // New processes with old code are another matter: something was installed since.
    let same = |known: &Vec<Process>| stale.processes.iter().all(|it| known.contains(it));
    if terms.restarted.get(unit).is_some_and(same) {
        return Some("it was restarted in this run, and processes of it outlived that");
    }
    if named {
        return Some("`[restart] never` names it; its owner restarts it");
    }
    if stale.code.owner == Owner::Service && is_never_restarted(unit) {
        return Some("too much hangs on it; a reboot brings the new code to life");
    }
    if is_own(unit) || terms.own == Some(unit) {
        return Some("patchd itself runs in it");
    }
    if terms.settings.when == RestartWhen::Never {
        return Some("`[restart] default` is \"never\"; its owner restarts it");
    }
    if !terms.allowed {
        return Some("this run restarts nothing; restart it, or leave it to the next window");
    }
    if stale.code.owner == Owner::Manager {
        return None;
    }
    let Some(standing) = standing else {
        return Some("systemd does not know it any more; end its processes by hand");
    };
    unfit(unit, standing)
}

fn unfit(unit: &str, standing: &Standing) -> Option<&'static str> {
    let of_a_socket = unit.contains('@')
        && standing
            .triggered_by
            .iter()
            .any(|trigger| trigger.ends_with(".socket"));
    if standing.refuses {
        Some("it refuses to be restarted by hand; a reboot restarts it")
    } else if standing.transient {
        Some("it was started by hand and cannot be started again by patchd; it ends by itself")
    } else if standing.kind == "oneshot" && standing.active == ActiveState::Activating {
        Some("it is a job at work; it ends by itself")
    } else if standing.kind == "oneshot" {
        Some("it is a job that was done, and would be done again; end what it left by hand")
    } else if of_a_socket {
        Some("it serves one connection; it ends with it")
    } else if !standing.active.is_up() {
        Some("it is not active, and processes of it are left; end them by hand")
    } else {
        None
    }
}

fn is_own(unit: &str) -> bool {
    unit == "patchd.service" || unit.starts_with("patchd-")
}

/// systemd itself first, then each service behind those that it starts after.
/// Where they wait for each other the name decides.
fn in_order(due: Vec<Stale>, standings: &BTreeMap<String, Standing>) -> Vec<Stale> {
    let mut waiting: BTreeMap<(bool, String), Stale> = due
        .into_iter()
        .map(|it| ((it.code.owner != Owner::Manager, it.code.unit.clone()), it))
        .collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names: BTreeSet<&str> = waiting.keys().map(|(_, name)| name.as_str()).collect();
        let is_free = |(_, name): &&(bool, String)| {
            let after = standings.get(name).map(|it| it.after.as_slice());
            let mut after = after.unwrap_or_default().iter();
            !after.any(|other| other != name && names.contains(other.as_str()))
        };
        let next = waiting
            .keys()
            .find(is_free)
            .or_else(|| waiting.keys().next());
        let Some(next) = next.cloned() else { break };
        ordered.extend(waiting.remove(&next));
    }
    ordered
}

#[cfg(test)]
mod tests;
