//! The last words of what failed, out of the package manager's output. Pure.

use crate::model::PackageName;

/// So many lines are kept.
const LINES: usize = 20;

/// How dpkg says that it works on a package.
const BEGINNINGS: [&str; 4] = [
    "Setting up ",
    "Unpacking ",
    "Preparing to unpack ",
    "Processing triggers for ",
];

/// The lines around the first failure: from where dpkg began with the package
/// to where it gave up, at most the last of them.
#[must_use]
pub fn evidence(output: &str, culprits: &[PackageName]) -> Vec<String> {
    let lines: Vec<&str> = output.lines().collect();
    let gives_up = |line: &&str| {
        line.starts_with("dpkg: error processing")
            && (culprits.is_empty() || culprits.iter().any(|name| names(line, name)))
    };
    let end = lines.iter().position(gives_up);
    let end = end.map_or(lines.len(), |at| (at + 2).min(lines.len()));
    let before = lines.get(..end).unwrap_or_default();
    let begins = |line: &&str| BEGINNINGS.iter().any(|start| line.starts_with(start));
    let start = before.iter().rposition(begins).unwrap_or(0);
    let start = start.max(end.saturating_sub(LINES));
    let said = before.get(start..).unwrap_or_default();
    said.iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// `dpkg: error processing package lab-fails (--configure):`, also with an
/// architecture, or as an archive.
fn names(line: &str, name: &PackageName) -> bool {
    let mut words = line.split(|c: char| c.is_whitespace() || matches!(c, ':' | '/' | '_'));
    words.any(|word| word == name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Unpacking lab-plain (2.0) over (1.0) ...\n\
        Setting up lab-plain (2.0) ...\n\
        Setting up lab-fails (2.0) ...\n\
        cannot find the answer\n\
        dpkg: error processing package lab-fails (--configure):\n \
        installed lab-fails package post-installation script subprocess returned error exit status 3\n\
        Setting up lab-auto (2.0) ...\n\
        Errors were encountered while processing:\n lab-fails\n\
        E: Sub-process /usr/bin/dpkg returned an error code (1)\n";

    #[test]
    fn the_words_of_the_culprit_are_told_and_no_others() {
        let name = PackageName::try_from("lab-fails".to_owned()).expect("valid");
        assert_eq!(
            evidence(OUTPUT, &[name]),
            [
                "Setting up lab-fails (2.0) ...",
                "cannot find the answer",
                "dpkg: error processing package lab-fails (--configure):",
                " installed lab-fails package post-installation script subprocess returned error exit status 3",
            ]
        );
    }

    #[test]
    fn without_a_culprit_the_end_is_told() {
        let told = evidence("a\nb\n\nE: no\n", &[]);
        assert_eq!(told, ["a", "b", "E: no"]);
        let flood = "x\n".repeat(1000);
        assert_eq!(evidence(&flood, &[]).len(), LINES);
    }
}
