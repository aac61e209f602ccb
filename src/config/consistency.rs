//! Faults of a table as a whole: each key is sound, together they are not.

use std::collections::BTreeMap;

use super::duration;
use super::fault::Fault;
use super::keys::Kind;
use super::leaf;
use super::node::Node;
use super::suggestion;

/// The schedule that is there where no file has one.
const BUILT_IN: &str = "nightly";

/// How many schedules there may be.
const SCHEDULES: usize = 100;

/// For tables whose keys do not depend on each other.
pub(super) fn nothing(_: &Node, _: &mut Vec<Fault>) {}

/// `soak` on anything but an install would be read as a delay and be none.
pub(super) fn soak_only_delays_an_install(rule: &Node, faults: &mut Vec<Fault>) {
    if let (Some(soak), Some(then)) = (rule.get("soak"), rule.text("then"))
        && then != "install"
    {
        let what = format!("\"soak\" has no meaning with then = {then:?}");
        let advice = "remove \"soak\", or write then = \"install\"";
        faults.push(Fault::at(&soak.origin, what, advice));
    }
}

/// Else the last hosts would have their turn when nothing may start any more.
pub(super) fn spread_is_shorter_than_the_window(schedule: &Node, faults: &mut Vec<Fault>) {
    let (Some(spread), Some(window)) = (schedule.duration("spread"), schedule.duration("window"))
    else {
        return;
    };
    // The one that the operator has written.
    let written = ["spread", "window"].map(|key| schedule.get(key).map(|node| &node.origin));
    let origin = written
        .into_iter()
        .flatten()
        .find(|origin| !origin.source.is_built_in());
    if let Some(origin) = origin
        && spread >= window
    {
        let [spread, window] = [spread, window].map(duration::write);
        let what = format!("hosts are spread over {spread}, and the window closes after {window}");
        let advice = "make \"spread\" shorter (\"0s\" for none), or \"window\" longer";
        faults.push(Fault::at(origin, what, advice));
    }
}

/// Days are written so that their texts sort as they do.
pub(super) fn a_freeze_ends_after_it_begins(freeze: &Node, faults: &mut Vec<Fault>) {
    if let (Some(from), Some(to), Some(node)) =
        (freeze.text("from"), freeze.text("to"), freeze.get("to"))
        && to < from
    {
        let what = format!("the freeze ends on {to}, before it begins on {from}");
        faults.push(Fault::at(
            &node.origin,
            what,
            "exchange the two, or mend the year",
        ));
    }
}

/// What can be said only of all files together. `complete`: no file was
/// unreadable, so that what is not there was written nowhere.
pub(super) fn of_schedules(root: &Node, complete: bool, faults: &mut Vec<Fault>) {
    let policies: Vec<&str> = root
        .named("policy")
        .map(|(name, _)| name.as_str())
        .collect();
    let mut found = Vec::new();
    for (name, schedule) in root.named("schedule") {
        spread_is_shorter_than_the_window(schedule, &mut found);
        let own = |key: &str| {
            let node = schedule.get(key)?;
            (!node.origin.source.is_built_in()).then_some(node)
        };
        if own("cron").is_none() && name != BUILT_IN {
            let what = format!("\"cron\" is missing in the schedule {name:?}");
            let advice = format!("add \"cron\": {}", leaf::expected(&Kind::Cron));
            found.push(Fault::at(&schedule.origin, what, advice));
        }
        if let (Some(node), Some(policy)) = (own("policy"), schedule.text("policy"))
            && complete
            && !policies.contains(&policy)
        {
            let what = format!("there is no policy {policy:?}");
            let known = policies.join(", ");
            let advice = match suggestion::nearest(policy, policies.iter().copied()) {
                Some(near) => format!("did you mean {near:?}? there is {known}"),
                None => format!("add [policy.{policy}], or write one of {known}"),
            };
            found.push(Fault::at(&node.origin, what, advice));
        }
    }
    let last = root.named("schedule").map(|(_, schedule)| schedule).last();
    let count = root.named("schedule").count();
    if let Some(last) = last
        && count > SCHEDULES
    {
        let what = format!("there are {count} schedules, more than {SCHEDULES}");
        found.push(Fault::at(&last.origin, what, "join some of them"));
    }
    // What one file says of itself was found in it before.
    found.retain(|fault| !faults.contains(fault));
    faults.append(&mut found);
}

/// A secret signs webhooks and a server takes mail: with another way of telling
/// they would be read as doing something, and do nothing.
pub(super) fn what_belongs_to_one_way_of_telling(receiver: &Node, faults: &mut Vec<Fault>) {
    for (key, way) in [("secret", "webhook"), ("smtp", "email")] {
        if let Some(node) = receiver.get(key)
            && receiver.get(way).is_none()
        {
            let what = format!("{key:?} has no meaning without {way:?}");
            let advice = format!("remove {key:?}, or tell by {way}");
            let fault = Fault::at(&node.origin, what, advice);
            // Somebody may have written the secret itself.
            faults.push(if key == "secret" {
                fault.secret()
            } else {
                fault
            });
        }
    }
}

/// Reports tell probes apart by their names.
pub(super) fn probe_names_are_unique(verify: &Node, faults: &mut Vec<Fault>) {
    let mut seen = BTreeMap::new();
    for probe in verify.tables("probe") {
        let (Some(node), Some(name)) = (probe.get("name"), probe.text("name")) else {
            continue;
        };
        if let Some(first) = seen.get(name) {
            let what = format!("two probes have the name {name:?}");
            let advice = format!("give this one another name; line {first} has it already");
            faults.push(Fault::at(&node.origin, what, advice));
        } else {
            seen.insert(name, node.origin.position().0);
        }
    }
}
