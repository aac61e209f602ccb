//! What a program is told: words in its environment, never arguments.

use std::path::Path;

use crate::model::{HookPoint, Outcome, PackageName, RunId};

/// The kernel takes no variable beyond 128 KiB.
const LIST_CAP: usize = 96 << 10;

/// What is known at a point of a run.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Where the run is.
    pub point: HookPoint,
    /// Which run.
    pub run: RunId,
    /// The packages that it has changed, or is about to change.
    pub packages: Vec<&'a PackageName>,
    /// How it ends, as far as that is known.
    pub outcome: Option<Outcome>,
    /// Where its output is.
    pub log: &'a Path,
}

impl Facts<'_> {
    /// The variables, each `PATCHD_…`.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("PATCHD_POINT", self.point.to_string()),
            ("PATCHD_RUN", self.run.to_string()),
            ("PATCHD_PACKAGES", list(&self.packages)),
            ("PATCHD_PACKAGE_COUNT", self.packages.len().to_string()),
            ("PATCHD_LOG", self.log.display().to_string()),
        ];
        if let Some(outcome) = self.outcome {
            variables.push(("PATCHD_OUTCOME", outcome.to_string()));
        }
        let owned = variables.into_iter();
        owned
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// Names with blanks between them; whole names, as many as fit.
fn list(packages: &[&PackageName]) -> String {
    let mut text = String::new();
    for package in packages {
        let name = package.as_str();
        if text.len() + name.len() + 1 > LIST_CAP {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_between_names_and_the_count_is_whole() {
        let name = PackageName::try_from("a".repeat(200)).expect("valid");
        let facts = Facts {
            point: HookPoint::PreApply,
            run: RunId::new(1, 1),
            packages: vec![&name; 1000],
            outcome: None,
            log: Path::new("/var/log/patchd/run.log"),
        };
        let variables = facts.variables();
        let value = |key: &str| {
            let found = variables.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.as_str()).expect("there")
        };
        assert_eq!(value("PATCHD_PACKAGE_COUNT"), "1000");
        let list = value("PATCHD_PACKAGES");
        assert!(list.len() <= LIST_CAP);
        assert!(list.split(' ').all(|word| word.len() == 200));
        assert_eq!(value("PATCHD_POINT"), "pre_apply");
        assert!(variables.iter().all(|(name, _)| name != "PATCHD_OUTCOME"));
    }
}
