//! What happens around a transaction, as everybody's settings.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::checked::ours;
use super::fault::Fault;
use super::node::Node;
use crate::model::{Conduct, HookPoint, Reboot, Restore};
use crate::policy::{Hooks, RestartWhen, Restarts, Rollbacks};

/// How a policy's runs go about their plans.
pub(super) fn conduct(node: &Node) -> Result<Conduct, Fault> {
    let word = |key: &str| node.text(key).ok_or_else(|| ours(node));
    Ok(Conduct {
        reboot: match word("reboot")? {
            "never" => Reboot::Never,
            "when-needed" => Reboot::WhenNeeded,
            "always" => Reboot::Always,
            _ => return Err(ours(node)),
        },
        reboot_deadline: length(node, "reboot_deadline")?,
        rehearse: node.flag("rehearse").ok_or_else(|| ours(node))?,
        unproven_stops: word("rehearse_unproven")? == "stop",
        roll_back: word("rollback")? == "auto",
        restore: match word("restore")? {
            "full" => Restore::Full,
            "packages-only" => Restore::PackagesOnly,
            _ => return Err(ours(node)),
        },
    })
}

pub(super) fn restarts(node: &Node) -> Result<Restarts, Fault> {
    Ok(Restarts {
        when: match node.text("default") {
            Some("now") => RestartWhen::Now,
            Some("window") => RestartWhen::Window,
            Some("never") => RestartWhen::Never,
            _ => return Err(ours(node)),
        },
        never: node.patterns("never").ok_or_else(|| ours(node))?,
    })
}

pub(super) fn rollbacks(node: &Node) -> Result<Rollbacks, Fault> {
    Ok(Rollbacks {
        never: node.patterns("never").ok_or_else(|| ours(node))?,
        keep: node.count("keep").ok_or_else(|| ours(node))?,
        keep_for: length(node, "keep_for")?,
    })
}

pub(super) fn hooks(node: &Node) -> Result<Hooks, Fault> {
    let mut programs = BTreeMap::new();
    for point in HookPoint::ALL {
        let paths = node.texts(&point.to_string()).ok_or_else(|| ours(node))?;
        if !paths.is_empty() {
            programs.insert(point, paths);
        }
    }
    Ok(Hooks {
        timeout: node.duration("timeout").ok_or_else(|| ours(node))?,
        programs,
    })
}

fn length(node: &Node, key: &str) -> Result<SignedDuration, Fault> {
    let length = node.duration(key).ok_or_else(|| ours(node))?;
    SignedDuration::try_from(length).map_err(|_| ours(node))
}
