//! Rebuilds every package of a whole root, for `tests/lab/rebuilt`, which
//! compares them with those of the archive. Without that root there is nothing
//! to do.

use std::collections::BTreeMap;
use std::path::Path;

use patchd::model::{Change, PackageId, Plan, RunId, Version};
use patchd::restore::{Course, Keeping, Site, delete, ready, take};

#[expect(
    clippy::disallowed_methods,
    reason = "the script says where its root is"
)]
fn root() -> Option<String> {
    std::env::var("PATCHD_REBUILD_ROOT").ok()
}

/// Everything that is installed, as if it were to be replaced.
fn all_of(root: &Path) -> Plan {
    let status = std::fs::read_to_string(root.join("var/lib/dpkg/status")).expect("readable");
    let field = |stanza: &str, name: &str| {
        let line = stanza.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let version = |text: String| Version::try_from(text).expect("valid");
    let installed = status
        .split("\n\n")
        .filter(|stanza| stanza.contains("Status: install ok installed"));
    let change = |stanza: &str| {
        let name = field(stanza, "Package:")?;
        let installed = field(stanza, "Version:")?;
        Some(Change {
            id: PackageId::parse(&name, &field(stanza, "Architecture:")?).expect("valid"),
            from: Some(version(installed.clone())),
            to: Some(version(format!("{installed}+newer"))),
        })
    };
    Plan::new(installed.filter_map(change).collect())
}

#[test]
fn a_root_s_packages_are_rebuilt() {
    let Some(root) = root() else { return };
    let root = Path::new(&root);
    let site = Site::below(root).expect("there");
    let plan = all_of(root);
    let hundred = Plan::new(plan.changes().iter().take(100).cloned().collect());
    let small = RunId::new(2, 1);
    let point = take(&site, small, &hundred, &Keeping::Files).expect("taken");
    println!("a point of a hundred packages: {point:?}");
    assert!(point.bytes <= 15_000_000, "too large");
    delete(&site, small).expect("deleted");
    let run = RunId::new(1, 1);
    let point = take(&site, run, &plan, &Keeping::Files).expect("taken");
    println!("taken: {point:?}");
    let course = Course {
        back: plan.changes().iter().map(Change::reversed).collect(),
        ..Course::default()
    };
    let way = ready(&site, run, &course, &BTreeMap::new()).expect("whole");
    let way = way.expect("nothing is wanting");
    assert_eq!(way.files.len(), plan.changes().len());
}
