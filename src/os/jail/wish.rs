//! What a jail is to be, and how that reaches the processes that make it.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::{JailError, Trying};
use super::run::Payload;

/// Where files of the caller are laid, and where [`PROGRAM`] is.
pub const FOLDER: &str = "/run/rehearsal";

/// Our own program inside, as it was when the jail was shut: a copy in memory,
/// so that nothing inside holds a file of the machine. It is there when a word
/// of the payload's speaks of [`FOLDER`].
pub const PROGRAM: &str = "/run/rehearsal/patchd";

/// Programs that scripts find before all others. What whoever starts a program
/// in a folder has there himself lies there inside.
pub const STAND_INS: &str = "/run/rehearsal/bin";

/// The longest first line that is read, bytes; files come behind it.
const LINE_CAP: u64 = 1 << 20;

/// A room that programs do not get out of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jail {
    /// What they take for the machine.
    pub view: View,
    /// Where what they write is kept meanwhile; unused with [`View::Folder`].
    pub layer: Layer,
    /// How much they may have.
    pub bounds: Bounds,
    /// How long they may take.
    pub time_limit: Duration,
    /// Whether they reach the network.
    pub network: Network,
    /// What keeps them in; all of it but in trials of one wall alone.
    pub walls: Walls,
    /// The payload is our own program, and trusted: only the view is around it.
    #[serde(default)]
    pub is_ours: bool,
    /// Laid before the start, at absolute paths below [`FOLDER`].
    #[serde(skip)]
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

/// What is the root folder inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// This machine; what is written goes to the layer and then away.
    Copy,
    /// This folder; what is written stays. Syncs are real, and device nodes can
    /// be made (but not opened).
    Folder(PathBuf),
}

/// Where a copy keeps what is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layer {
    /// In memory, at most so many bytes.
    Memory {
        /// Its size.
        bytes: u64,
    },
    /// In a file without a name, below a folder that is root's alone. Without
    /// loop devices in a folder there, which is [`super::sweep()`]'s if we are killed.
    Disk {
        /// Where; not on an overlay.
        folder: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

/// How much all processes inside may have together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Memory, a layer in memory included, bytes.
    pub memory: u64,
    /// Processes and threads.
    pub tasks: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            memory: 1 << 30,
            tasks: 512,
        }
    }
}

/// Which network they see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// A loopback of their own.
    None,
    /// The machine's.
    Host,
}

/// The two independent walls. Either alone has held all known attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// Their root is nobody to the kernel: a user namespace of their own.
    pub user_namespace: bool,
    /// System calls that no package needs are refused.
    pub seccomp: bool,
}

impl Default for Walls {
    fn default() -> Self {
        Self {
            user_namespace: true,
            seccomp: true,
        }
    }
}

/// What goes down the pipes: this as a line of JSON, then the files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Wish {
    /// The jail.
    pub(super) jail: Jail,
    /// What runs in it: an absolute program and its arguments.
    pub(super) payload: Vec<String>,
    /// The folder, inside, that it starts in.
    pub(super) within: PathBuf,
    /// A name that no other jail has.
    pub(super) id: String,
    /// Paths and sizes of the files behind the line.
    files: Vec<(PathBuf, u64)>,
    /// The control group of the payload; the supervisor writes it in.
    pub(super) group: Option<PathBuf>,
    /// The number of a descriptor that everybody on the way keeps for it.
    pub(super) kept: Option<i32>,
}

impl Wish {
    pub(super) fn new(jail: &Jail, payload: &Payload<'_>, id: String) -> Self {
        let size = |content: &Vec<u8>| content.len() as u64;
        let files = jail.files.iter();
        Self {
            jail: jail.clone(),
            payload: payload.words.to_vec(),
            within: payload.within.to_owned(),
            id,
            files: files
                .map(|(path, content)| (path.clone(), size(content)))
                .collect(),
            group: None,
            kept: payload.kept,
        }
    }

    /// As it goes down a pipe.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, JailError> {
        let mut bytes = serde_json::to_vec(self).or_lost()?;
        bytes.push(b'\n');
        for (_, content) in &self.jail.files {
            bytes.extend_from_slice(content);
        }
        Ok(bytes)
    }

    /// As it comes out of one.
    pub(super) fn read(from: &mut dyn BufRead) -> Result<Self, JailError> {
        let mut line = Vec::new();
        let mut bounded = Read::take(&mut *from, LINE_CAP);
        bounded.read_until(b'\n', &mut line).or_lost()?;
        let mut wish: Self = serde_json::from_slice(&line).or_lost()?;
        for (path, size) in &wish.files {
            let mut content = Vec::new();
            let mut bounded = Read::take(&mut *from, *size);
            bounded.read_to_end(&mut content).or_lost()?;
            wish.jail.files.push((path.clone(), content));
        }
        Ok(wish)
    }

    /// Whether this is laid.
    pub(super) fn lays(&self, name: &str) -> bool {
        let path = Path::new(FOLDER).join(name);
        self.jail.files.iter().any(|(laid, _)| *laid == path)
    }

    /// Whether our own program is wanted inside.
    pub(super) fn wants_program(&self) -> bool {
        self.payload.iter().any(|word| word.contains(FOLDER))
    }
}

/// A path below [`FOLDER`] without the folder, if it is one and stays there.
pub(super) fn below_folder(path: &Path) -> Option<&Path> {
    let rest = path.strip_prefix(FOLDER).ok()?;
    let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    (rest.components().count() > 0 && rest.components().all(plain)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jail() -> Jail {
        Jail {
            view: View::Copy,
            layer: Layer::Memory { bytes: 1 << 20 },
            bounds: Bounds::default(),
            time_limit: Duration::from_secs(1),
            network: Network::None,
            walls: Walls::default(),
            is_ours: false,
            files: vec![
                (Path::new(FOLDER).join("a"), b"one\ntwo".to_vec()),
                (Path::new(FOLDER).join("b"), Vec::new()),
                (Path::new(FOLDER).join("c"), b"three".to_vec()),
            ],
        }
    }

    #[test]
    fn what_goes_down_a_pipe_comes_out_of_it() {
        let payload = Payload {
            words: &["/bin/true".to_owned()],
            within: Path::new("/"),
            kept: Some(7),
        };
        let wish = Wish::new(&jail(), &payload, "x".to_owned());
        let bytes = wish.to_bytes().expect("bytes");
        let read = Wish::read(&mut bytes.as_slice()).expect("a wish");
        assert_eq!(read.jail, jail());
        assert_eq!(read.payload, ["/bin/true"]);
    }

    #[test]
    fn files_are_laid_nowhere_else() {
        assert_eq!(
            below_folder(Path::new("/run/rehearsal/a/b")),
            Some(Path::new("a/b"))
        );
        for path in [
            "/etc/passwd",
            "/run/rehearsal",
            "/run/rehearsal/../../etc/passwd",
        ] {
            assert_eq!(below_folder(Path::new(path)), None, "{path}");
        }
    }
}
