//! Which units a transaction has to do with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::observation::Observation;
use crate::os::systemd::type_of;

/// Folders whose direct children are units.
const UNIT_FOLDERS: [&str; 2] = ["/lib/systemd/system/", "/usr/lib/systemd/system/"];

/// Where packages keep scripts that systemd makes units of.
const SCRIPT_FOLDER: &str = "/etc/init.d/";

/// Units that belong to planned packages, or were restarted by the run: what
/// happens to these is blamed on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Names of units; a template (`getty@.service`) stands for its instances.
    pub units: BTreeSet<String>,
}

impl Touched {
    /// Whether this unit, or the template it is made of, is among them.
    #[must_use]
    pub fn contains(&self, unit: &str) -> bool {
        self.units.contains(unit)
            || template_of(unit).is_some_and(|template| self.units.contains(&template))
    }
}

/// The units that belong to packages with these files (`dpkg-query -L`, one path
/// each): those they bring, and those whose main process runs a program of
/// theirs: `postgresql-15` brings the server, but another package its unit.
pub fn units_of<'a>(
    files: impl IntoIterator<Item = &'a str>,
    before: &Observation,
) -> BTreeSet<String> {
    let mut units = BTreeSet::new();
    let mut merged = BTreeSet::new();
    for file in files {
        units.extend(unit_of_file(file));
        merged.insert(without_usr(file));
    }
    let runs = |path: &str| merged.contains(without_usr(path));
    let by_program = before.programs.iter().filter(|(_, program)| runs(program));
    units.extend(by_program.map(|(unit, _)| unit.clone()));
    units
}

fn unit_of_file(file: &str) -> Option<String> {
    if let Some(script) = file.strip_prefix(SCRIPT_FOLDER) {
        let plain = !script.is_empty() && !script.contains('/');
        return plain.then(|| format!("{}.service", script.trim_end_matches(".sh")));
    }
    let name = UNIT_FOLDERS
        .iter()
        .find_map(|folder| file.strip_prefix(folder))?;
    let is_unit = !name.contains('/') && matches!(type_of(name), "service" | "socket");
    is_unit.then(|| name.to_owned())
}

/// A package says `/lib/x` where the merged machine says `/usr/lib/x`.
fn without_usr(path: &str) -> &str {
    path.strip_prefix("/usr")
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
}

/// `postgresql@15-main.service` is made of `postgresql@.service`.
fn template_of(unit: &str) -> Option<String> {
    let (name, instance) = unit.split_once('@')?;
    let (_, suffix) = instance.rsplit_once('.')?;
    Some(format!("{name}@.{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[&str]) -> Vec<String> {
        let observation = Observation::empty();
        let units = units_of(files.iter().copied(), &observation);
        units.into_iter().collect()
    }

    #[test]
    fn unit_files_and_init_scripts_of_a_package_name_its_units() {
        let files = [
            "/.",
            "/lib/systemd/system",
            "/lib/systemd/system/ssh.service",
            "/usr/lib/systemd/system/ssh.socket",
            "/usr/lib/systemd/system/rescue-ssh.target",
            "/lib/systemd/system/ssh.service.d/limits.conf",
            "/lib/systemd/system/multi-user.target.wants/a.service",
            "/etc/init.d/ssh",
            "/etc/init.d/hwclock.sh",
            "/etc/init.d",
            "/etc/init.d/",
            "/usr/share/doc/b.service",
        ];
        assert_eq!(
            names(&files),
            ["hwclock.service", "ssh.service", "ssh.socket"]
        );
    }

    #[test]
    fn a_unit_that_runs_a_program_of_the_package_belongs_to_it() {
        let mut before = Observation::empty();
        let program = "/usr/lib/postgresql/15/bin/postgres".to_owned();
        before
            .programs
            .insert("postgresql@15-main.service".into(), program);
        before
            .programs
            .insert("cron.service".into(), "/usr/sbin/cron".into());
        let units = units_of(["/lib/postgresql/15/bin/postgres"], &before);
        assert_eq!(
            units,
            BTreeSet::from(["postgresql@15-main.service".to_owned()])
        );
    }

    #[test]
    fn a_template_stands_for_its_instances() {
        let touched = Touched {
            units: BTreeSet::from(["postgresql@.service".to_owned(), "a.service".to_owned()]),
        };
        assert!(touched.contains("postgresql@15-main.service"));
        assert!(touched.contains("a.service"));
        assert!(!touched.contains("postgresql.service"));
        assert!(!touched.contains("b@1.service"));
    }
}
