//! What dpkg says is installed.

use std::collections::BTreeMap;

use super::parse::dpkg_status::DpkgStatus;
use super::parse::stanza;
use super::view::View;
use super::{Apt, commands, indexes};
use crate::model::{PackageId, PackageName, Version};
use crate::os::command::Output;
use crate::package_manager::Fault;

/// So many names go into one question.
const BATCH: usize = 500;

/// What dpkg-query says below a complaint, and what it means by it.
const NOT_INSTALLED: [&str; 2] = ["is not installed", "Use dpkg --contents"];

/// Whether only packages that are not installed are missing in this answer.
fn is_whole(answer: &Output) -> bool {
    let errors = String::from_utf8_lossy(&answer.stderr);
    let mut errors = errors.lines().filter(|line| !line.trim().is_empty());
    let known = |line: &str| NOT_INSTALLED.iter().any(|words| line.contains(words));
    match answer.status {
        0 => true,
        1 => errors.clone().next().is_some() && errors.all(known),
        _ => false,
    }
}

impl Apt {
    /// The installed versions of these packages. A package that is unpacked but
    /// not configured is not installed.
    pub(super) async fn installed_among(
        &self,
        ids: &[PackageId],
    ) -> Result<BTreeMap<PackageId, Version>, Fault> {
        let status = self.status().await?;
        let version = |id: &PackageId| {
            let installed = status.get(id).filter(|installed| installed.sound)?;
            Some((id.clone(), installed.version.clone()))
        };
        Ok(ids.iter().filter_map(version).collect())
    }

    /// All installed architectures of a package.
    pub(super) async fn installed_named(
        &self,
        name: &PackageName,
    ) -> Result<BTreeMap<PackageId, Version>, Fault> {
        let status = self.status().await?;
        let named = status
            .iter()
            .filter(|(id, installed)| id.name == *name && installed.sound);
        Ok(named
            .map(|(id, installed)| (id.clone(), installed.version.clone()))
            .collect())
    }

    /// The files of these packages. dpkg-query complains about the ones that are
    /// not installed and lists the others.
    pub(super) async fn installed_files(&self, ids: &[PackageId]) -> Result<Vec<String>, Fault> {
        let mut files = Vec::new();
        for batch in ids.chunks(BATCH) {
            let answer = self.runner.ask(&commands::list_files(batch)).await?;
            if !is_whole(&answer) {
                return Err(Fault::Failed {
                    program: "dpkg-query --listfiles",
                    words: answer.last_words(),
                    advice: "run it by hand; the package database may be damaged",
                });
            }
            let text = answer.text();
            files.extend(
                text.lines()
                    .filter(|line| line.starts_with('/'))
                    .map(str::to_owned),
            );
        }
        Ok(files)
    }

    /// An installed package tells its source, whichever version it has; of one that
    /// is not, the repositories' records do.
    pub(super) async fn sources_of(
        &self,
        of: &[(PackageId, Version)],
    ) -> Result<BTreeMap<PackageId, PackageName>, Fault> {
        let status = self.status().await?;
        let mut sources = BTreeMap::new();
        let mut absent = Vec::new();
        for (id, version) in of {
            match status.get(id) {
                Some(installed) => drop(sources.insert(id.clone(), installed.source.name.clone())),
                None => absent.push((id, version)),
            }
        }
        for batch in absent.chunks(BATCH) {
            // It fails when it lacks one, and answers about the others.
            let answer = self
                .runner
                .ask(&commands::records(batch.iter().copied()))
                .await?;
            sources.extend(stanza::stanzas(&answer.text()).filter_map(source));
        }
        Ok(sources)
    }

    async fn status(&self) -> Result<DpkgStatus, Fault> {
        let view = View::of(self.runner.as_ref()).await?;
        indexes::read_status(&view.status).await
    }
}

/// A package without a word about its source is its own.
fn source(record: &str) -> Option<(PackageId, PackageName)> {
    let field = |name: &str| {
        let mut fields = stanza::fields(record);
        fields.find_map(|(known, value)| (known == name).then_some(value))
    };
    let name = field("Package")?;
    let id = PackageId::parse(name, field("Architecture")?).ok()?;
    let source = stanza::source_name(field("Source").unwrap_or(name));
    Some((id, PackageName::try_from(source.to_owned()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_the_source_or_is_its_own() {
        let told = |record: &str| {
            let (id, source) = source(record)?;
            Some(format!("{id} {source}"))
        };
        let table = [
            (
                "Package: libssl3\nSource: openssl (3.0)\nArchitecture: amd64\n",
                Some("libssl3:amd64 openssl"),
            ),
            ("Package: bash\nArchitecture: all\n", Some("bash:all bash")),
            ("Package: bash\n", None),
            ("", None),
        ];
        for (record, expected) in table {
            assert_eq!(told(record).as_deref(), expected, "{record:?}");
        }
    }
    use crate::os::command::replay::Replay;
    use crate::package_manager::Settings;

    const ABSENT: &str = "dpkg-query: package 'gone' is not installed\nUse dpkg --contents (= dpkg-deb --contents) to list archive files contents.\n";

    #[tokio::test]
    async fn a_list_of_files_is_whole_or_a_fault() {
        let ids = [PackageId::parse("gone", "amd64").expect("valid")];
        for (status, errors, whole) in [
            (0, "", true),
            (1, ABSENT, true),
            (1, "", false),
            (1, "dpkg-query: error: cannot open the database\n", false),
            (2, ABSENT, false),
            (137, "", false),
        ] {
            let question = commands::list_files(&ids);
            let runner = Replay::new().answer(&question, status, "/usr/bin/x\n", errors);
            let apt = Apt::new(Box::new(runner), Settings::default());
            let files = apt.installed_files(&ids).await;
            assert_eq!(files.is_ok(), whole, "{status} {errors}");
        }
    }

    #[tokio::test]
    async fn many_packages_are_asked_for_in_batches() {
        let id = |number: usize| PackageId::parse(&format!("p{number}"), "amd64").expect("valid");
        let ids: Vec<PackageId> = (0..=BATCH).map(id).collect();
        let (first, second) = ids.split_at(BATCH);
        let runner = Replay::new()
            .answer(&commands::list_files(first), 0, "/a\n", "")
            .answer(&commands::list_files(second), 0, "/b\n", "");
        let apt = Apt::new(Box::new(runner), Settings::default());
        assert_eq!(
            apt.installed_files(&ids).await.expect("files"),
            ["/a", "/b"]
        );
    }
}
