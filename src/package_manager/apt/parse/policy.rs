//! What `apt-cache policy name:architecture …` prints: which version apt would
//! choose, pins considered.

use crate::model::Version;

use super::UnknownLine;
use super::simulation::{Named, named};

/// One package's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Which package, as apt names it.
    pub named: Named,
    /// What apt would install; absent when everything is pinned away.
    pub candidate: Option<Version>,
}

/// Reads all answers. A package that apt does not know has none.
pub fn parse(text: &str) -> Result<Vec<Policy>, UnknownLine> {
    let mut answers: Vec<Policy> = Vec::new();
    for line in text.lines() {
        let unknown = || UnknownLine::new(line);
        if let Some(word) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            answers.push(Policy {
                named: named(word).ok_or_else(unknown)?,
                candidate: None,
            });
        } else if let Some(version) = line.strip_prefix("  Candidate: ") {
            let answer = answers.last_mut().ok_or_else(unknown)?;
            answer.candidate = match version {
                "(none)" => None,
                version => Some(Version::try_from(version.to_owned()).map_err(|_| unknown())?),
            };
        }
    }
    Ok(answers)
}
