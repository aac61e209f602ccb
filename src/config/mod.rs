//! Text into everybody's settings. It alone knows where the files are, how they
//! are merged and what their keys are called; it decides nothing about patching,
//! and no component imports it.
//!
//! Three stages: `file` is one text with its faults, `layers` are the files
//! merged, `checked` is what components get. All of them walk `keys`, the table
//! of what may be written (`docs/adr/0002-configuration.md` says why).

mod source;
mod sources;

mod consistency;
mod duration;
mod file;
mod keys;
mod leaf;
mod node;
mod not_built;
mod suggestion;
mod target;
mod time;

mod at_rest;
mod checked;
mod conduct;
mod last_good;
mod layers;
mod reachable;
mod told;
mod urgency;

mod fault;
mod schema;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use crate::os::trusted::Reader;
pub use checked::Settings;
pub use fault::{Fault, Faults, Level};
pub use last_good::{InForce, KeepError, in_force, keep};
pub use layers::Layers;
pub use schema::schema;
pub use sources::Sources;

use checked::Checked;
use file::File;

/// A sound configuration.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// For everybody.
    pub settings: Settings,
    /// What is allowed and looks like a mistake all the same.
    pub warnings: Vec<Fault>,
    /// Where each value comes from.
    pub layers: Layers,
    /// The files that were read, in the order in which they count.
    pub files: Vec<PathBuf>,
}

/// Reads, merges and checks. Either everything is sound, or every fault is told.
pub fn load(sources: &Sources, reader: &Reader) -> Result<Loaded, Faults> {
    let (texts, mut faults) = sources.read(reader);
    let complete = faults.is_empty();
    let paths: Vec<PathBuf> = texts.iter().map(|text| text.path.clone()).collect();
    let files: Vec<File> = texts
        .into_iter()
        .map(|text| File::parse(text, &mut faults))
        .collect();
    let complete = complete && files.iter().all(File::is_read);
    let layers = Layers::merge(files.into_iter().filter(File::is_read));
    consistency::of_schedules(&layers.root, complete, &mut faults);
    if !faults.is_empty() {
        return Err(Faults::new(faults, paths));
    }
    match Checked::of(&layers) {
        Ok(checked) => Ok(Loaded {
            settings: checked.settings,
            warnings: checked.warnings,
            layers,
            files: paths,
        }),
        Err(fault) => Err(Faults::new(vec![fault], paths)),
    }
}

/// Everything that is wrong or looks wrong, for `config check`.
#[must_use]
pub fn check(sources: &Sources, reader: &Reader) -> Faults {
    load(sources, reader).map_or_else(
        |faults| faults,
        |loaded| Faults::new(loaded.warnings, loaded.files),
    )
}

/// The shipped file: every key at its default, commented out and explained.
#[must_use]
pub fn default_text() -> &'static str {
    include_str!("../../config/patchd.toml")
}
