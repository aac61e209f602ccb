//! An image that is patched, as `--root` does it: our program once more, with
//! somebody's folder as its root folder, so that the kernel itself keeps every
//! path that it opens inside. It is trusted, and starts nothing of the image
//! but through [`Rooted`].

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::error::{JailError, Trying};
use super::rooted::{HANDED_ON, Rooted, name_servers, pass_through, room};
use super::run::Payload;
use super::wish::{FOLDER, Jail, Network, PROGRAM};
use crate::os::command::{Runner, System};
use crate::os::files::read_bounded;

/// Below [`FOLDER`]: who we are. It was laid before the image could.
const TICKET: &str = "image.json";

/// A few words, bytes.
const TICKET_CAP: u64 = 64 << 10;

/// Below [`FOLDER`]: another configuration than the image's own.
const CONFIGURATION: &str = "patchd.toml";

/// What our program inside has to know of outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Where the image is for whoever asks.
    pub folder: PathBuf,
    /// Who asks.
    pub asked_by: String,
    /// Whether standard output may be coloured.
    pub colour: bool,
    /// Whether a person watches standard error.
    pub terminal: bool,
    /// Where another configuration than the image's own lies inside.
    pub configuration: Option<PathBuf>,
}

impl Image {
    /// The image that we are in; `None` on a machine. What runs of the image has a
    /// `/run` of its own, and cannot lay this.
    #[must_use]
    pub fn around_us() -> Option<Self> {
        let ticket = read_bounded(&Path::new(FOLDER).join(TICKET), TICKET_CAP).ok()?;
        serde_json::from_str(&ticket).ok()
    }

    /// Whether we are in one.
    #[must_use]
    pub fn is_around_us() -> bool {
        static ANSWER: OnceLock<bool> = OnceLock::new();
        *ANSWER.get_or_init(|| Path::new(FOLDER).join(TICKET).exists())
    }

    /// Plays our program with these words inside, and passes on what it says.
    /// Returns its exit status. Whoever drops this kills all that is inside.
    pub async fn enter(
        mut self,
        words: Vec<String>,
        configuration: Option<String>,
    ) -> Result<u8, JailError> {
        let at = |name: &str| Path::new(FOLDER).join(name);
        let mut files: Vec<_> = name_servers(HANDED_ON).into_iter().collect();
        if let Some(text) = configuration {
            self.configuration = Some(at(CONFIGURATION));
            files.push((at(CONFIGURATION), text.into_bytes()));
        }
        files.push((at(TICKET), serde_json::to_vec(&self).or_lost()?));
        let jail = Jail {
            network: Network::Host,
            is_ours: true,
            files,
            ..room(self.folder)
        };
        let words: Vec<String> = std::iter::once(PROGRAM.to_owned()).chain(words).collect();
        let payload = Payload {
            words: &words,
            within: Path::new("/"),
            kept: None,
        };
        pass_through(&jail, &payload).await
    }
}

/// Who runs programs: this machine, or, in an image, a jail for each.
#[must_use]
pub fn runner() -> Box<dyn Runner> {
    if !Image::is_around_us() {
        return Box::new(System);
    }
    Box::new(Rooted {
        folder: PathBuf::from("/"),
    })
}
