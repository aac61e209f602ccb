//! Whose package a file is.

use std::collections::BTreeMap;

use super::{Apt, commands};
use crate::model::PackageName;
use crate::package_manager::Fault;

/// So many files go into one question.
const BATCH: usize = 200;

impl Apt {
    /// The packages of these files. Which of its two names a file below `/usr` has
    /// in the database depends on its package, so both are asked for.
    pub(super) async fn owners_of(
        &self,
        files: &[String],
    ) -> Result<BTreeMap<String, PackageName>, Fault> {
        let mut owners = BTreeMap::new();
        for batch in files.chunks(BATCH) {
            let asked = batch.iter().flat_map(|file| names(file));
            // It fails for what is nobody's, and answers about the others.
            let answer = self.runner.ask(&commands::search(asked)).await?;
            let found = parse(&answer.text());
            for file in batch {
                let mut owner = names(file).filter_map(|name| found.get(name));
                if let Some(owner) = owner.next() {
                    owners.insert(file.clone(), owner.clone());
                }
            }
        }
        Ok(owners)
    }
}

/// As it is called since `/lib` is a link to `/usr/lib`, and as it was before.
fn names(file: &str) -> impl Iterator<Item = &str> {
    let before = file.strip_prefix("/usr").filter(|it| it.starts_with('/'));
    [Some(file), before].into_iter().flatten()
}

/// `libssl3:amd64, libssl3:i386: /usr/share/doc/libssl3`; diversions say `diversion by`.
fn parse(text: &str) -> BTreeMap<String, PackageName> {
    let owner = |line: &str| {
        let (owners, file) = line.split_once(": /")?;
        let first = owners.split(", ").next()?;
        let name = first.split(':').next()?;
        let name = PackageName::try_from(name.to_owned()).ok()?;
        Some((format!("/{file}"), name))
    };
    text.lines().filter_map(owner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::command::replay::Replay;
    use crate::package_manager::Settings;

    #[tokio::test]
    async fn a_file_is_found_by_either_of_its_names() {
        let files = ["/usr/lib/x/libz.so.1", "/usr/bin/env", "/usr/local/bin/own"];
        let files = files.map(str::to_owned);
        let question = commands::search(files.iter().flat_map(|file| names(file)));
        let answer = "diversion by dash from: /bin/sh\nzlib1g:amd64: /lib/x/libz.so.1\ncoreutils: /usr/bin/env\n";
        let complaint = "dpkg-query: no path found matching pattern /usr/local/bin/own\n";
        let runner = Replay::new().answer(&question, 1, answer, complaint);
        let apt = Apt::new(Box::new(runner), Settings::default());
        let owners = apt.owners_of(&files).await.expect("answered");
        let owner = |file: &str| owners.get(file).map(PackageName::as_str);
        assert_eq!(
            files.each_ref().map(|file| owner(file)),
            [Some("zlib1g"), Some("coreutils"), None]
        );
    }
}
