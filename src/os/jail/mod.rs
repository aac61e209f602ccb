//! A room that programs do not get out of: for rehearsals a copy-on-write view
//! of this machine, for `--root` somebody else's root folder. It knows nothing
//! of packages.
//!
//! Three processes make it, each of them our own program started once more. The
//! `supervisor` is outside: control group, lifeline, time limit. `first` is
//! PID 1 of the jail and trusted: it builds the `view`, starts the payload,
//! reaps, and `walk`s over what was written. `last` goes into the user
//! namespace, gives up what it may, and becomes the payload. Whatever is killed,
//! the others follow, and the kernel throws the mounts away.
//! Why each step is where it is: `docs/adr/0017-jail.md`.

mod ended;
mod error;
mod wish;

mod image;
mod rooted;
mod run;

mod cgroup;
mod supervisor;

mod first;
mod fresh;
mod layer;
mod mounts;
mod view;
mod walk;
mod watch;

mod filter;
mod last;

mod sweep;

pub use ended::{Bounded, Change, Changed, Ended, How};
pub use error::JailError;
pub use image::{Image, runner};
pub use rooted::Rooted;
pub use sweep::sweep;
pub use wish::{Bounds, FOLDER, Jail, Layer, Network, PROGRAM, STAND_INS, View, Walls};

/// The parts that `patchd jail PART` plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Outside.
    Supervisor,
    /// PID 1.
    First,
    /// What becomes the payload.
    Last,
    /// Whoever asks for a jail, if all he has is a command line.
    Enter,
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::First => "first",
            Self::Last => "last",
            Self::Enter => "enter",
        }
    }

    /// Plays it to its end; `words` are for [`Self::Enter`]. Returns the exit status.
    #[must_use]
    pub fn play(self, words: &[String]) -> u8 {
        match self {
            Self::Supervisor => supervisor::main(),
            Self::First => first::main(),
            Self::Last => last::main(),
            Self::Enter => rooted::main(words),
        }
    }
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        [Self::Supervisor, Self::First, Self::Last, Self::Enter]
            .into_iter()
            .find(|part| part.word() == word)
            .ok_or_else(|| format!("a jail has no part {word}"))
    }
}
