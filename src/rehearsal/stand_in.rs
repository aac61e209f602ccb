//! A stand-in at work: `patchd rehearsal-stand-in /run/rehearsal/bin/NAME …`,
//! which is what the kernel makes of a script that calls NAME.

use std::io::Write;
use std::path::Path;

use super::note::{Note, POLICY, SYSTEMCTL};
use super::stage::Stage;
use super::systemctl::{Call, Reply};
use crate::os::command::{Command, Runner, become_program};

/// policy-rc.d(8): do not do it.
const FORBIDDEN: u8 = 101;

/// Where the real programs are, in the order of a maintainer script's PATH.
const REAL: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Notes the call down and answers it. Returns the exit status, unless the
/// real program takes our place.
pub async fn stand_in(stage: &Stage, path: &Path, arguments: &[String], runner: &dyn Runner) -> u8 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match &*name {
        POLICY => {
            if !is_forbidden_anyway(stage, arguments, runner).await {
                note(stage, &name, arguments);
            }
            FORBIDDEN
        }
        SYSTEMCTL => systemctl(stage, arguments),
        name if is_question(name, arguments) => real(name, arguments),
        _ => {
            note(stage, &name, arguments);
            0
        }
    }
}

fn systemctl(stage: &Stage, arguments: &[String]) -> u8 {
    let call = Call::parse(arguments);
    if call.now {
        note(stage, SYSTEMCTL, arguments);
    }
    // Without units to tell of, nothing is up.
    match call.reply(arguments, &stage.units().unwrap_or_default()) {
        Reply::Real(arguments) => real(SYSTEMCTL, &arguments),
        Reply::Known { status, text } => {
            let _gone = std::io::stdout().write_all(text.as_bytes());
            status
        }
        Reply::Noted => {
            note(stage, SYSTEMCTL, arguments);
            0
        }
    }
}

/// Whether the call only asks, so that the real program may answer.
fn is_question(name: &str, arguments: &[String]) -> bool {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match name {
        "mount" => words.iter().all(|word| *word == "-l"),
        "sysctl" => {
            let sets = |word: &&str| {
                word.contains('=')
                    || matches!(*word, "-w" | "-p" | "--write" | "--load" | "--system")
            };
            !words.is_empty() && !words.iter().any(sets)
        }
        "bootctl" => words
            .iter()
            .any(|word| matches!(*word, "is-installed" | "status" | "list")),
        _ => words == ["--version"],
    }
}

/// Whether the machine's own policy would have said no.
async fn is_forbidden_anyway(stage: &Stage, arguments: &[String], runner: &dyn Runner) -> bool {
    let own = stage.own_policy();
    if !own.exists() {
        return false;
    }
    let question = Command::new(own.to_string_lossy().into_owned()).args(arguments);
    let answer = runner.ask(&question).await;
    answer.is_ok_and(|output| output.status == i32::from(FORBIDDEN))
}

/// Becomes the real program, without a systemd to talk to.
fn real(name: &str, arguments: &[String]) -> u8 {
    let folders = REAL.iter().map(|folder| Path::new(folder).join(name));
    for program in folders.filter(|program| program.exists()) {
        let cause = become_program(&program, arguments, ("SYSTEMD_OFFLINE", "1"));
        let _gone = writeln!(std::io::stderr(), "{}: {cause}", program.display());
    }
    // As a shell says of a program that is not there.
    127
}

/// A note that cannot be written is one restart less in the report; the script
/// must not fail for it.
fn note(stage: &Stage, name: &str, arguments: &[String]) {
    let _lost = Note::new(name, arguments).append(&stage.notes());
}

#[cfg(test)]
mod tests {
    use super::super::note;
    use super::*;
    use crate::os::command::System;
    use crate::os::files;

    async fn call(stage: &Stage, path: &str, words: &[&str]) -> u8 {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        stand_in(stage, Path::new(path), &words, &System).await
    }

    #[tokio::test]
    async fn a_stand_in_notes_its_call_and_succeeds_and_the_policy_forbids() {
        let folder = tempfile::tempdir().expect("a folder");
        let stage = Stage::at(folder.path());
        assert_eq!(call(&stage, "/run/rehearsal/bin/update-grub", &[]).await, 0);
        let policy = "/usr/sbin/policy-rc.d";
        assert_eq!(call(&stage, policy, &["nginx", "restart"]).await, FORBIDDEN);
        assert_eq!(call(&stage, "bin/systemctl", &["daemon-reload"]).await, 0);
        assert_eq!(
            call(&stage, "bin/systemctl", &["is-active", "-q", "x"]).await,
            3
        );
        let noted = note::read(&stage.notes()).expect("readable");
        let noted: Vec<String> = noted.iter().map(ToString::to_string).collect();
        let expected = [
            "update-grub",
            "policy-rc.d nginx restart",
            "systemctl daemon-reload",
        ];
        assert_eq!(noted, expected);
    }

    #[test]
    fn a_question_is_answered_by_the_real_program() {
        for (name, words, expected) in [
            ("mount", "", true),
            ("mount", "-o remount,rw /", false),
            ("sysctl", "-n vm.swappiness", true),
            ("sysctl", "vm.swappiness=1", false),
            ("sysctl", "--system", false),
            ("bootctl", "is-installed --quiet", true),
            ("bootctl", "update", false),
            ("udevadm", "--version", true),
            ("udevadm", "trigger", false),
        ] {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            assert_eq!(is_question(name, &words), expected, "{name} {words:?}");
        }
    }

    #[tokio::test]
    async fn what_the_machine_forbids_itself_is_not_foretold() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let stage = Stage::at(folder.path());
        let own = stage.own_policy();
        files::replace(&own, b"#!/bin/sh\nexit 101\n", 0o755).expect("written");
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o755)).expect("set");
        let policy = "/usr/sbin/policy-rc.d";
        assert_eq!(call(&stage, policy, &["nginx", "restart"]).await, FORBIDDEN);
        assert_eq!(note::read(&stage.notes()).expect("none"), []);
    }
}
