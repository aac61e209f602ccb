//! What the inside of a rehearsal tells the outside, a line of JSON each. What
//! runs there could say anything in its name, so that everything is bounded
//! here and nothing of it is more than a word.

use serde::{Deserialize, Serialize};

use super::note::Note;
use crate::model::PackageName;

/// The longest line that is looked at, and the longest text in one, bytes.
pub const LINE: usize = 64 << 10;
const TEXT: usize = 400;

/// How many of each are kept, and how much output, bytes.
const TEXTS: usize = 200;
const NOTES: usize = 4096;
const OUTPUT: usize = 8 << 20;

/// How much output goes into one line, characters: each may need six bytes.
pub const PIECE: usize = 4 << 10;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "kebab-case")]
pub enum Said {
    /// Something to show while it lasts.
    Progress {
        /// 0 to 100.
        percent: u8,
        /// What is being done.
        doing: String,
    },
    /// The package manager would do something else than the plan says.
    Stale {
        /// The first differences, a line each.
        differences: Vec<String>,
    },
    /// The transaction has ended.
    Applied {
        /// How long it took.
        milliseconds: u64,
        /// Set when it did not go through: the package manager's words.
        failure: Option<String>,
        /// The packages that failed by themselves, as far as it can be told.
        culprits: Vec<PackageName>,
    },
    /// A configuration file that kept its old version.
    Kept {
        /// Its path.
        path: String,
    },
    /// A piece of what the package manager and the scripts printed.
    Output {
        /// As it was printed.
        text: String,
    },
    /// A line of the output around what failed.
    Words {
        /// The line.
        line: String,
    },
    /// Something that is not sound behind the transaction.
    Unsound {
        /// One sentence.
        sentence: String,
    },
    /// A check that passed before the transaction.
    Probe {
        /// Its name.
        name: String,
        /// What it says behind the transaction, when it fails there.
        failure: Option<String>,
    },
    /// A stand-in was called.
    Noted(Note),
    /// This package asks for a reboot.
    RebootRequired {
        /// Its name.
        package: String,
    },
    /// It could not begin, or not come to its end.
    Impossible {
        /// Why.
        sentence: String,
    },
    /// Everything is said.
    Done,
}

/// All that was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Lines by which the plan is stale.
    pub stale: Vec<String>,
    /// How the transaction ended, if it did.
    pub applied: Option<Applied>,
    /// Configuration files that kept their old version.
    pub kept: Vec<String>,
    /// The output around what failed.
    pub words: Vec<String>,
    /// What is not sound behind the transaction.
    pub unsound: Vec<String>,
    /// How many checks passed before, and which of them failed behind: name and words.
    pub probes: u32,
    /// The checks that passed before and failed behind.
    pub failed_probes: Vec<(String, String)>,
    /// What stand-ins noted.
    pub notes: Vec<Note>,
    /// What was being done last.
    pub doing: String,
    /// How much output was passed on, bytes.
    pub passed_on: usize,
    /// The packages that ask for a reboot.
    pub reboot_required: Vec<String>,
    /// Why it could not begin, or not come to its end.
    pub impossible: Option<String>,
    /// It came to its end.
    pub done: bool,
}

/// What of it is worth showing or keeping at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// How far it is, 0 to 100, and what is being done.
    Progress(u8, String),
    /// A piece of output.
    Output(String),
}

/// How the transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// How long it took.
    pub milliseconds: u64,
    /// Set when it did not go through.
    pub failure: Option<String>,
    /// The packages that failed by themselves.
    pub culprits: Vec<PackageName>,
}

impl Said {
    /// As a line, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        // A value of ours always has a JSON form.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

impl Heard {
    /// Takes in a line. Returns what of it is not only for the end.
    pub fn hear(&mut self, line: &str) -> Option<Show> {
        if line.len() > LINE {
            return None;
        }
        // A script may have written between our lines; that is no line of ours.
        match serde_json::from_str(line).ok()? {
            Said::Progress { percent, doing } => {
                self.doing = short(&doing);
                return Some(Show::Progress(percent.min(100), self.doing.clone()));
            }
            Said::Output { text } => {
                self.passed_on = self.passed_on.saturating_add(text.len());
                return (self.passed_on <= OUTPUT).then_some(Show::Output(text));
            }
            Said::Stale { differences } => keep(&mut self.stale, differences),
            Said::Applied {
                milliseconds,
                failure,
                culprits,
            } => {
                self.applied = Some(Applied {
                    milliseconds,
                    failure: failure.as_deref().map(short),
                    culprits: culprits.into_iter().take(TEXTS).collect(),
                });
            }
            Said::Kept { path } => keep(&mut self.kept, [path]),
            Said::Words { line } => keep(&mut self.words, [line]),
            Said::Unsound { sentence } => keep(&mut self.unsound, [sentence]),
            Said::Probe { name, failure } => {
                self.probes = self.probes.saturating_add(1);
                if let Some(failure) = failure
                    && self.failed_probes.len() < TEXTS
                {
                    self.failed_probes.push((short(&name), short(&failure)));
                }
            }
            Said::Noted(note) => {
                if self.notes.len() < NOTES {
                    self.notes.push(Note::new(&note.program, &note.arguments));
                }
            }
            Said::RebootRequired { package } => keep(&mut self.reboot_required, [package]),
            Said::Impossible { sentence } => self.impossible = Some(short(&sentence)),
            Said::Done => self.done = true,
        }
        None
    }
}

fn keep(kept: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    let room = TEXTS.saturating_sub(kept.len());
    kept.extend(more.into_iter().take(room).map(|text| short(&text)));
}

fn short(text: &str) -> String {
    text.chars().take(TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let name = PackageName::try_from("nginx".to_owned()).expect("valid");
        let mut heard = Heard::default();
        let said = [
            Said::Applied {
                milliseconds: 7,
                failure: Some("exit status 1".to_owned()),
                culprits: vec![name.clone()],
            },
            Said::Probe {
                name: "nginx -t".to_owned(),
                failure: None,
            },
            Said::Probe {
                name: "sshd -t".to_owned(),
                failure: Some("bad".to_owned()),
            },
            Said::Noted(Note::new("update-grub", &[])),
            Said::Done,
        ];
        for said in &said {
            assert_eq!(heard.hear(said.line().trim_end()), None);
        }
        let applied = heard.applied.as_ref().expect("heard");
        assert_eq!(applied.culprits, [name]);
        assert_eq!(heard.probes, 2);
        assert_eq!(heard.failed_probes.len(), 1);
        assert!(heard.done && heard.impossible.is_none());
    }

    #[test]
    fn a_flood_and_rubbish_are_bounded() {
        let mut heard = Heard::default();
        let line = Said::Words {
            line: "x".repeat(10_000),
        }
        .line();
        for _ in 0..1000 {
            heard.hear(&line);
        }
        assert_eq!(heard.words.len(), TEXTS);
        assert!(heard.words.iter().all(|line| line.len() == TEXT));
        let long = Said::Words {
            line: "x".repeat(LINE),
        };
        for rubbish in ["", "{}", "Setting up nginx", long.line().as_str()] {
            assert_eq!(heard.hear(rubbish), None, "{}", rubbish.len());
        }
        assert!(!heard.done);
        let progress = Said::Progress {
            percent: 255,
            doing: "x".to_owned(),
        };
        assert_eq!(
            heard.hear(&progress.line()),
            Some(Show::Progress(100, "x".to_owned()))
        );
    }
}
