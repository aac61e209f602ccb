//! Programs in somebody's root folder, as `--root` runs them: a runner whose
//! every program starts in a jail of its own.

use std::io::{PipeReader, Write, pipe};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Part;
use super::ended::How;
use super::error::{JailError, Trying};
use super::fresh::RESOLVER;
use super::run::{Payload, perform};
use super::wish::{Bounds, FOLDER, Jail, Layer, Network, STAND_INS, View, Walls};
use crate::os::command::{Answer, Command, CommandError, Output, Reader, Runner, System};
use crate::os::elf;
use crate::os::files::{names, read_bounded};

/// Whoever asks has limits of his own; a transaction has none.
const NO_LIMIT: Duration = Duration::MAX;

/// When there was no jail: what `env` and others say who could not start a program.
const NOT_STARTED: u8 = 125;

/// The longest list of name servers, bytes.
const RESOLVER_CAP: u64 = 64 << 10;

/// The longest stand-in, bytes: it is a line.
const STAND_IN_CAP: u64 = 4 << 10;

/// In place of a descriptor's number.
const NOTHING: &str = "-";

/// Below [`FOLDER`]: the machine's name servers, for those inside who start
/// others with its network.
pub(super) const HANDED_ON: &str = "name-servers";

/// As the shell has it for what was killed.
const KILLED: u8 = 137;

/// Runs programs with a folder as their root folder. Those that reach out have
/// the machine's network, and the others none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rooted {
    /// The folder.
    pub folder: PathBuf,
}

impl Rooted {
    /// The same program in the jail; whoever starts it need not know. It ends
    /// when its process does, with the status of what ran inside. `kept` is the
    /// number of a descriptor that it inherits; no other one comes in.
    #[must_use]
    pub fn within(&self, command: &Command, kept: Option<i32>) -> Command {
        let network = if command.reaches_out() {
            "host"
        } else {
            "none"
        };
        let kept = kept.map_or_else(|| NOTHING.to_owned(), |number| number.to_string());
        let enter = Command::ourselves()
            .args(["jail", Part::Enter.word()])
            .args(["--".to_owned(), self.folder.to_string_lossy().into_owned()])
            .args([network, &kept]);
        command.through(enter)
    }
}

impl Runner for Rooted {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        Box::pin(async move { System.ask(&self.within(question, None)).await })
    }

    fn pour<'a>(
        &'a self,
        question: &'a Command,
        reader: Reader,
    ) -> Answer<'a, Result<Output, CommandError>> {
        Box::pin(async move { System.pour(&self.within(question, None), reader).await })
    }

    fn transaction(&self, command: &Command, kept: Option<i32>) -> Command {
        self.within(command, kept)
    }
}

/// `patchd jail enter -- FOLDER none|host NUMBER|- WITHIN PROGRAM ARGUMENT…`:
/// returns the exit status of the program.
pub(super) fn main(words: &[String]) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime
        .trying("start a runtime")
        .and_then(|runtime| runtime.block_on(enter(words)));
    ended.unwrap_or_else(|error| {
        let _nobody_reads = writeln!(std::io::stderr(), "{error}");
        NOT_STARTED
    })
}

async fn enter(words: &[String]) -> Result<u8, JailError> {
    let [folder, network, kept, within, payload @ ..] = words else {
        return Err(JailError::lost("too few words"));
    };
    let mut files = stand_ins();
    let mut share = Network::None;
    if network == "host" {
        share = Network::Host;
        files.extend(name_servers(RESOLVER));
    }
    let jail = Jail {
        network: share,
        files,
        ..room(folder.into())
    };
    let payload = Payload {
        words: payload,
        within: Path::new(within),
        kept: kept.parse().ok(),
    };
    pass_through(&jail, &payload).await
}

/// A folder, with all the time there is, and nothing laid in it.
pub(super) fn room(folder: PathBuf) -> Jail {
    Jail {
        view: View::Folder(folder),
        layer: Layer::Memory { bytes: 0 },
        bounds: Bounds::default(),
        time_limit: NO_LIMIT,
        network: Network::None,
        walls: Walls::default(),
        is_ours: false,
        files: Vec::new(),
    }
}

/// The machine's name servers, to be laid under this name. Without them nothing
/// is found by name, and whoever asks will say so.
pub(super) fn name_servers(name: &str) -> Option<(PathBuf, Vec<u8>)> {
    let handed_on = Path::new(FOLDER).join(HANDED_ON);
    let places = [handed_on.as_path(), Path::new("/etc/resolv.conf")];
    let servers = places
        .into_iter()
        .find_map(|place| read_bounded(place, RESOLVER_CAP).ok())?;
    Some((Path::new(FOLDER).join(name), servers.into_bytes()))
}

/// What whoever asks has laid for scripts to find lies there inside, too.
fn stand_ins() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(STAND_INS);
    let read = |name: String| {
        let path = folder.join(name);
        let text = read_bounded(&path, STAND_IN_CAP).ok()?;
        Some((path, text.into_bytes()))
    };
    let names = names(folder).unwrap_or_default();
    names.into_iter().filter_map(read).collect()
}

/// Runs it with our own output and error, and returns its exit status.
pub(super) async fn pass_through(jail: &Jail, payload: &Payload<'_>) -> Result<u8, JailError> {
    if !elf::are_we_self_contained().trying("look at our own program")? {
        return Err(JailError::Borrows);
    }
    let (said, output) = pipe().trying("make a pipe")?;
    let (complained, errors) = pipe().trying("make a pipe")?;
    let (ended, ..) = tokio::join!(
        perform(jail, payload, [output, errors]),
        pass(said, std::io::stdout()),
        pass(complained, std::io::stderr()),
    );
    Ok(match ended?.how {
        How::Status(status) => u8::try_from(status).unwrap_or(NOT_STARTED),
        How::TimeLimit | How::Memory | How::Tasks => KILLED,
    })
}

/// What is inside writes to a pipe of its own, never to what we hold: that may
/// be a file of the machine, whose mode could be changed through it.
async fn pass(mut from: PipeReader, mut to: impl Write + Send + 'static) {
    let pass = move || std::io::copy(&mut from, &mut to).and_then(|_| to.flush());
    let _nobody_reads = tokio::task::spawn_blocking(pass).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_keeps_its_words_and_gets_a_root() {
        let rooted = Rooted {
            folder: PathBuf::from("/mnt/an image"),
        };
        let command = Command::new("/usr/bin/apt-get").args(["-q", "update"]);
        let within = rooted.within(&command.reaching_out(), Some(7));
        let expected = [
            "jail",
            "enter",
            "--",
            "/mnt/an image",
            "host",
            "7",
            "/",
            "/usr/bin/apt-get",
            "-q",
            "update",
        ];
        assert_eq!(within.argv()[1..], expected);
    }
}
