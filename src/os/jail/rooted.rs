//! Programs in somebody's root folder, as `--root` runs them: a runner whose
//! every program starts in a jail of its own.

use std::io::{PipeReader, Write, pipe};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Part;
use super::ended::How;
use super::error::{JailError, Trying};
use super::fresh::RESOLVER;
use super::run::perform;
use super::wish::{Bounds, FOLDER, Jail, Layer, Network, View, Walls};
use crate::os::command::{Answer, Command, CommandError, Output, Reader, Runner, System};
use crate::os::files::read_bounded;

/// Whoever asks has limits of his own; a transaction has none.
const NO_LIMIT: Duration = Duration::MAX;

/// When there was no jail: what `env` and others say who could not start a program.
const NOT_STARTED: u8 = 125;

/// The longest list of name servers, bytes.
const RESOLVER_CAP: u64 = 64 << 10;

/// As the shell has it for what was killed.
const KILLED: u8 = 137;

/// Runs programs with a folder as their root folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rooted {
    /// The folder.
    pub folder: PathBuf,
    /// Downloading needs the machine's.
    pub network: Network,
}

impl Rooted {
    /// The same program in the jail; whoever starts it need not know. It ends
    /// when its process does, with the status of what ran inside.
    #[must_use]
    pub fn within(&self, command: &Command) -> Command {
        let network = match self.network {
            Network::None => "none",
            Network::Host => "host",
        };
        let enter = Command::ourselves()
            .args(["jail", Part::Enter.word()])
            .args(["--".to_owned(), self.folder.to_string_lossy().into_owned()])
            .arg(network);
        command.through(enter)
    }
}

impl Runner for Rooted {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        Box::pin(async move { System.ask(&self.within(question)).await })
    }

    fn pour<'a>(
        &'a self,
        question: &'a Command,
        reader: Reader,
    ) -> Answer<'a, Result<Output, CommandError>> {
        Box::pin(async move { System.pour(&self.within(question), reader).await })
    }
}

/// `patchd jail enter -- FOLDER none|host WITHIN PROGRAM ARGUMENT…`: returns
/// the exit status of the program.
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
    let [folder, network, within, payload @ ..] = words else {
        return Err(JailError::lost("too few words"));
    };
    let mut files = Vec::new();
    let mut share = Network::None;
    if network == "host" {
        share = Network::Host;
        // Without it nothing is found by name, and whoever asks will say so.
        if let Ok(servers) = read_bounded(Path::new("/etc/resolv.conf"), RESOLVER_CAP) {
            files.push((Path::new(FOLDER).join(RESOLVER), servers.into_bytes()));
        }
    }
    let jail = Jail {
        view: View::Folder(PathBuf::from(folder)),
        layer: Layer::Memory { bytes: 0 },
        bounds: Bounds::default(),
        time_limit: NO_LIMIT,
        network: share,
        walls: Walls::default(),
        files,
    };
    let (said, output) = pipe().trying("make a pipe")?;
    let (complained, errors) = pipe().trying("make a pipe")?;
    let (ended, ..) = tokio::join!(
        perform(&jail, Path::new(within), payload, [output, errors]),
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
            network: Network::Host,
        };
        let command = Command::new("/usr/bin/apt-get").args(["-q", "update"]);
        let within = rooted.within(&command);
        let expected = [
            "jail",
            "enter",
            "--",
            "/mnt/an image",
            "host",
            "/",
            "/usr/bin/apt-get",
            "-q",
            "update",
        ];
        assert_eq!(within.argv()[1..], expected);
    }
}
