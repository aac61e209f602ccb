//! Faults of a table as a whole: each key is sound, together they are not.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::node::Node;

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
