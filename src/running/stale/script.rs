//! Programs that are texts: the interpreter maps no file of theirs, so what
//! counts is whether the text was replaced after the process had started.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, StatxFlags};

use crate::os::mounts::{self, Mount};
use crate::os::process::{self, Process};
use crate::running::boot;

/// Interpreters read their text once, at the start. A shell reads on, and is none.
const INTERPRETERS: [&str; 5] = ["python", "perl", "ruby", "node", "php"];

/// Two clocks are compared that need not agree to the second.
const TOLERANCE: Duration = Duration::from_secs(2);

/// The text that this process runs, when another file has its place since.
pub(super) fn replaced(pid: u32, program: &str) -> Option<String> {
    if !is_interpreter(program) {
        return None;
    }
    let started = boot::started(Process::of(pid)?)?;
    let arguments = process::arguments(pid);
    let script = text_of(&arguments)?;
    // A file server that does not answer would hold us for ever.
    let mounts = mounts::parse(&mounts::seen_by(pid).ok()?);
    mounts::under(&mounts, Path::new(script)).filter(|it| Mount::is_local(it))?;
    let seen = process::root(pid).join(script.strip_prefix('/')?);
    (born(&seen)? > started + TOLERANCE).then(|| script.to_owned())
}

fn is_interpreter(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    INTERPRETERS.iter().any(|interpreter| {
        name.strip_prefix(interpreter)
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    })
}

/// The first argument that is no option; only an absolute path is certain.
fn text_of(arguments: &[String]) -> Option<&str> {
    let first = arguments
        .iter()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))?;
    first.starts_with('/').then_some(first)
}

/// When the file was made. Its other times come out of the package.
fn born(path: &Path) -> Option<SystemTime> {
    let seen = rustix::fs::statx(CWD, path, AtFlags::NO_AUTOMOUNT, StatxFlags::BTIME).ok()?;
    if seen.stx_mask & StatxFlags::BTIME.bits() == 0 {
        return None;
    }
    let seconds = u64::try_from(seen.stx_btime.tv_sec).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_known_by_its_name_and_version() {
        for program in ["/usr/bin/python3.11", "/usr/bin/perl", "/usr/bin/ruby3.1"] {
            assert!(is_interpreter(program), "{program}");
        }
        for program in [
            "/usr/bin/dash",
            "/usr/bin/python3-config",
            "/usr/sbin/nginx",
            "",
        ] {
            assert!(!is_interpreter(program), "{program}");
        }
    }

    #[test]
    fn the_text_is_the_first_argument_that_is_no_option() {
        let words = |words: &[&str]| -> Vec<String> { words.iter().map(|&w| w.into()).collect() };
        let table = [
            (
                &["python3", "-u", "/usr/bin/x", "/etc/y"][..],
                Some("/usr/bin/x"),
            ),
            (&["/usr/bin/perl", "/usr/sbin/x"], Some("/usr/sbin/x")),
            (&["python3", "-c", "import x"], None),
            (&["python3"], None),
            (&["perl", "x.pl"], None),
        ];
        for (arguments, expected) in table {
            assert_eq!(text_of(&words(arguments)), expected, "{arguments:?}");
        }
    }

    #[test]
    fn we_are_no_script() {
        let program = process::program(std::process::id()).expect("we run");
        assert_eq!(replaced(std::process::id(), &program), None);
    }
}
