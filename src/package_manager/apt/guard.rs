//! The guard between apt and dpkg. apt tells it what it is about to do
//! (`DPkg::Pre-Install-Pkgs`, protocol version 3) and starts dpkg only when it
//! succeeds: when that is the plan, line for line.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::{Change, Plan};
use crate::os::files;

/// The file beside the plan in which the guard tells what it found.
pub const VERDICT: &str = "guard.json";

/// No transaction of any machine is described in more.
const INPUT_CAP: u64 = 16 << 20;

/// No plan is longer.
const PLAN_CAP: u64 = 16 << 20;

/// What the guard found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// A sentence each; none when apt is about to do exactly the plan.
    pub differences: Vec<String>,
}

/// One action of apt; `**CONFIGURE**` lines are not kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Action {
    name: String,
    /// Before and after; of the two, one may differ from the plan's
    /// architecture when a package moves to or from `all`.
    architectures: [String; 2],
    from: Option<String>,
    to: Option<String>,
}

/// Compares what apt announces on `input` with the plan in `plan_file`, and
/// leaves the verdict beside it. An error means: apt must not go on.
pub fn guard(plan_file: &Path, input: impl Read) -> Result<(), Vec<String>> {
    let differences = match read_plan(plan_file).and_then(|plan| Ok((plan, read_input(input)?))) {
        Ok((plan, announced)) => compare(&plan, &announced),
        Err(fault) => vec![fault],
    };
    let verdict = Verdict { differences };
    let told = serde_json::to_vec(&verdict)
        .map_err(std::io::Error::other)
        .and_then(|json| files::replace(&plan_file.with_file_name(VERDICT), &json, 0o640));
    match told {
        _ if !verdict.differences.is_empty() => Err(verdict.differences),
        Ok(()) => Ok(()),
        Err(cause) => Err(vec![format!("the guard cannot write its verdict: {cause}")]),
    }
}

fn read_plan(path: &Path) -> Result<Plan, String> {
    let text = files::read_bounded(path, PLAN_CAP)
        .map_err(|cause| format!("the guard cannot read {}: {cause}", path.display()))?;
    serde_json::from_str(&text)
        .map_err(|cause| format!("{} is not a plan: {cause}", path.display()))
}

fn read_input(input: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = input.take(INPUT_CAP + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 <= INPUT_CAP => {
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        Ok(_) => Err(format!("apt announced more than {INPUT_CAP} bytes")),
        Err(cause) => Err(format!("what apt announced cannot be read: {cause}")),
    }
}

/// The differences between plan and announcement, a sentence each.
fn compare(plan: &Plan, announced: &str) -> Vec<String> {
    let actions = match actions(announced) {
        Ok(actions) => actions,
        Err(fault) => return vec![fault],
    };
    let unplanned = actions
        .iter()
        .filter(|action| !plan.changes().iter().any(|change| action.is(change)))
        .map(|action| format!("apt would do {action}, which is not planned"));
    let missing = plan
        .changes()
        .iter()
        .filter(|change| !actions.iter().any(|action| action.is(change)))
        .map(|change| format!("apt would not do {change}, which is planned"));
    unplanned.chain(missing).collect()
}

/// The actions behind `VERSION 3`, apt's configuration and an empty line.
fn actions(announced: &str) -> Result<BTreeSet<Action>, String> {
    let mut lines = announced.lines();
    if lines.next() != Some("VERSION 3") {
        return Err("apt does not speak version 3 of the protocol for hooks".to_owned());
    }
    let mut lines = lines.skip_while(|line| !line.is_empty());
    if lines.next().is_none() {
        return Err("apt announced its configuration and no actions".to_owned());
    }
    let mut actions = BTreeSet::new();
    for line in lines {
        let unknown = || format!("apt announced a line that patchd does not know: {line:?}");
        let words: Vec<&str> = line.split(' ').collect();
        // The name of an archive is the last field and may hold blanks.
        let [name, from, old, _, order, to, new, _, last, ..] = words.as_slice() else {
            return Err(unknown());
        };
        if !matches!(*order, "<" | ">" | "=") {
            return Err(unknown());
        }
        if *last == "**CONFIGURE**" {
            continue;
        }
        let version = |text: &str| (text != "-").then(|| text.to_owned());
        let action = Action {
            name: (*name).to_owned(),
            architectures: [(*old).to_owned(), (*new).to_owned()],
            from: version(from),
            to: version(to),
        };
        if (*last == "**REMOVE**") != action.to.is_none() {
            return Err(unknown());
        }
        actions.insert(action);
    }
    Ok(actions)
}

impl Action {
    fn is(&self, change: &Change) -> bool {
        let same = |text: &Option<String>, version: &Option<crate::model::Version>| {
            text.as_deref() == version.as_ref().map(crate::model::Version::as_str)
        };
        self.name == change.id.name.as_str()
            && self
                .architectures
                .iter()
                .any(|one| one == change.id.architecture.as_str())
            && same(&self.from, &change.from)
            && same(&self.to, &change.to)
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [old, new] = &self.architectures;
        let architecture = if self.to.is_some() { new } else { old };
        write!(f, "{}:{architecture} ", self.name)?;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{from} -> {to}"),
            (None, Some(to)) => write!(f, "new {to}"),
            (from, None) => write!(f, "{} removed", from.as_deref().unwrap_or("")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PackageId, Version};

    fn change(name: &str, architecture: &str, from: &str, to: &str) -> Change {
        let version = |text: &str| Version::try_from(text.to_owned()).ok();
        Change {
            id: PackageId::parse(name, architecture).expect("valid"),
            from: version(from),
            to: version(to),
        }
    }

    /// What the captured transaction does.
    fn captured() -> Vec<Change> {
        vec![
            change("old", "all", "1.0", ""),
            change("newdep", "all", "", "1.5"),
            change("app", "all", "1.0", "2.0"),
            change("auto", "amd64", "1.0", "2.0"),
            change("killer", "all", "1.0", "2.0"),
            change("late", "all", "1.0", "1:1.5"),
        ]
    }

    fn announced(release: &str) -> String {
        let path = format!(
            "{}/tests/fixtures/apt/{release}/apply/hook.txt",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::read_to_string(path).expect("a fixture")
    }

    #[test]
    fn exactly_the_plan_is_let_through() {
        for release in ["12", "13"] {
            let plan = Plan::new(captured());
            assert_eq!(compare(&plan, &announced(release)), [""; 0]);
        }
    }

    #[test]
    fn each_difference_of_one_line_is_refused() {
        let text = announced("12");
        for left_out in 0..captured().len() {
            let mut changes = captured();
            changes.remove(left_out);
            let found = compare(&Plan::new(changes), &text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].ends_with("which is not planned"), "{found:?}");
        }
        let mut more = captured();
        more.push(change("nginx", "amd64", "1", "2"));
        assert_eq!(
            compare(&Plan::new(more), &text),
            ["apt would not do nginx:amd64 1 -> 2, which is planned"]
        );
        let mut other_version = captured();
        other_version[2] = change("app", "all", "1.0", "2.1");
        assert_eq!(compare(&Plan::new(other_version), &text).len(), 2);
        let mut other_architecture = captured();
        other_architecture[3] = change("auto", "i386", "1.0", "2.0");
        assert_eq!(compare(&Plan::new(other_architecture), &text).len(), 2);
    }

    #[test]
    fn a_package_that_moves_to_all_is_the_same_package() {
        let text = "VERSION 3\nA=b\n\nx1 1 amd64 none < 2 all foreign /a b.deb\n";
        for architecture in ["amd64", "all"] {
            let plan = Plan::new(vec![change("x1", architecture, "1", "2")]);
            assert_eq!(compare(&plan, text), [""; 0]);
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_refused() {
        for text in [
            "",
            "VERSION 2\n\n",
            "VERSION 3\nA=b\n",
            "VERSION 3\n\nx1 1 amd64\n",
            "VERSION 3\n\nx1 1 amd64 none ? 2 amd64 none /x.deb\n",
            "VERSION 3\n\nx1 1 amd64 none < - - none /x.deb\n",
            "VERSION 3\n\nx1 1 amd64 none < 2 amd64 none **REMOVE**\n",
        ] {
            assert_eq!(compare(&Plan::default(), text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn the_verdict_lies_beside_the_plan() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = folder.path().join("guard-plan.json");
        let json = serde_json::to_vec(&Plan::new(captured())).expect("json");
        files::replace(&plan, &json, 0o600).expect("written");
        let verdict = || {
            let text = std::fs::read_to_string(folder.path().join(VERDICT)).expect("written");
            serde_json::from_str::<Verdict>(&text).expect("a verdict")
        };
        guard(&plan, announced("13").as_bytes()).expect("as planned");
        assert_eq!(verdict().differences, [""; 0]);
        let refused = guard(&plan, &b"VERSION 3\n\n"[..]).expect_err("nothing is done");
        assert_eq!(refused.len(), captured().len());
        assert_eq!(verdict().differences, refused);
        let missing = folder.path().join("no-plan.json");
        assert!(guard(&missing, &b""[..]).is_err());
    }
}
