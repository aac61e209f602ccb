//! Bytes to types. Pure: no file is opened and no clock is read here. A line
//! that a parser ought to know and does not is an [`UnknownLine`], never a guess.

pub mod apt_config;
pub mod complaint;
pub mod dpkg_status;
pub mod package_index;
pub mod policy;
pub mod release;
pub mod simulation;
pub mod stanza;
pub mod targets;

use crate::package_manager::Fault;

/// How much of a line is worth showing.
const SHOWN: usize = 160;

/// A line that does not look as its program promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLine(String);

impl UnknownLine {
    /// The line, shortened and without passwords.
    #[must_use]
    pub fn new(line: &str) -> Self {
        let shown = super::credentials::hidden(line);
        Self(shown.chars().take(SHOWN).collect())
    }

    /// Who printed it is known to the shell only.
    #[must_use]
    pub fn from_source(self, source_of: &str) -> Fault {
        Fault::Garbage {
            source_of: source_of.to_owned(),
            line: self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CAPTURES: [&str; 6] = [
        include_str!("../../../../tests/fixtures/apt/12/dist-upgrade.txt"),
        include_str!("../../../../tests/fixtures/apt/12/indextargets.txt"),
        include_str!("../../../../tests/fixtures/apt/12/policy.txt"),
        include_str!("../../../../tests/fixtures/apt/12/InRelease-security"),
        include_str!("../../../../tests/fixtures/apt/box-status"),
        include_str!("../../../../tests/fixtures/apt/13/box/install-unmet.txt.err"),
    ];

    /// Every parser reads it and comes back.
    fn read_by_all(text: &str) {
        let _ = apt_config::parse(text);
        let _ = complaint::parse(text, text);
        let _ = dpkg_status::parse(text);
        let _ = package_index::scan(&mut text.as_bytes(), &|_| true, &mut |_| {});
        let _ = policy::parse(text);
        let _ = release::parse(text);
        let _ = simulation::parse(text);
        if let Ok(targets) = targets::parse(text) {
            for target in targets {
                let _ = target.beside("InRelease");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_capture_with_a_hole_is_survived(
            which in 0..CAPTURES.len(),
            start in 0.0..1.0f64,
            length in 0..40usize,
            filling in "[\\PC\n\\[\\]():= ]{0,8}",
        ) {
            let text: Vec<char> = CAPTURES[which].chars().collect();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a place somewhere in a short text"
            )]
            let start = (start * text.len() as f64) as usize;
            let end = (start + length).min(text.len());
            let holed: String = text[..start]
                .iter()
                .copied()
                .chain(filling.chars())
                .chain(text[end..].iter().copied())
                .collect();
            read_by_all(&holed);
        }
    }
}
