//! `--root DIR`: the same command once more, in a jail whose root folder is DIR.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;

use super::arguments::{Arguments, Command};
use super::context::{Context, Trouble, is_root};
use super::engine::who;
use super::screen::Screen;
use crate::model::ExitCode;
use crate::os::command::{are_we_a_copy, become_copy};
use crate::os::jail::Image;
use crate::os::trusted::Reader;
use crate::os::{elf, environment, files, process, signals};

/// What every system of Debian's has.
const DATABASE: &str = "var/lib/dpkg/status";

/// The same program as we are, linked statically.
const STATIC: &str = "/usr/lib/patchd/patchd-static";

/// No configuration is longer, bytes.
const CONFIGURATION_CAP: u64 = 1 << 20;

/// Between us and our program inside: the supervisor of the jail, and its first
/// process.
const GENERATIONS: usize = 3;

/// Has this very command done inside.
pub(super) async fn enter(
    arguments: &Arguments,
    screen: &Screen,
    root: &Path,
) -> Result<ExitCode, Trouble> {
    makes_sense(&arguments.command)?;
    if !is_root() {
        let sentence = "--root needs root; run it with sudo";
        return Err(Trouble::not_permitted(sentence));
    }
    let folder = chosen(root)?;
    if !are_we_a_copy() {
        return Err(become_static());
    }
    let image = Image {
        folder,
        asked_by: who(),
        colour: screen.is_colourful(),
        terminal: screen.is_terminal(),
        configuration: None,
    };
    let configuration = arguments.config.as_deref().map(configuration).transpose()?;
    let entered = image.enter(environment::arguments(), configuration);
    let mut stop = signals::stop_requests().map_err(|cause| Trouble::failed(&cause))?;
    tokio::pin!(entered);
    let ended = loop {
        tokio::select! {
            ended = &mut entered => break ended,
            _byte = stop.read_u8() => ask_to_stop(),
        }
    };
    let status = ended.map_err(|error| Trouble::failed(&error))?;
    ExitCode::try_from(status).map_err(|_| {
        Trouble::failed(&format!(
            "patchd was ended from outside (status {status}); the next `run` goes on with what it had begun"
        ))
    })
}

/// Says to whoever patches an image what its configuration asks for in vain.
pub(super) fn tell_what_is_left_out(context: &Context, command: &Command) {
    let is_asked = matches!(
        command,
        Command::Run(_) | Command::Check { .. } | Command::Rehearse(_)
    );
    if !is_asked || !Image::is_around_us() {
        return;
    }
    // One with faults is told by the command itself.
    if let Ok(loaded) = context.load() {
        let (_, told) = loaded.settings.at_rest();
        for sentence in told {
            Screen::complain(&sentence);
        }
    }
}

/// Goes on as a program that brings all of its code, since we would load the
/// image's libraries, and that lies in no file. Returns only when that fails.
fn become_static() -> Trouble {
    let ours = elf::are_we_self_contained().unwrap_or(false);
    let program = if ours { process::OURSELVES } else { STATIC };
    let words = environment::arguments();
    let cause = become_copy(Path::new(program), &words, ("SUDO_USER", &who()));
    Trouble::failed(&format!(
        "cannot start {program}, which patches images: {cause}; it comes with patchd's package"
    ))
}

/// Refuses what is for a machine that runs.
fn makes_sense(command: &Command) -> Result<(), Trouble> {
    let why = match command {
        Command::Check { .. }
        | Command::Rehearse(_)
        | Command::Rollback(_)
        | Command::Explain { .. }
        | Command::Status
        | Command::History { .. }
        | Command::Quarantine { .. }
        | Command::Config { .. }
        | Command::Logs { follow: false, .. } => return Ok(()),
        Command::Run(wish) if wish.attach => "nobody else drives a run in an image",
        Command::Run(wish) if !wish.now => {
            "an image has no windows: `patchd --root DIR run --now` patches it"
        }
        Command::Run(_) => return Ok(()),
        _ => "this command is for a machine that runs; leave out --root",
    };
    Err(Trouble::usage(why.to_owned()))
}

/// The folder, without links, when it is an image that nobody but root can
/// exchange while we are at it.
fn chosen(root: &Path) -> Result<PathBuf, Trouble> {
    let shown = root.display();
    let refused = |why: &str| Trouble::usage(format!("cannot patch {shown}: {why}"));
    let folder = root
        .canonicalize()
        .map_err(|cause| refused(&cause.to_string()))?;
    if is_roots_own(&folder).map_err(|cause| refused(&cause.to_string()))? {
        return Err(refused("that is this machine; leave out --root"));
    }
    for step in folder.ancestors() {
        let stat = step
            .symlink_metadata()
            .map_err(|cause| refused(&cause.to_string()))?;
        let is_sticky = stat.mode() & 0o1000 != 0 && step != folder;
        if stat.uid() != 0 || (stat.mode() & 0o022 != 0 && !is_sticky) {
            return Err(refused(&format!(
                "{} is not root's alone, and could be exchanged meanwhile; give it to root, or mount the image elsewhere",
                step.display()
            )));
        }
    }
    if !folder.is_dir() {
        return Err(refused("it is no folder; mount the image first"));
    }
    if !files::is_file_within(&folder, Path::new(DATABASE)) {
        return Err(refused(&format!(
            "no Debian system is there (it has no /{DATABASE}); give the folder where the root file system of the image is mounted"
        )));
    }
    Ok(folder)
}

fn is_roots_own(folder: &Path) -> std::io::Result<bool> {
    let (here, there) = (Path::new("/").metadata()?, folder.metadata()?);
    Ok((here.dev(), here.ino()) == (there.dev(), there.ino()))
}

/// Judged as on the machine itself, and then laid into the jail.
fn configuration(file: &Path) -> Result<String, Trouble> {
    let read = std::path::absolute(file).map_err(|cause| Trouble::failed(&cause))?;
    let text = Reader::this_process().text(Path::new("/"), &read, CONFIGURATION_CAP);
    let invalid = |sentence: String| Trouble {
        sentence,
        code: ExitCode::ConfigInvalid,
    };
    text.map_err(|untrusted| invalid(untrusted.to_string()))?
        .ok_or_else(|| invalid(format!("there is no file {}", read.display())))
}

/// The jail is a session of its own: a Ctrl-C is for us, who pass it on. What it
/// means is the program's own affair.
fn ask_to_stop() {
    let mut pid = Some(std::process::id());
    for _ in 0..GENERATIONS {
        pid = pid.and_then(process::oldest_child);
    }
    if let Some(pid) = pid {
        process::ask_to_stop(pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(root: &Path) -> String {
        chosen(root).expect_err("refused").sentence
    }

    #[test]
    fn what_is_no_image_is_refused_and_left_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(refusal(Path::new("/")).contains("this machine"));
        assert!(refusal(Path::new("/proc/self/root")).contains("this machine"));
        assert!(refusal(&folder.path().join("absent")).contains("No such file"));
        let empty = refusal(folder.path());
        if rustix::process::geteuid().is_root() {
            assert!(empty.contains("no Debian system"), "{empty}");
        }
        let left = std::fs::read_dir(folder.path()).expect("there").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn a_link_out_of_the_image_is_no_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join(DATABASE);
        std::fs::create_dir_all(database.parent().expect("one")).expect("made");
        std::os::unix::fs::symlink("/etc/passwd", &database).expect("linked");
        assert!(!files::is_file_within(folder.path(), Path::new(DATABASE)));
    }
}
