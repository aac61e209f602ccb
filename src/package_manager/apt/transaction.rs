//! Everything that runs apt for real: fetching the archives of a plan, and
//! installing exactly the plan. The package database, not an exit code, tells
//! what happened.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::contract::{Applied, Watch};
use super::super::fault::Fault;
use super::audit::Record;
use super::commands::{self, Bonds};
use super::execution::{Ended, Log, file_fault, perform};
use super::guard::{VERDICT, Verdict};
use super::{audit, conffiles, marks, status_fd, uris};
use crate::model::{Architecture, Change, PackageId, PackageName, Plan, Version};
use crate::os::command::Runner;
use crate::os::files;

/// A verdict holds one sentence for each line of a transaction.
const VERDICT_CAP: u64 = 64 << 20;

/// What the guard compares with: the part of the plan that is still to be done.
const PLAN: &str = "guard-plan.json";

/// Fetches the archives of the plan. Returns the bytes that were missing.
pub async fn download(
    runner: &dyn Runner,
    plan: &Plan,
    folder: &Path,
    watch: Watch<'_>,
) -> Result<u64, Fault> {
    let missing = uris::missing(runner, plan).await?;
    let log = Log::of(folder, "download");
    let ended = perform(
        runner,
        &commands::download(plan),
        &log,
        commands::apt_status,
        watch,
    )
    .await?
    .untroubled()?;
    if ended.status == 0 {
        return Ok(missing.iter().map(|archive| archive.bytes).sum());
    }
    Err(Fault::Failed {
        program: "apt-get install --download-only",
        words: log.last_words(&ended)?,
        advice: "nothing was changed; patchd tries again in the next run",
    })
}

/// What the transaction itself is run with.
pub struct Guarded<'a> {
    /// Who runs programs.
    pub runner: &'a dyn Runner,
    /// A folder of programs that maintainer scripts find before all others.
    pub stand_ins: Option<&'a Path>,
    /// The run's own folder.
    pub folder: &'a Path,
}

impl Guarded<'_> {
    /// Installs exactly the plan. Safe to repeat: what is already as planned is
    /// left out, and when nothing is left to do, apt is not started. Once it was
    /// started, the only error is the guard's refusal; everything else that goes
    /// wrong is told as a failure beside what was changed.
    pub async fn apply(&self, plan: &Plan, watch: Watch<'_>) -> Result<Applied, Fault> {
        let Self { runner, folder, .. } = *self;
        let rest = remaining(plan, &installed(&audit::records(runner).await?, plan))?;
        marks::shield(folder)?;
        conffiles::remember_start(folder)?;
        let log = Log::of(folder, "apply");
        log.begin_attempt()?;
        let mut failure = None;
        let mut trouble = None;
        if !rest.is_empty() {
            let ended = self.perform(&rest, &log, watch).await?;
            match refuse_if_stale(folder) {
                Err(stale @ Fault::Stale { .. }) => return Err(stale),
                refused => trouble = refused.err().or(trouble),
            }
            if ended.status != 0 {
                let words = log.last_words(&ended);
                failure = Some(words.unwrap_or_else(|fault| fault.to_string()));
            }
            trouble = ended.trouble.or(trouble);
        }
        let mut applied = settle(runner, plan, folder)
            .await
            .unwrap_or_else(|fault| Applied {
                failure: Some(format!("what was changed cannot be found out: {fault}")),
                ..Applied::default()
            });
        // Without a failed package, apt itself knows best why it stopped.
        if applied.culprits.is_empty() && applied.failure.is_some() {
            applied.failure = failure.or(applied.failure);
        }
        applied.failure = applied.failure.or(trouble.map(|fault| fault.to_string()));
        Ok(applied)
    }

    async fn perform(&self, rest: &Plan, log: &Log, watch: Watch<'_>) -> Result<Ended, Fault> {
        let guard = arm(rest, self.folder)?;
        let copy = marks::copy_in(self.folder);
        let bonds = Bonds {
            guard: &guard,
            marks: &copy,
            stand_ins: self.stand_ins,
        };
        let command = commands::apply(rest, bonds);
        perform(self.runner, &command, log, commands::apt_status, watch).await
    }
}

/// Restores what apt leaves undone behind the transaction, and tells what is
/// different now. Safe to repeat at any time. An error means that the package
/// database could not be read, so that nothing is known.
pub async fn settle(runner: &dyn Runner, plan: &Plan, folder: &Path) -> Result<Applied, Fault> {
    let records = audit::records(runner).await?;
    let now = installed(&records, plan);
    let changed: Vec<Change> = plan
        .changes()
        .iter()
        .filter(|change| now.get(&change.id) != change.from.as_ref())
        .cloned()
        .map(|change| Change {
            to: now.get(&change.id).cloned(),
            ..change
        })
        .collect();
    let marked = marks::restore(runner, &changed).await;
    let (kept_conffiles, looked) = match conffiles::kept(runner, &changed, folder).await {
        Ok(kept) => (kept, Ok(())),
        Err(fault) => (Vec::new(), Err(fault)),
    };
    let mut applied = Applied {
        changed,
        kept_conffiles,
        ..Applied::default()
    };
    let log = Log::of(folder, "apply");
    // Whoever started the transaction may have died before he could.
    let scrubbed = log.scrub();
    let mut wrong = audit::sentences(&records);
    let unreached = |change: &&Change| now.get(&change.id) != change.to.as_ref();
    let unreached = plan.changes().iter().filter(unreached);
    wrong.extend(unreached.map(|change| format!("{change} was not done")));
    if let Some(first) = wrong.first() {
        // Without its words the package database still says what is wrong.
        let status = log.read_status().unwrap_or_default();
        applied.failure = status_fd::failures(&status).or_else(|| Some(first.clone()));
        applied.culprits = status_fd::culprits(&status);
    }
    let trouble = marked.and(looked).and(scrubbed).err();
    applied.failure = applied.failure.or(trouble.map(|fault| fault.to_string()));
    Ok(applied)
}

/// The installed versions of the plan's packages. A package that moves to or
/// from architecture `all` is the same package.
fn installed(records: &[Record], plan: &Plan) -> BTreeMap<PackageId, Version> {
    let mut by_name: BTreeMap<&PackageName, Vec<(&Architecture, &Version)>> = BTreeMap::new();
    for record in records {
        if let Some(version) = &record.version {
            let there = by_name.entry(&record.id.name).or_default();
            there.push((&record.id.architecture, version));
        }
    }
    let version_of = |id: &PackageId| {
        let there = by_name.get(&id.name)?;
        let same = there.iter().find(|(one, _)| **one == id.architecture);
        let moved = |one: &Architecture| one.as_str() == "all" || id.architecture.as_str() == "all";
        same.or_else(|| there.iter().find(|(one, _)| moved(one)))
            .map(|(_, version)| (*version).clone())
    };
    plan.changes()
        .iter()
        .filter_map(|change| Some((change.id.clone(), version_of(&change.id)?)))
        .collect()
}

/// What is not yet as planned. A third version means that somebody else was here.
fn remaining(plan: &Plan, now: &BTreeMap<PackageId, Version>) -> Result<Plan, Fault> {
    let mut differences = Vec::new();
    let mut rest = Vec::new();
    for change in plan.changes() {
        let at = now.get(&change.id);
        if at == change.to.as_ref() {
            continue;
        }
        if at == change.from.as_ref() {
            rest.push(change.clone());
        } else {
            let at = at.map_or("absent", Version::as_str);
            differences.push(format!("{change} is planned, and it is {at} now"));
        }
    }
    if differences.is_empty() {
        Ok(Plan::new(rest))
    } else {
        Err(Fault::Stale { differences })
    }
}

/// Writes the guard's plan, and returns the words by which apt calls it.
fn arm(plan: &Plan, folder: &Path) -> Result<String, Fault> {
    let path = folder.join(PLAN);
    let verdict = folder.join(VERDICT);
    match std::fs::remove_file(&verdict) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            return Err(Fault::File {
                path: verdict,
                cause,
            });
        }
        _ => {}
    }
    serde_json::to_vec(plan)
        .map_err(std::io::Error::other)
        .and_then(|json| files::replace(&path, &json, 0o640))
        .map_err(file_fault(&path))?;
    let program = std::env::current_exe().map_err(file_fault(Path::new("/proc/self/exe")))?;
    let program = plain(&program)?;
    Ok(format!("{program} transaction-guard {}", plain(&path)?))
}

/// apt hands the guard's words to a shell, so they may hold nothing that a
/// shell looks at.
fn plain(path: &Path) -> Result<&str, Fault> {
    path.to_str()
        .filter(|text| {
            text.starts_with('/')
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte))
        })
        .ok_or_else(|| Fault::File {
            path: path.to_owned(),
            cause: std::io::Error::new(
                std::io::ErrorKind::InvalidFilename,
                "a path that a shell would not leave alone",
            ),
        })
}

fn refuse_if_stale(folder: &Path) -> Result<(), Fault> {
    let path = folder.join(VERDICT);
    let text = match files::read_bounded(&path, VERDICT_CAP) {
        Ok(text) => text,
        // apt ended before it came to its hooks; nothing was changed either.
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(file_fault(&path)(cause)),
    };
    let verdict: Verdict = serde_json::from_str(&text)
        .map_err(std::io::Error::other)
        .map_err(file_fault(&path))?;
    if verdict.differences.is_empty() {
        return Ok(());
    }
    Err(Fault::Stale {
        differences: verdict.differences,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::command::replay::Replay;

    fn change(from: Option<&str>, to: Option<&str>) -> Change {
        let version = |text: &str| Version::try_from(text.to_owned()).expect("valid");
        Change {
            id: PackageId::parse("nginx", "amd64").expect("valid"),
            from: from.map(version),
            to: to.map(version),
        }
    }

    fn at(text: &str) -> BTreeMap<PackageId, Version> {
        let change = change(None, Some(text));
        change
            .to
            .map(|version| (change.id, version))
            .into_iter()
            .collect()
    }

    const NEW: &str = "ii \tnginx\tamd64\t1\n";

    #[tokio::test]
    async fn marks_that_cannot_be_set_do_not_hide_what_was_installed() {
        let plan = Plan::new(vec![change(None, Some("1"))]);
        let id = PackageId::parse("nginx", "amd64").expect("valid");
        let runner = Replay::new()
            .answer(&commands::states(), 0, NEW, "")
            .answer(&commands::mark_auto([&id]), 100, "", "E: no lock\n");
        let folder = tempfile::tempdir().expect("a folder");
        let applied = settle(&runner, &plan, folder.path())
            .await
            .expect("it is known what was changed");
        assert_eq!(applied.changed, plan.changes());
        let failure = applied.failure.expect("told");
        assert!(failure.contains("no lock"), "{failure}");
        assert!(applied.culprits.is_empty());
    }

    #[tokio::test]
    async fn who_failed_in_an_earlier_attempt_is_not_blamed_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::of(folder.path(), "apply");
        let told = b"pmerror:old-culprit:1.0:broke\n";
        files::replace(&log.status, told, 0o640).expect("written");
        log.begin_attempt().expect("remembered");
        let runner = Replay::new().answer(&commands::states(), 0, "", "");
        let plan = Plan::new(vec![change(None, Some("1"))]);
        let applied = settle(&runner, &plan, folder.path()).await.expect("known");
        assert!(applied.culprits.is_empty());
        assert!(applied.failure.is_some_and(|words| words.contains("nginx")));
    }

    #[test]
    fn what_is_done_is_not_done_again_and_a_third_version_is_stale() {
        let plan = Plan::new(vec![change(Some("1"), Some("2"))]);
        assert_eq!(remaining(&plan, &at("1")).expect("to do"), plan);
        assert!(remaining(&plan, &at("2")).expect("done").is_empty());
        for other in [at("3"), BTreeMap::new()] {
            assert!(matches!(remaining(&plan, &other), Err(Fault::Stale { .. })));
        }
        let removal = Plan::new(vec![change(Some("1"), None)]);
        assert!(
            remaining(&removal, &BTreeMap::new())
                .expect("done")
                .is_empty()
        );
    }

    #[test]
    fn a_package_that_moves_to_all_is_followed() {
        let record = |architecture: &str| Record {
            id: PackageId::parse("nginx", architecture).expect("valid"),
            version: Version::try_from("1".to_owned()).ok(),
            trouble: None,
        };
        let plan = Plan::new(vec![change(Some("1"), Some("2"))]);
        assert_eq!(installed(&[record("all")], &plan), at("1"));
        assert_eq!(
            installed(&[record("amd64"), record("i386")], &plan),
            at("1")
        );
        assert!(installed(&[record("i386")], &plan).is_empty());
    }

    #[test]
    fn a_path_that_a_shell_would_look_at_is_refused() {
        assert!(plain(Path::new("/var/lib/patchd-worker/runs/01J/guard-plan.json")).is_ok());
        for bad in [
            "/a b",
            "/a;b",
            "/$HOME",
            "relative",
            "/a\nb",
            "/a'b",
            "/bin/patchd (deleted)",
        ] {
            assert!(plain(Path::new(bad)).is_err(), "{bad:?}");
        }
    }
}
