//! `patchd rehearsal-inside`: the payload of the jail. It does to the view what
//! a run does to the machine, by the same code, and tells what came of it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::model::{Change, ExitCode};
use crate::os::command::System;
use crate::os::files;
use crate::package_manager::{Activity, Applied, Fault, PackageManager, Settings, detect};
use crate::rehearsal::{self, PIECE, Said, Stage};
use crate::restore::{self, Site, Step, Trip, WayBack};

/// Where Debian's packages write their names when they want a reboot.
const REBOOT_REQUIRED: &str = "/run/reboot-required.pkgs";
const REBOOT_CAP: u64 = 64 << 10;

/// What the package manager prints, in the folder of the run inside.
const OUTPUT: &str = "output.log";

/// The output of a transaction, bytes; what is beyond is not told.
const OUTPUT_CAP: u64 = 4 << 20;

/// Does what lies on the stage.
#[must_use]
pub fn rehearsal_inside() -> ExitCode {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::Failed;
    };
    if let Err(sentence) = runtime.block_on(play(&Stage::default())) {
        say(&Said::Impossible { sentence });
    }
    say(&Said::Done);
    runtime.shutdown_background();
    ExitCode::Success
}

/// Takes the place of a program that acts on a running machine. Returns its
/// exit status.
#[must_use]
pub fn rehearsal_stand_in(path: &Path, arguments: &[String]) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::Failed.into();
    };
    let stage = Stage::default();
    let status = runtime.block_on(rehearsal::stand_in(&stage, path, arguments, &System));
    runtime.shutdown_background();
    status
}

async fn play(stage: &Stage) -> Result<(), String> {
    let unusable = |cause: std::io::Error| format!("the stage cannot be used: {cause}");
    let script = stage.script().map_err(unusable)?;
    progress(0, "setting the stage");
    stage.prepare(&System).await.map_err(unusable)?;
    let manager = detect(Box::new(System), Settings::default()).map_err(told)?;
    let manager = manager.with_stand_ins(&stage.stand_ins());
    let unsound = manager.audit().await.map_err(told)?;
    progress(0, "looking at configurations before");
    let passed = rehearsal::passing(&script.checks, &System).await;
    let begun = Instant::now();
    let applied = match &script.way_back {
        None => match manager.apply(&script.plan, &stage.run(), &mut watch).await {
            Ok(applied) => applied,
            Err(Fault::Stale { differences }) => {
                say(&Said::Stale { differences });
                return Ok(());
            }
            Err(fault) => return Err(told(fault)),
        },
        Some(way) => go_back(way, stage).await?,
    };
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tell(stage, applied, milliseconds);
    progress(100, "looking at the package database behind it");
    let sentences = manager.audit().await.map_err(told)?.into_iter();
    // What was unsound before is not to be blamed on it.
    for sentence in sentences.filter(|sentence| !unsound.contains(sentence)) {
        say(&Said::Unsound { sentence });
    }
    progress(100, "looking at configurations behind it");
    for said in rehearsal::again(&passed, &System).await {
        say(&said);
    }
    for note in rehearsal::read_notes(&stage.notes()).map_err(unusable)? {
        say(&Said::Noted(note));
    }
    let wanting = files::read_bounded(Path::new(REBOOT_REQUIRED), REBOOT_CAP);
    for package in wanting.unwrap_or_default().lines() {
        say(&Said::RebootRequired {
            package: package.to_owned(),
        });
    }
    Ok(())
}

/// The way back that a restore point gives. An error means that it was not begun.
async fn go_back(way: &Value, stage: &Stage) -> Result<Applied, String> {
    let way = WayBack::deserialize(way).map_err(|cause| cause.to_string())?;
    let site = Site::here().map_err(|cause| cause.to_string())?;
    let trip = Trip {
        site: &site,
        by: way.run,
        runner: &System,
        log: &stage.run().join(OUTPUT),
        stand_ins: Some(&stage.stand_ins()),
    };
    let watch = &mut |step| {
        if let Step::Doing { percent, what } = step {
            progress(percent, what);
        }
    };
    let outcome = restore::go_back(&trip, &way, watch).await;
    let outcome = outcome.map_err(|cause| cause.to_string())?;
    let is_back = |change: &&Change| outcome.restored.contains(change);
    let missing = way.course.changes().filter(|change| !is_back(change));
    Ok(Applied {
        culprits: missing.map(|change| change.id.name.clone()).collect(),
        changed: outcome.restored,
        kept_conffiles: outcome.kept_files,
        failure: outcome.failure,
    })
}

/// How the transaction ended, with the words of whoever failed.
fn tell(stage: &Stage, applied: Applied, milliseconds: u64) {
    let output = stage.run().join(OUTPUT);
    let output = read(&output).unwrap_or_default();
    let letters: Vec<char> = output.chars().collect();
    for piece in letters.chunks(PIECE) {
        say(&Said::Output {
            text: piece.iter().collect(),
        });
    }
    for path in applied.kept_conffiles {
        say(&Said::Kept { path });
    }
    if applied.failure.is_some() {
        for line in rehearsal::evidence(&output, &applied.culprits) {
            say(&Said::Words { line });
        }
    }
    say(&Said::Applied {
        milliseconds,
        failure: applied.failure,
        culprits: applied.culprits,
    });
}

/// Whatever scripts print, it need not be text.
fn read(output: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(output)?
        .take(OUTPUT_CAP)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn watch(activity: Activity) {
    match activity {
        Activity::Progress { percent, doing } => say(&Said::Progress { percent, doing }),
        Activity::Waiting { holder } => progress(0, &format!("waiting for {holder}")),
        // A rehearsal ends with its time, and its scripts with it.
        Activity::Started { .. } | Activity::AtWork { .. } => {}
    }
}

fn progress(percent: u8, doing: &str) {
    say(&Said::Progress {
        percent,
        doing: doing.to_owned(),
    });
}

/// Nobody listening is noticed by nobody listening.
fn say(said: &Said) {
    let mut out = std::io::stdout().lock();
    let _gone = out
        .write_all(said.line().as_bytes())
        .and_then(|()| out.flush());
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn told(fault: Fault) -> String {
    fault.to_string()
}
