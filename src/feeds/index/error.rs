//! Why there is no index to ask.

use std::path::PathBuf;

use crate::model::Distribution;

/// Why the index cannot be built or asked.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Nobody has built one.
    #[error("there is no vulnerability index yet; `patchd feeds update` builds it")]
    Missing,
    /// A newer patchd has built it.
    #[error(
        "{} has format {found}, and this patchd knows {known}; `patchd feeds update` builds it anew", path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// It is about another release.
    #[error(
        "{} is about {}, and this is {}; `patchd feeds update` builds it anew", path.display(), name(found), name(wanted)
    )]
    OtherRelease {
        /// The file.
        path: PathBuf,
        /// What it is about.
        found: Box<Distribution>,
        /// What it should be about.
        wanted: Box<Distribution>,
    },
    /// We may not read it.
    #[error("{} is for root and the daemon alone; run this with sudo", path.display())]
    NotPermitted {
        /// The file.
        path: PathBuf,
    },
    /// It holds what nobody has written.
    #[error("{} is damaged ({what}); `patchd feeds update` builds it anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where that showed.
        what: String,
    },
    /// It cannot be built.
    #[error("cannot build {}: {cause}; look at its disk", path.display())]
    Build {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
}

fn name(distribution: &Distribution) -> String {
    let Distribution {
        id,
        version,
        codename,
    } = distribution;
    let words = [Some(id), version.as_ref(), codename.as_ref()];
    let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    words.join(" ")
}
