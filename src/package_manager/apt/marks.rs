//! Automatic and manual marks. `apt-get install NAME=VERSION` marks everything
//! that it names as manual, so apt works on a copy of the marks that is thrown
//! away: those of the machine are never touched, at no moment. Packages that
//! are new are marked automatic afterwards.

use std::path::{Path, PathBuf};

use super::super::fault::Fault;
use super::execution::file_fault;
use super::{commands, credentials};
use crate::model::{Change, PackageId};
use crate::os::command::Runner;
use crate::os::files;

/// Where apt keeps the marks.
const MARKS: &str = "/var/lib/apt/extended_states";

/// A machine of 100,000 packages is below.
const CAP: u64 = 64 << 20;

/// So many names go into one call.
const BATCH: usize = 500;

/// The copy that apt may write.
#[must_use]
pub fn copy_in(folder: &Path) -> PathBuf {
    folder.join("extended-states")
}

/// Makes the copy.
pub fn shield(folder: &Path) -> Result<(), Fault> {
    let marks = match files::read_bounded(Path::new(MARKS), CAP) {
        Ok(marks) => marks,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(cause) => return Err(file_fault(Path::new(MARKS))(cause)),
    };
    let copy = copy_in(folder);
    files::replace(&copy, marks.as_bytes(), 0o640).map_err(file_fault(&copy))
}

/// Marks the packages that are new as automatic; all others still have theirs.
pub async fn restore(runner: &dyn Runner, changed: &[Change]) -> Result<(), Fault> {
    let new: Vec<&PackageId> = changed
        .iter()
        .filter(|change| change.from.is_none() && change.to.is_some())
        .map(|change| &change.id)
        .collect();
    for batch in new.chunks(BATCH) {
        let answer = runner
            .ask(&commands::mark_auto(batch.iter().copied()))
            .await?;
        if answer.status != 0 {
            return Err(Fault::Failed {
                program: "apt-mark auto",
                words: credentials::hidden(&answer.last_words()),
                advice: "the packages are installed; mark the new ones with apt-mark auto",
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::model::Version;
    use crate::os::command::{Answer, Command, CommandError, Output};

    /// Answers everything with success, and remembers what was asked.
    #[derive(Default)]
    struct Yes(RefCell<Vec<String>>);

    impl Runner for Yes {
        fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
            self.0.borrow_mut().push(question.argv().join(" "));
            Box::pin(async {
                Ok(Output {
                    status: 0,
                    stdout: Vec::new(),
                    stderr: Vec::new(),
                })
            })
        }
    }

    fn change(name: &str, from: Option<&str>, to: Option<&str>) -> Change {
        let version = |text: &str| Version::try_from(text.to_owned()).expect("valid");
        Change {
            id: PackageId::parse(name, "amd64").expect("valid"),
            from: from.map(version),
            to: to.map(version),
        }
    }

    #[tokio::test]
    async fn only_what_is_new_becomes_automatic() {
        let runner = Yes::default();
        let changed = [
            change("upgraded", Some("1"), Some("2")),
            change("new", None, Some("1")),
            change("removed", Some("1"), None),
        ];
        restore(&runner, &changed).await.expect("marked");
        assert_eq!(
            runner.0.into_inner(),
            ["/usr/bin/apt-mark -o DPkg::Lock::Timeout=60 auto new:amd64"]
        );
        let runner = Yes::default();
        restore(&runner, &changed[..1])
            .await
            .expect("nothing to do");
        assert!(runner.0.into_inner().is_empty());
    }
}
