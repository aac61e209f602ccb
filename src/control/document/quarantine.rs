//! `patchd quarantine --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::PackageChange;

/// `patchd quarantine --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quarantine {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/quarantine/1"))]
    pub schema: String,
    /// One harm each, oldest first.
    pub entries: Vec<Harm>,
}

/// A harm, and the versions that it is laid to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Harm {
    /// The run that it was seen in, or the order of whoever wrote it.
    pub run: String,
    /// Since when.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
    /// Until when at the latest.
    #[schemars(extend("format" = "date-time"))]
    pub until: String,
    /// One sentence.
    pub reason: String,
    /// What was seen, a line each.
    pub evidence: Vec<String>,
    /// `known`: all suspects are to blame; `searching`: the next runs let in one
    /// half each; `needs-human`: that did not find the culprit.
    #[schemars(extend("enum" = ["known", "searching", "needs-human"]))]
    pub standing: String,
    /// How many halves were let in to find out.
    pub trials: u32,
    /// What it is laid to.
    pub suspects: Vec<Suspect>,
}

/// The new versions out of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suspect {
    /// The source package.
    pub source: String,
    /// `kept-away`: nobody installs it; `on-trial`: it may come in now, to see
    /// what happens; `let-in`: somebody has removed its pin.
    #[schemars(extend("enum" = ["kept-away", "on-trial", "let-in"]))]
    pub state: String,
    /// What was installed of it.
    pub packages: Vec<PackageChange>,
}
