//! The merged values as everybody's settings.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::conduct;
use super::fault::Fault;
use super::layers::Layers;
use super::node::Node;
use super::reachable;
use super::told;
use super::urgency;
use crate::model::{Action, Exception};
use crate::os::net;
use crate::policy::{Rule, Then, When};
use crate::schedule::{CatchUp, Freeze, Schedule};
use crate::verify::{Check, Probe};
use crate::{feeds, notify, package_manager, policy, schedule, verify, vulnerability};

/// How long one attempt of a probe may take unless it says otherwise.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// What every component gets its part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// When something starts by itself.
    pub schedules: schedule::Settings,
    /// By name; "default" is always there.
    pub policies: BTreeMap<String, policy::Settings>,
    /// Services that still run old code.
    pub restarts: policy::Restarts,
    /// Restore points.
    pub rollbacks: policy::Rollbacks,
    /// Programs of the operator's.
    pub hooks: policy::Hooks,
    /// For looking at the patched machine.
    pub verify: verify::Settings,
    /// For the package manager.
    pub package_manager: package_manager::Settings,
    /// Until when a fix must be live.
    pub deadline: vulnerability::Settings,
    /// For what is published about vulnerabilities.
    pub feeds: feeds::Settings,
    /// For whatever we fetch or send.
    pub network: net::Settings,
    /// Who is told.
    pub notify: notify::Settings,
    /// Vulnerabilities that the operator lives with.
    pub exceptions: Vec<Exception>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            schedules: schedule::Settings::default(),
            policies: BTreeMap::from([("default".to_owned(), policy::Settings::default())]),
            restarts: policy::Restarts::default(),
            rollbacks: policy::Rollbacks::default(),
            hooks: policy::Hooks::default(),
            verify: verify::Settings::default(),
            package_manager: package_manager::Settings::default(),
            deadline: vulnerability::Settings::default(),
            feeds: feeds::Settings::default(),
            network: net::Settings::default(),
            notify: notify::Settings::default(),
            exceptions: Vec::new(),
        }
    }
}

/// The last stage.
pub(super) struct Checked {
    pub settings: Settings,
    pub warnings: Vec<Fault>,
}

impl Checked {
    /// Each file was found sound, so this fails only if we are at fault ourselves.
    pub fn of(layers: &Layers) -> Result<Self, Fault> {
        let root = &layers.root;
        let mut policies = BTreeMap::new();
        let mut warnings = Vec::new();
        for (name, node) in root.named("policy") {
            let (nodes, policy) = read_policy(node)?;
            reachable::warn(&nodes, &policy.rules, &mut warnings);
            policies.insert(name.clone(), policy);
        }
        let settings = Settings {
            schedules: read_schedules(root)?,
            policies,
            restarts: conduct::restarts(section(root, "restart")?)?,
            rollbacks: conduct::rollbacks(section(root, "rollback")?)?,
            hooks: conduct::hooks(section(root, "hooks")?)?,
            verify: read_verify(section(root, "verify")?)?,
            package_manager: read_package_manager(section(root, "package_manager")?)?,
            deadline: urgency::deadline(section(root, "deadline")?)?,
            feeds: read_feeds(section(root, "feeds")?)?,
            network: net::Settings {
                proxy: own_text(root.get("network"), "proxy"),
            },
            notify: told::receivers(root)?,
            exceptions: told::exceptions(root)?,
        };
        Ok(Self { settings, warnings })
    }
}

fn read_schedules(root: &Node) -> Result<schedule::Settings, Fault> {
    let named = root.named("schedule");
    let schedules = named.map(|(name, node)| Ok((name.clone(), read_schedule(node)?)));
    let freezes = root.tables("freeze").iter().map(read_freeze);
    Ok(schedule::Settings {
        schedules: schedules.collect::<Result<_, _>>()?,
        freezes: freezes.collect::<Result<_, _>>()?,
    })
}

fn read_schedule(node: &Node) -> Result<Schedule, Fault> {
    let text = |key: &str| node.text(key).ok_or_else(|| ours(node));
    let length = |key: &str| {
        let length = node.duration(key).ok_or_else(|| ours(node))?;
        SignedDuration::try_from(length).map_err(|_| ours(node))
    };
    let timezone = node.text("timezone").map(TimeZone::get);
    Ok(Schedule {
        cron: text("cron")?.parse().map_err(|_| ours(node))?,
        timezone: timezone.transpose().map_err(|_| ours(node))?,
        action: match text("action")? {
            "check" => Action::Check,
            "patch" => Action::Patch,
            _ => return Err(ours(node)),
        },
        policy: text("policy")?.to_owned(),
        window: length("window")?,
        spread: length("spread")?,
        catch_up: match text("catch_up")? {
            "next-window" => CatchUp::NextWindow,
            "now" => CatchUp::Now,
            "skip" => CatchUp::Skip,
            _ => return Err(ours(node)),
        },
    })
}

fn read_freeze(node: &Node) -> Result<Freeze, Fault> {
    let day = |key: &str| {
        let day = node.text(key).and_then(|text| text.parse::<Date>().ok());
        day.ok_or_else(|| ours(node))
    };
    let reason = node.text("reason").ok_or_else(|| ours(node))?;
    Ok(Freeze {
        from: day("from")?,
        to: day("to")?,
        reason: reason.to_owned(),
    })
}

/// The rules with their nodes, in the order in which they are asked.
fn read_policy(node: &Node) -> Result<(Vec<&Node>, policy::Settings), Fault> {
    let nodes: Vec<&Node> = ["rule_before", "rule", "rule_after"]
        .iter()
        .flat_map(|key| node.tables(key))
        .collect();
    let rules = nodes.iter().map(|node| rule(node));
    let settings = policy::Settings {
        removals: node.patterns("removals").ok_or_else(|| ours(node))?,
        rules: rules.collect::<Result<_, _>>()?,
        conduct: conduct::conduct(node)?,
    };
    Ok((nodes, settings))
}

fn rule(node: &Node) -> Result<Rule, Fault> {
    let then = match node.text("then") {
        Some("install") => Then::Install,
        Some("hold") => Then::Hold,
        Some("reject") => Then::Reject,
        Some("check") => Then::Check,
        _ => return Err(ours(node)),
    };
    let soak = node.duration("soak").map(SignedDuration::try_from);
    Ok(Rule {
        when: match node.get("when") {
            Some(node) => urgency::about_remedy(node, when(node))?,
            None => When::default(),
        },
        then,
        soak: soak.transpose().map_err(|_| ours(node))?,
        reason: node.text("reason").map(str::to_owned),
    })
}

fn when(node: &Node) -> When {
    When {
        package: node.patterns("package"),
        source: node.patterns("source"),
        origin: node.patterns("origin"),
        security: node.flag("security"),
        kernel: node.flag("kernel"),
        needs_reboot: node.flag("needs_reboot"),
        ..When::default()
    }
}

fn read_verify(node: &Node) -> Result<verify::Settings, Fault> {
    Ok(verify::Settings {
        retries: node.count("retries").ok_or_else(|| ours(node))?,
        interval: node.duration("interval").ok_or_else(|| ours(node))?,
        probes: node
            .tables("probe")
            .iter()
            .map(probe)
            .collect::<Result<_, _>>()?,
    })
}

fn probe(node: &Node) -> Result<Probe, Fault> {
    let text = |key: &str| node.text(key).map(str::to_owned);
    let check = text("http")
        .map(Check::Http)
        .or_else(|| text("tcp").map(Check::Tcp))
        .or_else(|| node.texts("command").map(Check::Command))
        .or_else(|| text("unit").map(Check::Unit));
    Ok(Probe {
        name: text("name").ok_or_else(|| ours(node))?,
        check: check.ok_or_else(|| ours(node))?,
        rehearse: node.flag("rehearse").unwrap_or(false),
        timeout: node.duration("timeout").unwrap_or(PROBE_TIMEOUT),
        retries: node.count("retries"),
    })
}

fn read_package_manager(node: &Node) -> Result<package_manager::Settings, Fault> {
    Ok(package_manager::Settings {
        lock_wait: node.duration("lock_wait").ok_or_else(|| ours(node))?,
        script_timeout: node.duration("script_timeout").ok_or_else(|| ours(node))?,
        stale_after: node.duration("stale_after").ok_or_else(|| ours(node))?,
    })
}

fn read_feeds(node: &Node) -> Result<feeds::Settings, Fault> {
    let length = |key| node.duration(key).ok_or_else(|| ours(node));
    Ok(feeds::Settings {
        interval: length("interval")?,
        kev_interval: length("kev_interval")?,
        stale_after: length("stale_after")?,
        mirror: own_text(Some(node), "mirror"),
    })
}

/// What has no default.
fn own_text(node: Option<&Node>, key: &str) -> Option<String> {
    node?.text(key).map(str::to_owned)
}

fn section<'a>(root: &'a Node, key: &str) -> Result<&'a Node, Fault> {
    root.get(key).ok_or_else(|| ours(root))
}

/// The stages disagree: that is not the operator's fault.
pub(super) fn ours(node: &Node) -> Fault {
    Fault::at(
        &node.origin,
        "patchd cannot use this although it found no fault in it",
        "this is a fault of patchd; report it with this file",
    )
}
