//! `patchd rehearse`: what the updates would do, and nothing is changed.

use serde_json::Value;

use super::arguments::RehearseArguments;
use super::context::{Context, Trouble};
use super::engine::who;
use super::run::{bare, code_of, here, there, without_own_file};
use super::screen::{Mark, Screen};
use crate::control::document::{
    DiskUse, FileChanges, Rehearsal, RehearseDocument, RunDocument, ServiceChange,
};
use crate::control::{Action, Call};
use crate::cycle::Mandate;
use crate::daemon::Request;
use crate::model::{self, ExitCode};
use crate::os::environment;
use crate::policy::Asked;

/// As many names as a line takes.
const NAMES: usize = 6;

/// Rehearses, shows how far it is and what came of it, and exits with the outcome's code.
pub(super) async fn rehearse(
    context: &Context,
    screen: &Screen,
    wish: &RehearseArguments,
) -> Result<ExitCode, Trouble> {
    without_own_file(context)?;
    let packages = wish.packages.iter().map(|name| bare(name));
    let packages = packages.collect::<Result<Vec<_>, _>>()?;
    let value = if context.asks_daemon()? {
        let call = Call::Act(Action::Rehearse {
            policy: wish.policy.clone(),
            packages,
            sudo_user: environment::sudo_user(),
        });
        match there::watch(screen, &call).await? {
            Some(value) => value,
            None => return Ok(ExitCode::Success),
        }
    } else {
        let request = Request {
            origin: Request::BY_HAND.to_owned(),
            mandate: Mandate {
                action: model::Action::Rehearse,
                ..Mandate::default()
            },
            policy: wish.policy.clone().unwrap_or_else(|| "default".to_owned()),
            asked: Asked(packages),
            asked_by: who(),
        };
        here::drive(context, screen, &request).await?
    };
    conclude(screen, value)
}

fn conclude(screen: &Screen, value: Value) -> Result<ExitCode, Trouble> {
    let document: RunDocument =
        serde_json::from_value(value).map_err(|cause| Trouble::failed(&cause))?;
    let document = RehearseDocument::from(document);
    if screen.wants_json() {
        Screen::document(&document);
    } else {
        print(screen, &document);
    }
    code_of("rehearsal", document.exit_code)
}

/// For somebody who is tired: first whether it works, then what it would mean.
fn print(screen: &Screen, document: &RehearseDocument) {
    let Some(rehearsal) = &document.rehearsal else {
        let summary = document.summary.as_deref().unwrap_or_default();
        Screen::line(summary);
        return;
    };
    let (mark, verdict) = match rehearsal.verdict.as_str() {
        "passed" => (Mark::Good, "they would be installed without trouble"),
        "confirmed" => (Mark::Bad, "they cannot be installed as they are"),
        _ => (Mark::Unknown, "it proves nothing"),
    };
    let updates = match rehearsal.packages.len() {
        1 => "1 package".to_owned(),
        count => format!("{count} packages"),
    };
    screen.mark(mark, &format!("rehearsal of {updates}: {verdict}"));
    Screen::line(&format!("     {}", rehearsal.summary));
    for line in &rehearsal.evidence {
        Screen::line(&format!("       | {line}"));
    }
    for aside in &document.set_aside {
        let sentence = format!("without {}, which fails: {}", aside.package, aside.reason);
        screen.mark(Mark::Bad, &sentence);
    }
    for warning in &rehearsal.warnings {
        screen.mark(Mark::Warn, warning);
    }
    Screen::raw(b"\n");
    for (what, told) in told(rehearsal) {
        Screen::line(&format!("{what:<15} {told}"));
    }
    Screen::raw(b"\n");
    Screen::line(&format!(
        "nothing of this machine was changed; `patchd logs {}` has the whole output",
        document.run
    ));
}

/// What it would mean, a line each.
fn told(rehearsal: &Rehearsal) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if rehearsal.layer.is_none() {
        return lines;
    }
    lines.push(("files", files(&rehearsal.files)));
    if !rehearsal.kept_conffiles.is_empty() {
        let kept = names(rehearsal.kept_conffiles.iter());
        lines.push(("configuration", format!("keeps its old version: {kept}")));
    }
    lines.extend(services(&rehearsal.services));
    if !rehearsal.stale_units.is_empty() {
        let units = names(rehearsal.stale_units.iter().map(|stale| &stale.unit));
        lines.push(("old code", format!("goes on in {units}")));
    }
    let reboot = match rehearsal.reboot_reasons.as_slice() {
        [] => "not needed".to_owned(),
        reasons => format!("owed: {}", reasons.join("; ")),
    };
    lines.push(("reboot", reboot));
    if let Some(disk) = disk(&rehearsal.disk) {
        lines.push(("disk", disk));
    }
    if !rehearsal.left_over.is_empty() {
        lines.push(("left running", names(rehearsal.left_over.iter())));
    }
    if !rehearsal.not_rehearsed.is_empty() {
        lines.push(("not rehearsed", names(rehearsal.not_rehearsed.iter())));
    }
    let seconds = rehearsal.seconds;
    let took = match rehearsal.memory_bytes {
        Some(bytes) => format!("{seconds} s, and {} MB of memory meanwhile", bytes >> 20),
        None => format!("{seconds} s"),
    };
    lines.push(("took", took));
    lines
}

fn files(files: &FileChanges) -> String {
    let least = if files.incomplete { "at least " } else { "" };
    let all = files.added + files.changed + files.removed;
    format!(
        "{least}{all}: {} new, {} replaced, {} removed",
        files.added, files.changed, files.removed
    )
}

fn services(services: &[ServiceChange]) -> Vec<(&'static str, String)> {
    let kinds = [
        ("restarts", "restarted: "),
        ("reloads", "read their configuration again: "),
        ("stops", "stopped: "),
        ("starts", "started: "),
    ];
    let line = |(kind, what): (&str, &str)| {
        let units: Vec<&String> = services
            .iter()
            .filter(|service| service.change == kind)
            .map(|service| &service.unit)
            .collect();
        (!units.is_empty()).then(|| ("services", format!("{what}{}", names(units.into_iter()))))
    };
    let lines: Vec<_> = kinds.into_iter().filter_map(line).collect();
    if lines.is_empty() {
        return vec![("services", "none is restarted".to_owned())];
    }
    lines
}

fn disk(disk: &[DiskUse]) -> Option<String> {
    let volumes: Vec<String> = disk
        .iter()
        .filter(|volume| volume.bytes != 0)
        .map(|volume| {
            let sign = if volume.bytes < 0 { '-' } else { '+' };
            let tenths = volume.bytes.unsigned_abs().saturating_mul(10) >> 20;
            format!(
                "{sign}{}.{} MB on {}",
                tenths / 10,
                tenths % 10,
                volume.mount
            )
        })
        .collect();
    (!volumes.is_empty()).then(|| volumes.join(", "))
}

/// The first few, and how many there are beside them.
fn names<'a>(all: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = all.len().saturating_sub(NAMES);
    let first: Vec<&str> = all.take(NAMES).map(String::as_str).collect();
    let first = first.join(", ");
    match more {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_counted() {
        let all: Vec<String> = (0..8).map(|number| format!("n{number}")).collect();
        assert_eq!(names(all.iter()), "n0, n1, n2, n3, n4, n5 and 2 more");
        assert_eq!(names(all[..1].iter()), "n0");
    }

    #[test]
    fn a_file_system_that_shrinks_says_so() {
        let volume = |mount: &str, bytes| DiskUse {
            mount: mount.to_owned(),
            bytes,
        };
        let told = disk(&[
            volume("/", 3 << 20),
            volume("/var", -(1 << 19)),
            volume("/boot", 0),
        ]);
        assert_eq!(told.as_deref(), Some("+3.0 MB on /, -0.5 MB on /var"));
        assert_eq!(disk(&[]), None);
    }
}
